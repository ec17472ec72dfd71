"""Reads the tensors of a state dict that PyTorch saved, without running anything that the file may hold."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import WeightsError

if TYPE_CHECKING:
    import torch

WANTED = "Give a state dict as the network's authors publish it"


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The state dict in the file, by name, without the 'module.' that training on several devices puts in front.

    Raises WeightsError when the file is missing, damaged, or holds anything but tensors.
    """
    import torch

    try:
        # weights_only: numbers and their names, never code
        found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WeightsError(f"weights {path}", "there is no such file", WANTED) from error
    except (OSError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
        why = str(error).partition("\n")[0] or "it is empty"
        raise WeightsError(f"weights {path.name}", f"as this kind of file it cannot be read ({why})", WANTED) from error
    if not isinstance(found, dict) or not all(isinstance(values, torch.Tensor) for values in found.values()):
        raise WeightsError(f"weights {path.name}", "it holds other things than the tensors of a network", WANTED)
    return {str(name).removeprefix("module."): values for name, values in found.items()}
