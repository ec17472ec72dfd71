"""What the server of the worker processes loads before it forks them, so that they share it.

Importing this module does the work: the standard library's fork server imports modules and calls nothing.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
from importlib import import_module
from typing import Any

from ..errors import NonlocError
from . import work as _work  # noqa: F401  the worker's own code
from .workers import PRELOAD


def load(verb: str, method: str | None, network: bool, **choice: Any) -> None:
    """Import what a `Task.preload` names; for networks torch and the weights, too."""
    import_module("nonloc.verbs.files")
    import_module(f"nonloc.verbs.{verb}")
    from ..methods.registry import card, create, method_class
    from ..verbs.choose import DENOISERS

    name = method or DENOISERS[0]
    if not network:
        method_class(card(name))
        return
    import torch

    from ..engine.device import place

    torch.set_num_threads(1)  # threads that ran before a fork would be missing after it
    for channels in (1, 3):
        with contextlib.suppress(NonlocError):
            place(create(name, channels=channels, **choice).module, "cpu")  # type: ignore[attr-defined]


if PRELOAD in os.environ:
    with contextlib.suppress(Exception):  # a worker that cannot load it either will say why
        load(**json.loads(os.environ.pop(PRELOAD)))
    gc.collect()
    gc.freeze()
