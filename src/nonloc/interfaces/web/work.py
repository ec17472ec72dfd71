"""One restoration: a picture, what is asked for, and what becomes of it.

It goes the way of the command line, `Task.planner` and `verbs.files.process`, so that the file is the same one.
"""

from __future__ import annotations

import shlex
import shutil
import threading
import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import Cancelled, NonlocError
from ...estimation.residual import CELL, STRUCTURE
from ...image.read import read
from .names import result
from .picture import Page, Picture, read_page
from .preview import Removed, build, build_removed
from .telling import Told, told

if TYPE_CHECKING:
    from ...engine.progress import Progress
    from ...verbs.options import Options
    from ...verbs.task import Task
    from .changes import Changes

WAITING, WORKING, DONE, FAILED, CANCELLED = "waiting", "working", "done", "failed", "cancelled"
OVER = (DONE, FAILED, CANCELLED)


@dataclass(frozen=True)
class Settings:
    """What a user chose. method None and sigma 'auto' is `restore`, anything else `denoise`."""

    method: str | None = None
    sigma: str = "auto"
    strength: float = 1.0

    def task(self, options: Options) -> Task:
        """The task of the command line; UsageError and its kin for what is wrong with any picture."""
        from ...verbs.task import Task

        if self.method is None and self.sigma == "auto":
            task = Task("restore", "restored", {"strength": self.strength}, options)
        else:
            settings = {**asdict(self), "arguments": {}}
            task = Task("denoise", "denoised", settings, options)
        task.check()
        return task


def command(name: str, settings: Settings, options: Options) -> str:
    """The command line that gives the same file."""
    from ...verbs.options import Options

    plain = settings.method is None and settings.sigma == "auto"
    words = ["nonloc", "restore" if plain else "denoise", f"./{name}" if name.startswith("-") else name]
    words += ["--method", settings.method] if settings.method else []
    words += ["--sigma", settings.sigma] if settings.sigma != "auto" else []
    words += ["--strength", f"{settings.strength:g}"] if settings.strength != 1 else []
    usual = Options()
    for one in fields(Options):
        value = getattr(options, one.name)
        if value != getattr(usual, one.name):
            words += [f"--{one.name}", "whole" if one.name == "tile" and value is None else str(value)]
    return shlex.join(words)


@dataclass
class Work:
    """state: waiting, working, done, failed, cancelled. done: part of it, 0 to 1, as far as tiles tell."""

    id: str
    picture: Picture
    settings: Settings
    task: Task
    folder: Path
    changes: Changes
    state: str = WAITING
    done: float = 0.0
    left: float | None = None
    seconds: float = 0.0
    error: Told | None = None
    record: dict[str, Any] | None = None
    version: int = 0
    started: float | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _pages: dict[int, tuple[Page, Removed]] = field(default_factory=dict)
    _structure: list[Any] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """What the result is called when it is downloaded."""
        return result(self.picture.name, self.task.suffix, self.picture.end)

    @property
    def path(self) -> Path:
        return self.folder / f"result{self.picture.path.suffix}"

    def as_dict(self) -> dict[str, Any]:
        names = ("id", "state", "done", "left", "seconds", "error", "record", "version")
        return {
            **{name: getattr(self, name) for name in names},
            "picture": self.picture.id,
            "settings": asdict(self.settings),
            "running": time.monotonic() - self.started if self.started is not None else 0.0,
            "name": self.name,
            "command": command(self.picture.name, self.settings, self.task.options),  # type: ignore[arg-type]
        }

    def cancel(self) -> None:
        """Stop it after the tile that is under way; its result is wanted no more."""
        self._stop.set()
        if self.state in (WAITING, WORKING):
            self.state = CANCELLED
            self.changes.touch(self)

    def carry_out(self) -> None:
        """Restore the file; errors are kept, not raised."""
        if self._stop.is_set():
            return
        self.state, self.started = WORKING, time.monotonic()
        self.changes.touch(self)
        try:
            self._restore()
            self._end(DONE)
        except Cancelled:
            self._end(CANCELLED)
        except Exception as error:
            self.error = told(error, {self.picture.path: self.picture.name, self.path: self.name})
            self._end(FAILED)
            if not isinstance(error, (NonlocError, OSError, MemoryError)):
                self.changes.fault(error)

    def _restore(self) -> None:
        from ...verbs.files import process

        assert self.started is not None
        self.folder.mkdir(exist_ok=True)
        outcome = process(
            self.picture.path,
            self.path,
            self.task.planner,
            progress=self._progress,
            cancel=self._stop.is_set,
            task=self.task,
        )
        self.seconds = time.monotonic() - self.started
        self._structure = [record.found.get(STRUCTURE) for record in outcome.pages or (outcome.record,)]
        if self._stop.is_set():
            return
        self.done = 1.0
        self.changes.touch(self)
        removed = self.page(0)[1]
        names = {"input": self.picture.name, "output": self.name}
        self.record = {**outcome.as_dict(), **names, "removed": removed.std}

    def _end(self, state: str) -> None:
        self.state = CANCELLED if self._stop.is_set() else state
        if self.state != DONE:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.changes.touch(self)

    def _progress(self, progress: Progress) -> None:
        self.done, self.left = progress.done / max(progress.total, 1), progress.left
        self.changes.touch(self)

    def page(self, number: int) -> tuple[Page, Removed]:
        """How a page of the result is shown, and what was removed from it; made when first asked for."""
        with self._lock:
            if number not in self._pages:
                window = self.picture.page(number).window
                one = self.picture.facts["pages"] == 1
                before, after = (
                    read(path) if one else read_page(path, number) for path in (self.picture.path, self.path)
                )
                folder = self.folder / f"page-{number}"
                page = Page(build(after, folder, window), window)
                self._pages[number] = page, build_removed(before, after, folder, window, self._structure[number], CELL)
            return self._pages[number]
