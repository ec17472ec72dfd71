"""nonloc serve"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .options import Running, read_size, running

NAME = "serve"


def command(
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    jobs: Annotated[int, Parameter(name=["--jobs", "-j"])] = 1,
    queue: int = 16,
    upload: str = "256M",
    pixels: str = "100M",
    wait: float = 30.0,
    timeout: float = 300.0,
    grace: float = 30.0,
    keep: float = 600.0,
    token_file: Path | None = None,
    page: bool = True,
    warm: bool = True,
    running_: Annotated[Running | None, Parameter(name="*")] = None,
) -> int:
    """Serve the verbs over HTTP, and the page of 'nonloc web' beside them. SIGTERM ends it when all accepted is done.

    Parameters
    ----------
    host
        Address to listen at. Other machines reach it only where this is another one than 127.0.0.1.
    port
        Default: 8000, or the next that is free; 0: any.
    jobs
        Pictures worked on at a time; --memory holds for each.
    queue
        Requests that may wait beside these; more are sent away with 429.
    upload
        Bytes of one picture: 256M, 1G.
    pixels
        Of one picture with all its pages, and of its result: 100M are a hundred million.
    wait
        Seconds after which an answer becomes 202 and the address of its job.
    timeout
        Seconds that a picture may take, its time in the queue and all.
    grace
        Seconds that results which nobody has fetched hold up the end.
    keep
        Seconds that results of jobs are kept otherwise.
    token_file
        File with the token that clients have to show; default: what NONLOC_TOKEN holds, or none.
    page
        The page at '/', where no token is asked for and --host is this machine alone.
    warm
        Load the default network at the start; --no-warm when it is first needed.
    """
    from ...errors import UsageError
    from ..service.limits import Limits
    from ..service.serve import read_token, serve

    if not 1 <= jobs <= 64:
        raise UsageError(f"--jobs {jobs}", "it is no number of workers", "Give 1 to 64")
    limits = Limits(read_size(upload), _millions(pixels), queue, wait, timeout, grace, keep)
    options = running(running_)
    token = read_token(token_file)
    return serve(options, limits, host=host, port=port, workers=jobs, token=token, page=page, warm=warm)


def _millions(text: str) -> int:
    """'100M' as 100,000,000."""
    from ...errors import UsageError

    number, unit = (text[:-1], text[-1:].upper()) if text[-1:].upper() in "KMG" else (text, "")
    if not number.replace(".", "", 1).isdigit():
        raise UsageError(f"--pixels {text}", "it is no number", "Write 100M")
    return int(float(number) * {"": 1, "K": 1e3, "M": 1e6, "G": 1e9}[unit])
