"""nonloc estimate"""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

NAME = "estimate"


def command(inputs: list[Path], /, *, json: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Tell which noise pictures have, its level with an interval, how sure that is, and the quality of a JPEG.

    Parameters
    ----------
    inputs
        Pictures.
    json
        Print JSON, one object, or a list for several pictures.
    """
    from ...errors import NonlocError
    from ...verbs.estimate import estimate
    from . import NOTHING_DONE, OK, SOME_FAILED

    told: list[dict[str, object]] = []
    failed = 0
    for path in inputs:
        try:
            found = estimate(path)
        except NonlocError as error:
            failed += 1
            print(f"nonloc: {error}", file=sys.stderr)
            told.append({"input": str(path), "error": str(error)})
            continue
        told.append({"input": str(path), **found.as_dict()})
        if not json:
            print(f"{path}: {found}")
    if json:
        print(json_module.dumps(told[0] if len(told) == 1 else told, indent=2))
    return OK if not failed else NOTHING_DONE if failed == len(inputs) else SOME_FAILED
