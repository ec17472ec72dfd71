"""Self-ensemble: the mean over the eight turns and mirrors of the square (Timofte, Rothe, Van Gool, CVPR 2016)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def self_ensemble(restore: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray) -> np.ndarray:
    """Mean of `restore` over the 8 views of `pixels` (B, C, H, W), each turned back."""
    total = np.zeros_like(pixels)
    for mirrored in (False, True):
        for turns in range(4):
            view = pixels[..., ::-1] if mirrored else pixels
            out = np.rot90(restore(np.ascontiguousarray(np.rot90(view, turns, (-2, -1)))), -turns, (-2, -1))
            total += out[..., ::-1] if mirrored else out
    return total / np.float32(8)
