"""Who may talk to the server: the page that it served, on this machine, and nobody else.

A foreign page that points its own name at 127.0.0.1 (DNS rebinding) is known by its Host header, one that sends
requests from elsewhere by Origin and Sec-Fetch-Site. The answers forbid the page any outside address.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .telling import refusal

NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
SMALL = 64 << 10  # bytes of a request that is no upload
UPLOAD = "/pictures"  # how the path of an upload ends
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Guard:
    """ASGI middleware around the app."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no web sockets here
            return

        async def guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                kept = [(k, v) for k, v in message.get("headers", ()) if k.decode("latin-1").lower() not in HEADERS]
                message["headers"] = kept + [(k.encode(), v.encode()) for k, v in HEADERS.items()]
            await send(message)

        refused = wrong(scope)
        if refused is not None:
            await refusal(*refused)(scope, receive, guarded)
        else:
            await self.app(scope, receive, guarded)


def wrong(scope: Scope) -> tuple[int, str, str, str] | None:
    """Why a request is refused (status, asked, found, do), or None."""
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    asked = "a request to this page's server"
    host = headers.get("host", [])
    if len(host) != 1 or hostname(host[0]) not in NAMES:
        found = f"it names the host {', '.join(host) or 'not at all'}"
        return 403, asked, found, "Open the address that 'nonloc web' printed"
    origin = headers.get("origin", [])
    if origin and origin != [f"{scope['scheme']}://{host[0]}"]:
        return 403, asked, "it comes from another page", "Open the address that 'nonloc web' printed"
    site, mode = headers.get("sec-fetch-site", ["none"]), headers.get("sec-fetch-mode", [""])
    opened = mode == ["navigate"] and scope["method"] == "GET" and scope["path"] == "/"
    if site[0] not in ("none", "same-origin") and not opened:
        return 403, asked, "it comes from another page", "Open the address that 'nonloc web' printed"
    if scope["path"].endswith(UPLOAD):
        return None
    length = headers.get("content-length", ["0"])[0]
    if "transfer-encoding" in headers or not length.isdigit() or int(length) > SMALL:
        return 413, asked, f"it is no upload and larger than {SMALL >> 10} KiB", "Send less"
    return None


def hostname(host: str) -> str:
    """'localhost:8000' without its port, in lower case."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
