"""What changed, counted, so that a page may ask for all that is new since it last asked."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

LOG = logging.getLogger("nonloc.web")


class Versioned(Protocol):
    version: int


class Changes:
    """One counter for all; each thing carries the number of its last change."""

    def __init__(self) -> None:
        self.now = 0
        self._lock = threading.Lock()

    def touch(self, thing: Versioned) -> None:
        with self._lock:
            self.now += 1
            thing.version = self.now

    def fault(self, error: BaseException) -> None:
        """A fault of ours, onto the terminal, with the place."""
        LOG.error("fault", exc_info=error)
