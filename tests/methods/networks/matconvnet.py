"""Reads the authors' weights of DnCNN and FFDNet, MatConvNet networks in MATLAB 7.3 files; for data tests only.

HDF5 shows MATLAB's arrays with the axes reversed: a filter bank (rows, columns, in, out) appears as (out, in,
columns, rows). A bank with a single output has lost that axis. Neither MatConvNet nor torch flips its filters.
"""

from pathlib import Path

import h5py
import numpy as np
import torch
from torch import nn

from nonloc.datasets import DatasetPicture


def convolutions(path: Path) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Filters (out, in, rows, columns) and biases (out,) of all convolutions in the file, in their order."""
    with h5py.File(path) as file:
        layers = [file[reference] for reference in file["net/layers"][()].ravel()]
        return [_filters(file, layer) for layer in layers if _text(layer["type"]) == "conv"]


def load(module: nn.Module, path: Path) -> nn.Module:
    """`module` with the numbers of the file in its convolutions, ready to run; every number must fit."""
    ours = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]
    for layer, (weight, bias) in zip(ours, convolutions(path), strict=True):
        layer.load_state_dict({"weight": weight, "bias": bias})
    return module.eval().requires_grad_(False)


def load_ffdnet(module: nn.Module, path: Path) -> nn.Module:
    """Like `load`, with the sub-pictures of the first and last layer put into torch's order.

    Theirs run down the columns, (0, 0), (1, 0), (0, 1), (1, 1), torch's along the rows; colours and map agree.
    """
    load(module, path)
    first, *_, last = (layer for layer in module.modules() if isinstance(layer, nn.Conv2d))
    order = [4 * (k // 4) + (0, 2, 1, 3)[k % 4] for k in range(len(last.weight))]
    first.weight.data = first.weight.data[:, [*order, len(order)]].contiguous()
    last.weight.data, last.bias.data = (
        last.weight.data[order].contiguous(),
        last.bias.data[order].contiguous(),
    )
    return module


def checked_crop(pictures: list[DatasetPicture], i: int, sigma: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The i-th crop that the reference weights were checked on: clean uint8, noisy float32 (black 0, white 1).

    The centre 128 x 128 of each sixth picture; NumPy's noise of seed 1000 sigma + i, not clipped.
    """
    samples = pictures[6 * i].pixels8(kind)
    top, left = (samples.shape[0] - 128) // 2, (samples.shape[1] - 128) // 2
    clean = samples[top : top + 128, left : left + 128]
    noise = np.random.default_rng(1000 * sigma + i).standard_normal(clean.shape) * sigma
    return clean, ((clean + noise) / 255).astype(np.float32)


def _filters(file: h5py.File, layer: h5py.Group) -> tuple[torch.Tensor, torch.Tensor]:
    weight, bias = (np.asarray(file[reference]) for reference in layer["weights"][()].ravel())
    if weight.ndim == 3:
        weight = weight[np.newaxis]
    return torch.from_numpy(weight.swapaxes(2, 3).copy()), torch.from_numpy(bias.ravel().copy())


def _text(characters: h5py.Dataset) -> str:
    return "".join(map(chr, characters[()].ravel()))
