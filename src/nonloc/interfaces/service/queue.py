"""The queue: so many workers, so many places, and a plain no where there is none left."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable

from .metrics import Metrics
from .problems import LOG, Problem
from .work import WAITING, Work

RECENT = 0.2  # the weight of the last run in the mean of their seconds
LONGEST = 600  # seconds that a client is told to stay away at most


class Queue:
    """Works are done in the order in which they came, by `workers` threads.

    places: how many may wait, or be on their way here, beside those that are worked on. A place is taken before the
    picture is sent, so that nobody sends one in vain. first: what the first worker does before anything else.
    """

    def __init__(self, workers: int, places: int, metrics: Metrics, first: Callable[[], None] | None = None):
        self.workers, self.places, self.metrics = workers, places, metrics
        self.accepted = self.ended = 0
        self.warm = first is None
        self._first = first
        self._waiting: deque[Work] = deque()
        self._coming = 0
        self._busy: set[Work] = set()
        self._mean: float | None = None
        self._over = False
        self._change = threading.Condition()
        metrics.watch(self)
        for number in range(workers):
            threading.Thread(target=self._work, args=(number,), name=f"nonloc-{number}", daemon=True).start()

    def reserve(self) -> None:
        """Take a place; Problem 'busy' with Retry-After where all are taken."""
        with self._change:
            if self._coming + len(self._waiting) + len(self._busy) >= self.places + self.workers:
                found = f"{len(self._busy)} pictures are worked on, and all {self.places} places of the queue are taken"
                raise self.busy(found)
            self._coming += 1

    def busy(self, found: str) -> Problem:
        after = str(self.retry_after())
        return Problem("busy", "the request", found, f"Ask again after {after} s", headers={"retry-after": after})

    def release(self) -> None:
        """Give back a place whose picture never came."""
        with self._change:
            self._coming -= 1

    def put(self, work: Work) -> None:
        """Put work into the place that was reserved for it."""
        with self._change:
            self._coming -= 1
            self.accepted += 1
            self._waiting.append(work)
            self._change.notify()
        work.over.add_done_callback(lambda _: self._ended(work))

    def retry_after(self) -> int:
        """Seconds until about half of what is accepted will be done: early enough that the workers never run dry."""
        backlog = (self.length + self.busy_workers + 1) / 2
        return min(LONGEST, max(1, math.ceil((self._mean or 1.0) * backlog / self.workers)))

    @property
    def length(self) -> int:
        return len(self._waiting) + self._coming

    @property
    def busy_workers(self) -> int:
        return len(self._busy)

    @property
    def full(self) -> bool:
        return self.length + self.busy_workers >= self.places + self.workers

    @property
    def stuck(self) -> bool:
        """Whether all workers are at works that have ended: too late or cancelled, within a tile that takes long."""
        busy, now = list(self._busy), time.monotonic()
        return len(busy) == self.workers and all(w.ended is not None and now - w.ended > 1 for w in busy)

    @property
    def idle(self) -> bool:
        """Whether all that was accepted has ended."""
        return not self._coming and self.accepted == self.ended

    def expire(self) -> None:
        """End the works whose time is over."""
        with self._change:
            works = [*self._waiting, *self._busy]
        for work in works:
            work.expire()

    def close(self) -> None:
        """End everything; the threads end after the tile that is under way."""
        with self._change:
            self._over = True
            works = [*self._waiting, *self._busy]
            self._change.notify_all()
        for work in works:
            work.cancel()

    def _ended(self, work: Work) -> None:
        with self._change:
            self.ended += 1
            waited = work in self._waiting
            if waited:
                self._waiting.remove(work)
        if waited:
            work.clear()
        self.metrics.ended(work)

    def _work(self, number: int) -> None:
        if self._first is not None and number == 0:
            try:
                self._first()
            except Exception as error:  # whoever asks for it will be told why
                LOG.error("warming up", exc_info=error)
            self.warm = True
        while (work := self._next()) is not None:
            begun = time.monotonic()
            self.metrics.waited(begun - work.started)
            work.carry_out()
            seconds = time.monotonic() - begun
            with self._change:
                self._busy.discard(work)
                self._mean = seconds if self._mean is None else (1 - RECENT) * self._mean + RECENT * seconds

    def _next(self) -> Work | None:
        with self._change:
            while True:
                while not self._waiting and not self._over:
                    self._change.wait()
                if self._over:
                    return None
                work = self._waiting.popleft()
                if work.state == WAITING:
                    self._busy.add(work)
                    return work
