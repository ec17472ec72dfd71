"""nonloc upscale"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from .options import Running, Writing, read_arguments, running

NAME = "upscale"


def command(
    inputs: Annotated[list[str] | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    factor: Annotated[float, Parameter(name=["--factor", "-x"])] = 2.0,
    method: Annotated[str | None, Parameter(name=["--method", "-m"])] = None,
    kernel: Annotated[str | None, Parameter(name=["--kernel", "-k"])] = None,
    sigma: str | None = None,
    set: Annotated[list[str] | None, Parameter(negative="")] = None,
    writing: Writing | None = None,
    running_: Annotated[Running | None, Parameter(name="*")] = None,
) -> int:
    """Enlarge pictures.

    Parameters
    ----------
    inputs
        Pictures, folders, patterns, '@list.txt', or '-' for standard input. Originals are never changed.
    factor
        How many times as large, 2 or 1.5; below 1 makes pictures smaller.
    method
        See 'nonloc methods --task upscale'. Default: the best that fits.
    kernel
        The blur before the picture became small, for methods that undo it, too; see 'nonloc deblur --help'.
    sigma
        The noise after it became small, for methods that remove it, too; 0-255 scale.
    set
        An argument of the method, NAME=VALUE; see 'nonloc methods NAME'.
    """
    from .run_files import run_files

    settings = {
        "factor": factor,
        "method": method,
        "kernel": kernel,
        "sigma": sigma,
        "arguments": read_arguments(set),
    }
    return run_files(NAME, "larger", settings, inputs or [], writing or Writing(), running(running_))
