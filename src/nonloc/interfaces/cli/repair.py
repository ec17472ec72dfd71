"""nonloc repair"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from .options import Running, Writing, read_arguments, running

NAME = "repair"


def command(
    inputs: Annotated[list[str] | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    damage: Annotated[str | None, Parameter(name=["--damage", "-d"])] = None,
    mask: str | None = None,
    method: Annotated[str | None, Parameter(name=["--method", "-m"])] = None,
    strength: float = 1.0,
    set: Annotated[list[str] | None, Parameter(negative="")] = None,
    writing: Writing | None = None,
    running_: Annotated[Running | None, Parameter(name="*")] = None,
) -> int:
    """Repair damage: scratches, single pixels, holes, JPEG blocks, tones.

    Parameters
    ----------
    inputs
        Pictures, folders, patterns, '@list.txt', or '-' for standard input. Originals are never changed.
    damage
        impulses, hot-pixels, scratches, specks, stripes, jpeg, contrast, cast, soft, or holes, which --mask alone
        means, too.
    mask
        A picture, white where the others are lost, as large as they are.
    method
        See 'nonloc methods --task repair'. Default: the one for the damage.
    strength
        0 to 1; below 1 blends with the original.
    set
        An argument of the method, NAME=VALUE; see 'nonloc methods NAME'.
    """
    from .run_files import run_files

    settings = {
        "damage": damage,
        "mask": mask,
        "method": method,
        "strength": strength,
        "arguments": read_arguments(set),
    }
    return run_files(NAME, "repaired", settings, inputs or [], writing or Writing(), running(running_))
