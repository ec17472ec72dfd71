"""Errors as answers: application/problem+json, with the three parts of every error of nonloc.

Source: RFC 9457. Each kind has a stable address, /problems/KIND.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse, Response

from ... import errors
from ...errors import ImageError, MemoryLimit, NonlocError

LOG = logging.getLogger("nonloc.serve")
MEDIA = "application/problem+json"
KINDS: dict[str, tuple[int, str, str]] = {
    "damaged": (400, "The picture is damaged", "It ends early, or says of itself what cannot be."),
    "bad-request": (400, "The request cannot be understood", "Its body or its headers are not what HTTP has."),
    "unauthorized": (401, "A token is needed", "This service wants the header 'Authorization: Bearer TOKEN'."),
    "foreign": (403, "The request comes from another page", "Browsers may use this service from its own page only."),
    "not-found": (404, "There is nothing here", "No route, job or method has this name, or it has been cleared away."),
    "method-not-allowed": (405, "This cannot be done here", "The address takes other HTTP methods."),
    "not-acceptable": (406, "No format fits", "The service writes none of the formats that Accept names."),
    "slow": (408, "The upload stalled", "The body of the request did not arrive in time."),
    "not-finished": (409, "The work is not finished", "Ask again after Retry-After seconds."),
    "gone": (410, "The result is gone", "The work was cancelled, or its result was deleted."),
    "too-large": (413, "The upload is too large", "The body has more bytes than the service takes."),
    "too-many-pixels": (413, "The picture is too large", "It has too many pixels, or needs too much memory."),
    "unknown-format": (415, "The format is not known", "The bytes belong to no picture format that is read here."),
    "bad-option": (422, "An option does not fit", "It is unknown, out of its range, or does not fit the picture."),
    "busy": (429, "The queue is full", "Ask again after Retry-After seconds; nothing was kept of this request."),
    "fault": (500, "A fault of the service", "Nothing is wrong with the request; the service's log says more."),
    "draining": (503, "The service is stopping", "It finishes what it accepted and takes nothing new."),
    "late": (504, "The time limit has passed", "The work did not end in time and was given up."),
    "no-room": (507, "There is no room", "The disk or the memory of the service is full."),
}  # fmt: skip


class Problem(NonlocError):
    """An answer that is an error. kind: of KINDS. more: fields beside the usual ones. headers: of the answer."""

    def __init__(
        self, kind: str, asked: str, found: str, do: str,
        more: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None,
    ):  # fmt: skip
        super().__init__(asked, found, do)
        self.kind, self.more, self.headers = kind, dict(more or {}), dict(headers or {})

    @property
    def status(self) -> int:
        return KINDS[self.kind][0]

    def as_dict(self, instance: str | None = None) -> dict[str, Any]:
        """The body of the answer. instance: the address of the job or request that it is about."""
        asked, found, do = self.args
        told = {
            "type": f"/problems/{self.kind}",
            "title": KINDS[self.kind][1],
            "status": self.status,
            "detail": str(self),
        }
        about = {} if instance is None else {"instance": instance}
        return {**told, **about, "asked": asked, "found": found, "do": do, **self.more}

    def answer(self, instance: str | None = None) -> Response:
        return JSONResponse(self.as_dict(instance), self.status, headers=self.headers, media_type=MEDIA)


def problem_of(error: BaseException, hidden: Mapping[Path, str] | None = None) -> Problem:
    """What went wrong, as the client may know it. hidden: paths of ours and what they are called to others.

    Always a new one: the traceback of one that was raised holds all that was at work, pictures and all.
    """
    if isinstance(error, Problem):
        asked, found, do = error.args
        return Problem(error.kind, asked, found, do, error.more, error.headers)
    if isinstance(error, NonlocError):
        kind = _kind(error)
        asked, found, do = (_without(str(part), hidden or {}) for part in error.args)
        named = type(error).__name__
        return Problem(kind, asked, found, do, {"error": named} if hasattr(errors, named) else None)
    if isinstance(error, MemoryError):
        do = "Send a smaller picture, or start 'nonloc serve' with a smaller --memory"
        return Problem("no-room", "the work", "the memory of the machine ran out", do)
    if isinstance(error, OSError):
        found = error.strerror or "it failed"
        return Problem("no-room", "a temporary file", found, "Check the disk of the temporary folder")
    LOG.error("fault", exc_info=error)
    return Problem("fault", "the work", "it stopped with an unforeseen error", "This is a fault of nonloc; see its log")


def _kind(error: NonlocError) -> str:
    if isinstance(error, MemoryLimit):
        return "too-many-pixels"
    if isinstance(error, errors.Cancelled):
        return "gone"
    if isinstance(error, ImageError):
        return "bad-option" if str(error.args[0]).startswith(("writing", "encoding", "format")) else "damaged"
    return "bad-option"


def _without(text: str, hidden: Mapping[Path, str]) -> str:
    for path, name in hidden.items():
        text = text.replace(str(path), name)
    return text
