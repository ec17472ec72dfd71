"""nonloc denoise"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from .options import Running, Writing, read_arguments, running

NAME = "denoise"


def command(
    inputs: Annotated[list[str] | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    sigma: str = "auto",
    method: Annotated[str | None, Parameter(name=["--method", "-m"])] = None,
    strength: float = 1.0,
    set: Annotated[list[str] | None, Parameter(negative="")] = None,
    writing: Writing | None = None,
    running_: Annotated[Running | None, Parameter(name="*")] = None,
) -> int:
    """Remove noise. The level is estimated unless it is given.

    Parameters
    ----------
    inputs
        Pictures, folders, patterns, '@list.txt', or '-' for standard input. Originals are never changed.
    sigma
        Level of the noise on the 0-255 scale: auto, 25; 0.1u where white is 1; 120dn in stored numbers. Or the noise in
        words: poisson-gaussian:0.02,5 (variance per unit of signal, read noise), camera:8, rician:15, speckle:4 (looks,
        or auto). 10,20,15 for three channels; a file that holds a level for every place.
    method
        See 'nonloc methods'. Default: the best that fits.
    strength
        0 to 1; below 1 blends with the original.
    set
        An argument of the method, NAME=VALUE; see 'nonloc methods NAME'.
    """
    from .run_files import run_files

    settings = {"sigma": sigma, "method": method, "strength": strength, "arguments": read_arguments(set)}
    return run_files(NAME, "denoised", settings, inputs or [], writing or Writing(), running(running_))
