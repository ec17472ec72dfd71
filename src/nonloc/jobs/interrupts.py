"""Ctrl-C and SIGTERM: the first stops the job in good order, a second at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

INTERRUPTED = 130


class Interrupts:
    """While it is entered, SIGINT and SIGTERM raise KeyboardInterrupt, but never between a manifest's line and the
    output that it tells of. The second one ends the process.

    at_once: what the second does first. Outside the main thread, where signals cannot be had, it does nothing.
    """

    def __init__(self) -> None:
        self.at_once: Callable[[], None] | None = None
        self._holding = False
        self._wanted = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._came)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let an interrupt wait until the block is left."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        if self._wanted:
            raise KeyboardInterrupt

    def _came(self, number: int, frame: FrameType | None) -> None:
        if self._wanted:
            if self.at_once is not None:
                self.at_once()
            os._exit(INTERRUPTED)
        self._wanted = True
        if not self._holding:
            raise KeyboardInterrupt
