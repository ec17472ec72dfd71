"""All that is under way: who brought which pictures, what is done to them, and where the temporary files are.

Ids are random; the one of a session is what lets its page, and no other, ask for its pictures. Two threads work: one
looks at new pictures, one restores, one picture at a time.
"""

from __future__ import annotations

import queue
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UsageError
from .. import temporary
from .changes import Changes
from .names import clean
from .picture import Picture
from .work import OVER, Settings, Work

if TYPE_CHECKING:
    from ...verbs.options import Options

PREFIX = "nonloc-web-"


@dataclass(frozen=True)
class Limits:
    """upload: bytes of one file. pictures, sessions: how many at a time. idle: seconds that a session is kept for
    after its page was last heard of. spare: bytes of disk that are left free."""

    upload: int = 1 << 30
    pictures: int = 500
    sessions: int = 50
    idle: float = 3600.0
    spare: int = 256 << 20


@dataclass
class Session:
    id: str
    folder: Path
    seen: float
    pictures: dict[str, Picture] = field(default_factory=dict)
    works: dict[str, Work] = field(default_factory=dict)


class Studio:
    """Everything that a server keeps; `close` ends it and removes all files."""

    def __init__(self, options: Options, limits: Limits | None = None, *, clock: Callable[[], float] = time.monotonic):
        self.options, self.limits, self.clock = options, limits or Limits(), clock
        self._temporary = temporary.Temporary(PREFIX, self.limits.spare)
        self.folder = self._temporary.path
        self.changes = Changes()
        self.sessions: dict[str, Session] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._queues: tuple[queue.SimpleQueue, queue.SimpleQueue] = queue.SimpleQueue(), queue.SimpleQueue()
        names = ("nonloc-look", "nonloc-restore")
        self._threads = [
            threading.Thread(target=_serve, args=(jobs,), name=name, daemon=True)
            for jobs, name in zip(self._queues, names, strict=True)
        ]
        self._threads.append(threading.Thread(target=self._keep, name="nonloc-keep", daemon=True))
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop what is under way and remove all files. A second call does nothing."""
        if self._over.is_set():
            return
        self._over.set()
        for session in list(self.sessions.values()):
            self.end(session)
        for jobs in self._queues:
            jobs.put(None)
        for thread in self._threads:
            thread.join(timeout=5)
        self._temporary.remove()

    def begin(self) -> Session:
        """A new session; the one that was quiet for longest goes where there are too many."""
        self.expire()
        with self._lock:
            oldest = sorted(self.sessions.values(), key=lambda session: session.seen)
        for session in oldest[: max(0, len(oldest) + 1 - self.limits.sessions)]:
            self.end(session)
        name = secrets.token_hex(16)
        session = Session(name, self.folder / name, self.clock())
        session.folder.mkdir(mode=0o700)
        self.sessions[name] = session
        return session

    def session(self, name: str) -> Session | None:
        """The session of that id, marked as alive; None when it is over."""
        session = self.sessions.get(name)
        if session is not None:
            session.seen = self.clock()
        return session

    def end(self, session: Session) -> None:
        """Forget a session and all its files."""
        self.sessions.pop(session.id, None)
        for work in list(session.works.values()):
            work.cancel()
        shutil.rmtree(session.folder, ignore_errors=True)

    def expire(self) -> None:
        """End the sessions whose page has not been heard of for long, unless something is under way in them."""
        for session in list(self.sessions.values()):
            busy = any(work.state not in OVER for work in list(session.works.values()))
            if not busy and self.clock() - session.seen > self.limits.idle:
                self.end(session)

    def place(self, session: Session, name: str) -> Picture:
        """A place for a new picture, whose bytes are then written to its path. UsageError when there are too many."""
        if len(session.pictures) >= self.limits.pictures:
            found = f"there are {self.limits.pictures} already"
            raise UsageError("another picture", found, "Remove some, or restore a folder with 'nonloc restore FOLDER'")
        number = secrets.token_hex(8)
        folder = session.folder / number
        folder.mkdir(mode=0o700)
        return Picture(number, clean(name), folder, folder / "upload", 0, self.changes)

    def room(self, size: int, what: str) -> None:
        """ImageError where the disk of the temporary folder has no room for `size` more bytes."""
        self._temporary.room(size, what)

    def add(self, session: Session, picture: Picture) -> None:
        """A picture whose bytes are there: it is looked at next."""
        session.pictures[picture.id] = picture
        self.changes.touch(picture)
        self._queues[0].put(lambda: picture.look(self.options))

    def remove(self, session: Session, picture: Picture) -> None:
        session.pictures.pop(picture.id, None)
        for work in [w for w in list(session.works.values()) if w.picture is picture]:
            work.cancel()
            session.works.pop(work.id, None)
        shutil.rmtree(picture.folder, ignore_errors=True)

    def restore(self, session: Session, picture: Picture, settings: Settings) -> Work:
        """Put a restoration into the queue; one with the same settings that is there already is given instead."""
        task = settings.task(self.options)
        same = (w for w in list(session.works.values()) if w.picture is picture and w.settings == settings)
        for work in same:
            if work.state not in ("failed", "cancelled"):
                return work
        facts = picture.facts
        self.room(facts["width"] * facts["height"] * 16, picture.name)
        number = secrets.token_hex(8)
        work = Work(number, picture, settings, task, picture.folder / number, self.changes)
        session.works[number] = work
        self.changes.touch(work)
        self._queues[1].put(work.carry_out)
        return work

    def _keep(self) -> None:
        """Once a minute: a sign of life, and old sessions go."""
        while True:
            self._temporary.sign()
            if self._over.wait(60):
                return
            self.expire()


def _serve(jobs: queue.SimpleQueue) -> None:
    while (job := jobs.get()) is not None:
        job()


def sweep(place: Path) -> None:
    """Remove what pages that were killed left in the temporary folder."""
    temporary.sweep(place, PREFIX)
