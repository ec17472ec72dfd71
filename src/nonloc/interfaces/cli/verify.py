"""nonloc verify"""

from __future__ import annotations

import json as json_
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

NAME = "verify"


def command(
    output: Path,
    input: Path | None = None,
    /,
    *,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Tell how a restored file was made; with the input, make it anew and compare.

    Exit code 0: all that could be checked is true; 1: something is not, or the file does not tell.

    Parameters
    ----------
    output
        A file that nonloc wrote.
    input
        The file that it was made from.
    json
        Print a JSON object.
    """
    from ...verbs.verify import verify
    from .telling import tile_bar

    tell = None if json else tile_bar(output.name)
    found = verify(output, input, progress=(lambda p: tell(p.done / max(p.total, 1))) if tell else None)
    print(json_.dumps(found.as_dict(), indent=2) if json else found, file=sys.stdout)
    return 0 if found.holds else 1
