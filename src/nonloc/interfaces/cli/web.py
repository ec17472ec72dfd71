"""nonloc web"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from .options import Running, running

NAME = "web"


def command(
    *,
    port: int | None = None,
    browser: bool = True,
    running_: Annotated[Running | None, Parameter(name="*")] = None,
) -> int:
    """Open a page in the browser where pictures are dropped, looked at and restored. Nothing leaves this machine.

    Parameters
    ----------
    port
        Of 127.0.0.1; default: 8765, or the next that is free; 0: any.
    browser
        Open the page in the browser; --no-browser only prints its address.
    """
    from ..web.serve import serve

    serve(running(running_), port=port, browser=browser)
    return 0
