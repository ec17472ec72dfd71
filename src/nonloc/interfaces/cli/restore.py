"""nonloc restore"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from .options import Running, Writing, running

NAME = "restore"


def command(
    inputs: Annotated[list[str] | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    strength: float = 1.0,
    best: Annotated[bool, Parameter(negative="")] = False,
    writing: Writing | None = None,
    running_: Annotated[Running | None, Parameter(name="*")] = None,
) -> int:
    """Find out what is wrong with pictures and repair it. A picture with nothing wrong stays as it is.

    Parameters
    ----------
    inputs
        Pictures, folders, patterns, '@list.txt', or '-' for standard input. Originals are never changed.
    strength
        0 to 1; below 1 blends with the original.
    best
        Of several methods take the one whose forecast is best on this very picture; minutes a megapixel.
    """
    from .run_files import run_files

    return run_files(
        NAME, "restored", {"strength": strength, "best": best}, inputs or [], writing or Writing(), running(running_)
    )
