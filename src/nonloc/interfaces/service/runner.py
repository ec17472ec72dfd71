"""uvicorn, stopped in good order."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from .service import Service


class Runner(uvicorn.Server):
    """A server that goes on listening after the first signal until `service` is empty.

    The second signal cancels all work; the third ends it as it is.
    """

    def __init__(self, app: Any, service: Service, tell: Callable[[str], None]):
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=max(1, round(service.limits.grace)),
        )
        super().__init__(config)
        self.service, self.tell, self.asked = service, tell, 0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Only counted here: a signal may come while a lock is held."""
        self.asked += 1

    async def on_tick(self, counter: int) -> bool:
        if self.asked and self.service.draining is None:
            self.service.drain()
            queue = self.service.queue
            self.tell(f"stopping; {queue.accepted - queue.ended} accepted pictures are finished first")
        if self.asked > 1:
            self.service.queue.close()
            self.force_exit = self.asked > 2
        if self.asked > 1 or (self.asked and self.service.empty):
            self.should_exit = True
        return await super().on_tick(counter)
