"""nonloc doctor"""

from __future__ import annotations

import json as json_module
from typing import Annotated

from cyclopts import Parameter

NAME = "doctor"


def command(*, json: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Look at this installation: packages, devices, weights; run the default denoiser once.

    Parameters
    ----------
    json
        Print JSON.
    """
    from ...verbs.doctor import doctor

    health = doctor()
    print(json_module.dumps(health.as_dict(), indent=2) if json else health)
    return 3 if health.problems else 0
