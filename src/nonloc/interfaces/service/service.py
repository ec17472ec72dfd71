"""All that a running service keeps: its works, its files, its queue, and whether it is stopping."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from ..temporary import Temporary
from .limits import Limits
from .metrics import Metrics
from .problems import Problem
from .queue import Queue
from .work import DONE, Work

if TYPE_CHECKING:
    from ...verbs.options import Options
    from ...verbs.task import Task
    from ..web.studio import Studio

PREFIX = "nonloc-serve-"
TICK = 0.25  # seconds between two looks at the clock
REMEMBERED = 256  # jobs whose answer was given at once, of which the record can still be asked for
UNDER_WAY = ("waiting", "working")


class Service:
    """options: of every run. token: what clients have to show, or None. workers: pictures worked on at a time.

    local: it listens on this machine alone, so that requests have to name it. page: the studio of
    `nonloc web`, or None.
    warm: load the default network before the first picture comes.
    """

    def __init__(
        self,
        options: Options,
        limits: Limits | None = None,
        *,
        workers: int = 1,
        token: str | None = None,
        local: bool = True,
        page: Studio | None = None,
        warm: bool = False,
    ):
        self.options, self.limits, self.token, self.local, self.page = options, limits or Limits(), token, local, page
        self.metrics = Metrics()
        self.works: dict[str, Work] = {}
        self.draining: float | None = None  # since when
        self.open = 0  # answers that are being sent
        self.queue = Queue(workers, self.limits.queue, self.metrics, warm_up if warm else None)
        self._page_worked = False
        self._temporary = Temporary(PREFIX, self.limits.spare)
        self._answered: deque[Work] = deque()
        self._over = threading.Event()
        threading.Thread(target=self._keep, name="nonloc-keep", daemon=True).start()

    def close(self) -> None:
        """End all work and remove all files. A second call does nothing."""
        if self._over.is_set():
            return
        self._over.set()
        self.queue.close()
        if self.page is not None:
            self.page.close()
        self._temporary.remove()

    def begin(self, verb: str, task: Task | None) -> Work:
        """A work whose picture is to be written to its `source`, with a place in the queue.

        Raises Problem: 'draining', 'busy', or 'no-room' on the disk.
        """
        if self.draining is not None:
            raise self.stopping()
        if sum(work.asynchronous for work in list(self.works.values())) >= self.limits.held:
            raise self.queue.busy(f"{self.limits.held} results wait to be fetched")
        if shutil.disk_usage(self._temporary.path).free < self.limits.upload + self.limits.spare:
            raise Problem("no-room", "the request", "the disk of the service is full", "Ask again later")
        self.queue.reserve()
        name = secrets.token_hex(16)
        folder = self._temporary.path / name
        try:
            folder.mkdir(mode=0o700)
        except OSError:
            self.queue.release()
            raise
        return Work(name, verb, folder, task, self.limits)

    def accept(self, work: Work) -> None:
        """From here on the work will end, whatever happens to the client."""
        work.begin()
        self.works[work.id] = work
        self.queue.put(work)

    def drop(self, work: Work) -> None:
        """A work whose picture was refused, or never came."""
        self.queue.release()
        work.clear()

    def answered(self, work: Work) -> None:
        """Its answer was given at once: of the job only the record stays, for a while."""
        work.clear()
        work.fetched = True
        self._answered.append(work)
        while len(self._answered) > REMEMBERED:
            self.works.pop(self._answered.popleft().id, None)

    def job(self, name: str) -> Work:
        """The work of that id; Problem 'not-found' where there is none."""
        if name not in self.works:
            raise Problem("not-found", "a job", "none has this id, or it was cleared away", "Send the picture again")
        return self.works[name]

    def stopping(self) -> Problem:
        after = str(self.queue.retry_after())
        found = "it finishes what it accepted and takes nothing new"
        return Problem(
            "draining", "the service", found, "Ask another one, or again later", headers={"retry-after": after}
        )

    def drain(self) -> None:
        """Take nothing new from here on."""
        if self.draining is None:
            self.draining = time.monotonic()
            self._page_worked = self._page_works()

    @property
    def empty(self) -> bool:
        """Whether a service that drains may end: all is done, and fetched or no longer waited for."""
        now = time.monotonic()
        if not self.queue.idle or self.open or self._page_works():
            return False
        waits = [
            w.ended or now for w in list(self.works.values()) if w.asynchronous and not w.fetched and w.state == DONE
        ]
        waits += [0.0] if self._page_worked else []  # nobody can tell whether the page has fetched its results
        return all(now - max(since, self.draining or now) >= self.limits.grace for since in waits)

    def _page_works(self) -> bool:
        sessions = list(self.page.sessions.values()) if self.page is not None else []
        return any(work.state in UNDER_WAY for session in sessions for work in list(session.works.values()))

    def _keep(self) -> None:
        """Late works end, old results go, and the folder shows that it is in use."""
        while not self._over.wait(TICK):
            self.queue.expire()
            self._temporary.sign()
            now = time.monotonic()
            for work in list(self.works.values()):
                if work.ended is not None and now - work.ended > self.limits.keep:
                    self.works.pop(work.id, None)
                    work.clear()


def warm_up() -> None:
    """Load what most pictures will need: the readers, the default network, the code that numba compiles."""
    import numpy as np

    from ...verbs import files  # noqa: F401
    from ...verbs.denoise import denoise

    for shape in ((48, 48), (48, 48, 3)):
        noisy = np.random.default_rng(0).normal(0.5, 0.1, shape).astype(np.float32)
        denoise(noisy, sigma=25)
