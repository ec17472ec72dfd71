"""Before the routes: who may ask, what is counted, and that nobody's answer is lost because it came early.

A server that answers before it has read the whole body and then closes makes the client's system throw the answer
away (RFC 9112, section 9.6); so what is still coming is read first, as far as it is worth it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from typing import TYPE_CHECKING, Any

from ..web.guard import NAMES, Receive, Scope, Send, hostname
from .problems import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from .service import Service

    App = Callable[[Scope, Receive, Send], Awaitable[None]]

OURS = ("/v1/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/problems/")
OPEN = ("/healthz", "/readyz")  # without a token
TASKS = ("restore", "denoise", "upscale", "deblur", "repair", "estimate", "methods", "jobs")
LEFT = 16 << 20  # bytes of a body that are read only to be thrown away
PATIENCE = 5.0  # seconds that they may take
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}


class Gate:
    """The whole application: `routes` of the service, and for all other addresses the page, where there is one."""

    def __init__(self, service: Service, routes: App, page: App | None = None):
        self.service, self.routes, self.page = service, routes, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.routes(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        task, begun, body = task_name(scope["path"]), time.monotonic(), Body(scope, receive)

        async def counted(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                if message["status"] != 408:  # who stalled is not waited for again
                    await body.rest()
                known = {name.lower() for name, _ in message["headers"]}
                more = [*HEADERS.items()] if task != "page" else []
                if self.service.draining is not None or not body.read:
                    more.append((b"connection", b"close"))
                message["headers"] = [*message["headers"], *(pair for pair in more if pair[0] not in known)]
                self.service.metrics.answered(task, message["status"], time.monotonic() - begun)
            await send(message)

        app = self.routes
        try:
            self._check(scope, task)
        except Problem as problem:
            app = problem.answer(scope["path"])
        else:
            if task == "page" and self.page is not None:
                app = self.page
        await app(scope, body, counted)

    def _check(self, scope: Scope, task: str) -> None:
        """Raise the Problem for a request that nobody may ask."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if self.service.token is None:  # no page of others knows one
            self._check_origin(scope, headers)
        if task == "page" and scope["method"] == "POST" and self.service.draining is not None:
            raise self.service.stopping()
        if self.service.token is None or scope["path"] in OPEN:
            return
        kind, _, given = headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode(), self.service.token.encode())
        if kind.lower() != "bearer" or not same:
            found = "it shows none" if not given else "it shows another one"
            do = "Send the header 'Authorization: Bearer TOKEN'"
            raise Problem("unauthorized", "the token", found, do, headers={"www-authenticate": "Bearer"})

    def _check_origin(self, scope: Scope, headers: Mapping[str, str]) -> None:
        """Raise the Problem for what a browser sends for the page of someone else; see web/guard.py."""
        if self.service.local and hostname(headers.get("host", "")) not in NAMES:
            found = f"it names the host {headers.get('host') or 'not at all'}, and this service is local"
            raise Problem("foreign", "the request", found, "Use 127.0.0.1, or start it with --host or --token-file")
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        opened = headers.get("sec-fetch-mode") == "navigate" and scope["method"] == "GET"
        own = f"{scope['scheme']}://{headers.get('host', '')}"
        if (origin and origin != own) or (site not in ("none", "same-origin") and not opened):
            do = "Send it from a program, or from the page of this service itself"
            raise Problem("foreign", "the request", "it comes from another page", do)


def task_name(path: str) -> str:
    """What a request is counted as."""
    if not path.startswith(OURS):
        return "page"
    first, second = [*path.strip("/").split("/"), ""][:2]
    if first == "v1":
        return second if second in TASKS else "other"
    return first if path.strip("/") == first else "other"


class Body:
    """The body of a request, as the app reads it; it knows whether all of it has come."""

    def __init__(self, scope: Scope, receive: Receive):
        headers = dict(scope["headers"])
        self.receive, self.size, self.asked = receive, 0, False
        length = headers.get(b"content-length", b"")
        self.length = int(length) if length.isdigit() else None
        self.read = self.length in (None, 0) and b"transfer-encoding" not in headers
        self.continues = headers.get(b"expect", b"").lower() == b"100-continue"

    async def __call__(self) -> Any:
        self.asked = True
        message = await self.receive()
        if message["type"] == "http.request":
            self.size += len(message.get("body", b""))
            self.read = not message.get("more_body", False)
        else:
            self.read = True  # the client has gone, and nothing more will come
        return message

    async def rest(self) -> None:
        """Read what is left of it, where that is little; who waits for '100 Continue' has not begun to send."""
        if self.continues and not self.asked:
            return
        if self.length is not None and self.length - self.size > LEFT:
            return
        last = self.size + LEFT
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not self.read and self.size < last:
                    await self()
