"""Reads the convolutions of a MatConvNet network from a MATLAB 7.3 file, the form of DnCNN and FFDNet.

Source: the files of github.com/cszn/DnCNN and cszn/FFDNet. HDF5 shows MATLAB's arrays with the axes reversed: a filter
bank (rows, columns, in, out) appears as (out, in, columns, rows). A bank with a single output has lost that axis.
Neither MatConvNet nor torch flips its filters.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import WeightsError

if TYPE_CHECKING:
    import h5py
    import torch

Convolution = tuple["torch.Tensor", "torch.Tensor"]


def convolutions(path: Path) -> list[Convolution]:
    """Filters (out, in, rows, columns) and biases (out,) of all convolutions in the file, in their order.

    Raises WeightsError when the file is missing, damaged, or holds no such network.
    """
    h5py = _h5py(path)
    try:
        with h5py.File(path) as file:
            layers = [file[reference] for reference in file["net/layers"][()].ravel()]
            return [_filters(file, layer) for layer in layers if _text(layer["type"]) == "conv"]
    except (OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, RuntimeError) as error:
        raise WeightsError(
            f"weights {path.name}",
            f"there is no MatConvNet network to be read ({error})",
            "Give a .mat file of DnCNN or FFDNet as their authors publish it",
        ) from error


def _h5py(path: Path):
    try:
        import h5py
    except ImportError as error:
        raise WeightsError(
            f"weights {path.name}", "MATLAB 7.3 files need the package h5py", "Install it: pip install h5py"
        ) from error
    return h5py


def _filters(file: h5py.File, layer: h5py.Group) -> Convolution:
    import torch

    weight, bias = (np.asarray(file[reference], dtype=np.float32) for reference in layer["weights"][()].ravel())
    if weight.ndim == 3:
        weight = weight[np.newaxis]
    if weight.ndim != 4 or len(weight) != bias.size:
        raise ValueError(f"filters of shape {weight.shape} with {bias.size} biases")
    return torch.from_numpy(weight.swapaxes(2, 3).copy()), torch.from_numpy(bias.ravel().copy())


def _text(characters: h5py.Dataset) -> str:
    return "".join(map(chr, characters[()].ravel()))
