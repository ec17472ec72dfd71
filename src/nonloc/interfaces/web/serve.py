"""Starting the server: an address of this machine only, the browser, and a good end."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import webbrowser
from typing import TYPE_CHECKING

from ...errors import UsageError

if TYPE_CHECKING:
    from ...verbs.options import Options

HOST, PORT = "127.0.0.1", 8765
TRIED = 20  # ports from the usual one on


def serve(options: Options, *, port: int | None = None, browser: bool = True) -> None:
    """Serve the page until Ctrl-C. port: None takes the first free one from 8765 on, 0 any.

    Raises UsageError when the port is taken, or what the page is made with is not installed.
    """
    try:
        import uvicorn

        from .app import build
    except ImportError as error:
        raise UsageError(
            "nonloc web", f"{error.name} is not installed", "Install it with: pip install 'nonloc[web]'"
        ) from error
    from .studio import Studio

    with bound(port) as listening:
        address = f"http://{HOST}:{listening.getsockname()[1]}/"
        studio = Studio(options)

        def ready() -> None:
            print(f"nonloc is open at {address}\nPictures stay on this machine. Ctrl-C ends it.", flush=True)
            if browser:
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

        config = uvicorn.Config(
            build(studio, ready),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
        )
        try:
            with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how it ends
                uvicorn.Server(config).run(sockets=[listening])
        finally:
            studio.close()


def bound(port: int | None) -> socket.socket:
    """A socket that listens at that port of this machine."""
    for number in range(PORT, PORT + TRIED) if port is None else [port]:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where SO_REUSEADDR lets another take the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, number))
            listening.listen()
            return listening
        except (OSError, OverflowError) as error:
            listening.close()
            if isinstance(error, OverflowError):
                raise UsageError(f"--port {port}", "it is no port", "Give 1024 to 65535, or 0 for any") from None
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
    tried = f"--port {port}" if port is not None else f"ports {PORT} to {PORT + TRIED - 1}"
    raise UsageError(tried, "it is taken, or not allowed", "Give another with --port, or 0 for any that is free")
