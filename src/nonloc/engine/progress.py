"""What a long run tells while it works, and how it is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import Cancelled


@dataclass(frozen=True)
class Progress:
    """`done` of `total` tiles after `seconds`."""

    done: int
    total: int
    seconds: float

    @property
    def left(self) -> float | None:
        """Seconds still to go, as far as can be told; None before the first tile."""
        return self.seconds / self.done * (self.total - self.done) if self.done else None


Listener = Callable[[Progress], None]
Cancel = Callable[[], bool]


class Meter:
    """Counts tiles, tells the listener, and raises Cancelled when `cancel()` says so."""

    def __init__(self, total: int, listener: Listener | None, cancel: Cancel | None):
        self.total, self.listener, self.cancel = total, listener, cancel
        self.done, self.start = 0, time.perf_counter()
        self.tell(0)

    def tell(self, more: int) -> None:
        self.done += more
        if self.listener:
            self.listener(Progress(self.done, self.total, time.perf_counter() - self.start))
        if self.cancel and self.cancel() and self.done < self.total:
            raise Cancelled(
                "the restoration",
                f"it was cancelled after {self.done} of {self.total} tiles",
                "Start it again",
            )
