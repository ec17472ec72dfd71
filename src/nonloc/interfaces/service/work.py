"""One request that was accepted, from its picture to its answer. It ends exactly once: done, failed or cancelled.

It goes the way of the command line, `verbs.files.process`, so that the file is the same one.
"""

from __future__ import annotations

import json
import math
import shutil
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import Cancelled
from .limits import Limits, check_pages
from .media import MEDIA, digest
from .problems import Problem, problem_of

if TYPE_CHECKING:
    from ...engine.progress import Progress
    from ...image.source import Header
    from ...verbs.task import Task

WAITING, WORKING, DONE, FAILED, CANCELLED = "waiting", "working", "done", "failed", "cancelled"
LONGEST = 4000  # bytes of the record in a header; many proxies take 8 KiB for all headers together
SPARED = ("considered", "pages", "arguments", "warnings", "fallbacks", "diagnosis", "reason")  # where it is longer


class Work:
    """state: waiting, working, done, failed, cancelled. over: set when it is one of the last three.

    told: the record of a restoration, or the whole answer of an estimate. asynchronous: the client was sent to the job,
    so that the result waits for it; fetched: it came.
    """

    def __init__(self, name: str, verb: str, folder: Path, task: Task | None, limits: Limits):
        self.id, self.verb, self.folder, self.task, self.limits = name, verb, folder, task, limits
        self.source = folder / "picture"
        self.format: str | None = None
        self.header: Header | None = None
        self.begin()
        self.ended: float | None = None
        self.state, self.done = WAITING, 0.0
        self.left: float | None = None
        self.told: dict[str, Any] | None = None
        self.problem: Problem | None = None
        self.digest = ""
        self.over: Future[None] = Future()
        self.asynchronous = self.fetched = False
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"/v1/jobs/{self.id}"

    @property
    def target(self) -> Path:
        return self.folder / f"result{self.suffix}"

    @property
    def suffix(self) -> str:
        from ...image import formats

        assert self.format is not None
        return formats.by_name(self.format).SUFFIXES[0]

    @property
    def media(self) -> str | None:
        return None if self.format is None else "application/json" if self.task is None else MEDIA[self.format]

    def begin(self) -> None:
        """Its time runs from here."""
        self.started = time.monotonic()
        self.deadline = self.started + self.limits.timeout

    def named(self, own: str) -> None:
        """Give the picture the ending of its own format, by which unchanged files are copied.

        Not so camera RAW, which is read in many formats and written in one.
        """
        from ...image import formats

        if own == "raw":
            return
        path = self.source.with_name("picture" + formats.by_name(own).SUFFIXES[0])
        self.source = self.source.rename(path)

    def as_dict(self) -> dict[str, Any]:
        now = self.ended if self.ended is not None else time.monotonic()
        return {
            "id": self.id,
            "verb": self.verb,
            "state": self.state,
            "done": self.done,
            "left": self.left,
            "seconds": round(now - self.started, 3),
            "media": self.media,
            "record": self.told,
            "problem": self.problem.as_dict(self.address) if self.problem is not None else None,
        }

    def settle(self, state: str, problem: Problem | None = None) -> bool:
        """End it so; False where it had ended before, and nothing changes."""
        with self._lock:
            if self.ended is not None:
                return False
            self.state, self.problem, self.ended, self.left = state, problem, time.monotonic(), None
            self.done = 1.0 if state == DONE else self.done
        self.over.set_result(None)  # who waits for it is told outside the lock
        return True

    def expire(self) -> bool:
        """End it where its time is over."""
        if time.monotonic() < self.deadline:
            return False
        late = f"it was not done within {self.limits.timeout:g} s"
        return self.settle(FAILED, Problem("late", "the work", late, "Send a smaller picture, or take a faster method"))

    def cancel(self) -> bool:
        found = "it was cancelled"
        return self.settle(
            CANCELLED, Problem("gone", "the work", found, "Send the picture again", {"error": "Cancelled"})
        )

    def carry_out(self) -> None:
        """Do it, in a worker's thread; errors are kept, not raised."""
        with self._lock:
            if self.ended is None:
                self.state = WORKING
        try:
            if self.ended is not None:
                return
            self._estimate() if self.task is None else self._restore()
        except Cancelled:
            self.cancel()
        except BaseException as error:  # a worker outlives whatever happens in it
            self.settle(FAILED, self.told_of(error))
        else:
            self.settle(DONE)
        finally:
            self.source.unlink(missing_ok=True)  # a picture is kept no longer than it is needed
            if self.state != DONE:
                self.clear()

    def told_of(self, error: BaseException) -> Problem:
        """An error of this work, without the names of our files."""
        names = {self.source: "the picture", self.folder / "result": "the result", self.folder: "a temporary folder"}
        return problem_of(error, names)

    def _estimate(self) -> None:
        from ...verbs.estimate import estimate

        self.told = finite(estimate(self.source).as_dict())

    def _restore(self) -> None:
        from ...verbs.files import process

        assert self.task is not None
        assert self.header is not None
        if self.header.pages > 1:
            check_pages(self.source, self.limits)
        outcome = process(
            self.source,
            self.target,
            self.task.planner,
            quality=self.task.quality,
            progress=self._progress,
            cancel=lambda: self.ended is not None or self.expire(),
            task=self.task,
        )
        told = outcome.as_dict()
        self.told = finite({name: value for name, value in told.items() if name not in ("input", "output")})
        self.digest = digest(self.target)

    def _progress(self, progress: Progress) -> None:
        if self.ended is None:
            self.done, self.left = progress.done / max(progress.total, 1), progress.left

    def clear(self) -> None:
        """Remove its files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def finite(value: Any) -> Any:
    """`value` as JSON can hold it: without NaN and infinity, which become null."""
    if isinstance(value, Mapping):
        return {str(name): finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    if hasattr(value, "item"):  # a number of NumPy
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def header_of(record: Mapping[str, Any]) -> str:
    """A record as one line of ASCII that is not too long for a header; what was left out of it is told."""
    left, short = dict(record), list[str]()
    while len(line := json.dumps(left | ({"left_out": short} if short else {}), separators=(",", ":"))) > LONGEST:
        name = next((name for name in SPARED if name in left), None)
        if name is None:
            return "{}"
        short.append(name)
        del left[name]
    return line
