"""What data tests share that check networks with their authors' weights."""

from pathlib import Path

import numpy as np
from torch import nn

from nonloc.datasets import DatasetPicture
from nonloc.importing import import_weights


def load(module: nn.Module, path: Path) -> nn.Module:
    """`module` with the authors' numbers, ready to run; every number must fit."""
    module.load_state_dict(import_weights(path).state)
    return module.eval().requires_grad_(False)


def checked_crop(pictures: list[DatasetPicture], i: int, sigma: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The i-th crop that the reference weights were checked on: clean uint8, noisy float32 (black 0, white 1).

    The centre 128 x 128 of each sixth picture; NumPy's noise of seed 1000 sigma + i, not clipped.
    """
    samples = pictures[6 * i].pixels8(kind)
    top, left = (samples.shape[0] - 128) // 2, (samples.shape[1] - 128) // 2
    clean = samples[top : top + 128, left : left + 128]
    noise = np.random.default_rng(1000 * sigma + i).standard_normal(clean.shape) * sigma
    return clean, ((clean + noise) / 255).astype(np.float32)
