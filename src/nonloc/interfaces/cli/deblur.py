"""nonloc deblur"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from .options import Running, Writing, read_arguments, running

NAME = "deblur"


def command(
    inputs: Annotated[list[str] | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    kernel: Annotated[str, Parameter(name=["--kernel", "-k"])] = "auto",
    sigma: str = "auto",
    method: Annotated[str | None, Parameter(name=["--method", "-m"])] = None,
    strength: float = 1.0,
    set: Annotated[list[str] | None, Parameter(negative="")] = None,
    writing: Writing | None = None,
    running_: Annotated[Running | None, Parameter(name="*")] = None,
) -> int:
    """Sharpen pictures whose blur is known, or can be seen.

    Parameters
    ----------
    inputs
        Pictures, folders, patterns, '@list.txt', or '-' for standard input. Originals are never changed.
    kernel
        motion:15,30 (length in pixels, degrees counter-clockwise), gaussian:1.6, defocus:3 (pixels), or a file with the
        kernel: .npy, a table of numbers, or the picture of a point. auto looks for a motion, a Gaussian or a lens out
        of focus, and leaves a picture as it is where none is certain.
    sigma
        Level of the noise on the 0-255 scale, or auto.
    method
        See 'nonloc methods --task deblur'. Default: the best.
    strength
        0 to 1; below 1 blends with the original.
    set
        An argument of the method, NAME=VALUE; see 'nonloc methods NAME'.
    """
    from .run_files import run_files

    settings = {
        "kernel": kernel,
        "sigma": sigma,
        "method": method,
        "strength": strength,
        "arguments": read_arguments(set),
    }
    return run_files(NAME, "sharpened", settings, inputs or [], writing or Writing(), running(running_))
