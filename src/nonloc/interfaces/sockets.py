"""A socket that a server listens at."""

from __future__ import annotations

import errno
import socket

from ..errors import UsageError

TRIED = 20  # ports from the usual one on


def bound(host: str, port: int | None, usual: int) -> socket.socket:
    """A socket that listens at `port` of `host`; None takes the first free one from `usual` on, 0 any.

    Raises UsageError for a port that is taken or none, and for a host that is none of this machine's.
    """
    for number in range(usual, usual + TRIED) if port is None else [port]:
        listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where SO_REUSEADDR lets another take the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, number))
            listening.listen()
            return listening
        except (OSError, OverflowError) as error:
            listening.close()
            if isinstance(error, OverflowError):
                raise UsageError(f"--port {port}", "it is no port", "Give 1024 to 65535, or 0 for any") from None
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                found = "this machine has no such address"
                raise UsageError(
                    f"--host {host}", found, "Give 127.0.0.1, or 0.0.0.0 for all of its addresses"
                ) from None
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
    tried = f"--port {port}" if port is not None else f"ports {usual} to {usual + TRIED - 1}"
    raise UsageError(tried, "it is taken, or not allowed", "Give another with --port, or 0 for any that is free")
