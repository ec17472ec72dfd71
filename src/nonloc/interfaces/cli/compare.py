"""nonloc compare"""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .options import Running, running

NAME = "compare"


def command(
    picture: Path,
    /,
    *,
    methods: str | None = None,
    sigma: str = "auto",
    reference: Path | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    size: int = 256,
    centre: tuple[int, int] | None = None,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
    running_: Annotated[Running | None, Parameter(name="*")] = None,
) -> int:
    """Restore one picture with several methods; write their crops side by side, print figures and times.

    Parameters
    ----------
    picture
        The picture to restore.
    methods
        Names with commas between. Default: the usual ones that fit.
    sigma
        As for denoise.
    reference
        The clean picture, where there is one; gives PSNR.
    output
        The sheet; default: beside the picture, ending in -compared.png.
    size
        Side of the crops in pixels.
    centre
        Row and column of the crops' centre; default: where there is most detail.
    overwrite
        Replace an existing sheet.
    json
        Print JSON.
    """
    from ...errors import UsageError
    from ...image.write import write
    from ...verbs.compare import compare

    target = output or picture.with_name(f"{picture.stem}-compared.png")
    if target.exists() and not overwrite:
        raise UsageError(f"writing {target}", "it exists", "Give --overwrite, or another name with -o")
    names = [name.strip() for name in methods.split(",")] if methods else None
    found = compare(picture, names, sigma=sigma, reference=reference, options=running(running_))
    write(found.sheet(size, centre), target, overwrite=overwrite)
    if json:
        told = {
            "sigma": found.sigma,
            "sheet": str(target),
            "methods": [entry.as_dict() for entry in found.entries],
        }
        print(json_module.dumps(told, indent=2))
        return 0
    print(f"sigma {found.sigma:g}")
    for entry in found.entries:
        if entry.record is None:
            print(f"  {entry.method:<24} {entry.error}")
            continue
        figure = f"{entry.psnr:6.2f} dB" if entry.psnr is not None else ""
        print(f"  {entry.method:<24} {figure} {entry.record.seconds:8.2f} s")
    print(f"written to {target}")
    return 0
