"""How far a training is, and the learning rate that goes with it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from .recipe import Schedule


@dataclass
class Progress:
    """Steps done and seconds spent, over all the runs of one training."""

    schedule: Schedule
    step: int = 0
    seconds: float = 0.0

    @property
    def fraction(self) -> float:
        """0 at the start, 1 at the end: by steps, or by the time given, so that a slow machine ends on time too."""
        if self.schedule.steps is not None:
            return self.step / self.schedule.steps
        minutes = self.schedule.minutes or self.schedule.core_minutes
        return self.seconds / (60 * minutes) if minutes else 1.0

    def now(self) -> float:
        """Seconds on the clock that the schedule goes by."""
        return time.monotonic() if self.schedule.core_minutes is None else time.process_time()

    @property
    def done(self) -> bool:
        return self.fraction >= 1


def rate(fraction: float, warmup: float) -> float:
    """Factor on the highest rate: linear warm-up, then half a cosine to 0."""
    if fraction < warmup:
        return max(fraction, 1e-4) / warmup
    return 0.5 * (1 + math.cos(math.pi * min((fraction - warmup) / (1 - warmup), 1)))


def ema_decay(step: int, final: float) -> float:
    """Decay of the averaged weights after `step` steps; a short memory at the start."""
    return min(final, (1 + step) / (10 + step))
