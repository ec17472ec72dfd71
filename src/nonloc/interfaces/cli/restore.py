"""nonloc restore"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .options import Running, Writing, running

NAME = "restore"


def command(
    inputs: list[Path],
    /,
    *,
    strength: float = 1.0,
    writing: Writing | None = None,
    running_: Annotated[Running | None, Parameter(name="*")] = None,
) -> int:
    """Find out what is wrong with pictures and repair it. A picture with nothing wrong stays as it is.

    Parameters
    ----------
    inputs
        Pictures. Originals are never changed.
    strength
        0 to 1; below 1 blends with the original.
    """
    from ...verbs.restore import plan_restore
    from .run_files import run_files

    options = running(running_)
    return run_files(
        inputs,
        writing or Writing(),
        lambda picture: plan_restore(picture, strength=strength, options=options),
        "restored",
    )
