"""Starting the server: an address of this machine only, the browser, and a good end."""

from __future__ import annotations

import contextlib
import socket
import threading
import webbrowser
from typing import TYPE_CHECKING

from ...errors import UsageError
from .. import sockets

if TYPE_CHECKING:
    from ...verbs.options import Options

HOST, PORT = "127.0.0.1", 8765


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
    return sockets.bound(HOST, port, PORT)
