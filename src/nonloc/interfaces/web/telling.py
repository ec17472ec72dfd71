"""Errors as the page shows them: what was asked, what was found, what to do."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import JSONResponse

from ...errors import MemoryLimit, NonlocError

Told = dict[str, str]


def told(error: BaseException, names: dict[Path, str] | None = None) -> Told:
    """An error in its three parts. names: what the files that it may speak of are called by their owner."""
    if isinstance(error, NonlocError):
        parts = list(error.args)
        kind = type(error).__name__
    elif isinstance(error, MemoryError):
        parts = ["the work", "the memory of the machine ran out", "Start 'nonloc web' with a smaller --memory"]
        kind = MemoryLimit.__name__
    elif isinstance(error, OSError):
        parts = ["a temporary file", error.strerror or str(error), "Check the disk of the temporary folder"]
        kind = "OSError"
    else:
        found = f"{type(error).__name__}: {error}"
        parts = ["the work", found, "This is a fault of nonloc; the terminal shows where it happened"]
        kind = "Fault"
    for path, name in (names or {}).items():
        parts = [part.replace(str(path), name) for part in parts]
    return {"asked": parts[0], "found": parts[1], "do": parts[2], "kind": kind}


def refusal(status: int, asked: str, found: str, do: str) -> JSONResponse:
    """An answer that is an error."""
    return JSONResponse({"error": {"asked": asked, "found": found, "do": do, "kind": "Refused"}}, status)
