"""Starting the service and stopping it: after SIGTERM it finishes what it accepted, and ends with 0.

Until then it goes on listening, so that /readyz can say that it stops, and results can be fetched.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UsageError
from ..sockets import bound

if TYPE_CHECKING:
    from ...verbs.options import Options
    from .limits import Limits

HOST, PORT = "127.0.0.1", 8000
ENVIRONMENT = "NONLOC_TOKEN"


def serve(
    options: Options,
    limits: Limits,
    *,
    host: str = HOST,
    port: int | None = None,
    workers: int = 1,
    token: str | None = None,
    page: bool = True,
    warm: bool = True,
) -> int:
    """Serve until SIGTERM or Ctrl-C and everything accepted is done; a second one ends at once.

    Raises UsageError when the port is taken, or what the service is made with is not installed.
    """
    try:
        from .app import build
        from .runner import Runner
        from .service import Service
    except ImportError as error:
        do = "Install it with: pip install 'nonloc[serve]'"
        raise UsageError("nonloc serve", f"{error.name} is not installed", do) from error
    local = loopback(host)
    studio = None
    with bound(host, port, PORT) as listening:
        if page and local and token is None:  # a browser that opens a page shows no token
            from ..web.studio import Studio

            studio = Studio(options)
        service = Service(options, limits, workers=workers, token=token, local=local, page=studio, warm=warm)
        name = f"[{host}]" if ":" in host else host
        address = f"http://{name}:{listening.getsockname()[1]}"
        if not local and token is None:
            tell(f"warning: anyone who reaches {address} can use it; give --token-file, or put a gateway before it")
        try:
            runner = Runner(build(service, lambda: tell(f"serving at {address}")), service, tell)
            runner.run(sockets=[listening])
        finally:
            service.close()
    queue = service.queue
    tell(f"{queue.ended} of {queue.accepted} accepted pictures came to their end")
    return 0 if queue.ended == queue.accepted else 1


def read_token(path: Path | None) -> str | None:
    """The token in the file, else in NONLOC_TOKEN, else None; UsageError for an empty one."""
    try:
        found = os.environ.get(ENVIRONMENT) if path is None else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        told = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"--token-file {path}", told, "Give a file with the token alone") from error
    if (found is not None and not (found := found.strip()).isascii()) or found == "":
        asked = f"--token-file {path}" if path is not None else ENVIRONMENT
        raise UsageError(
            asked, "it holds no token", "Write one there: letters and digits, such as of 'openssl rand -hex 32'"
        )
    return found


def loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def tell(text: str) -> None:
    print(f"nonloc: {text}", file=sys.stderr, flush=True)
