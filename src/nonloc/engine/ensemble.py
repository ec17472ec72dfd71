"""Self-ensemble: the mean over turns and mirrors of the square (Timofte, Rothe, Van Gool, CVPR 2016)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# quarter turns, and whether mirrored before; the first 2 and 4 are ensembles, too
VIEWS = ((0, False), (2, False), (1, False), (3, False), (0, True), (2, True), (1, True), (3, True))
SIZES = (1, 2, 4, 8)


def self_ensemble(restore: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray, count: int = 8) -> np.ndarray:
    """Mean of `restore` over the first `count` views of `pixels` (B, C, H, W), each turned back."""
    total: np.ndarray | float = 0.0
    for turns, mirrored in VIEWS[:count]:
        view = pixels[..., ::-1] if mirrored else pixels
        out = np.rot90(restore(np.ascontiguousarray(np.rot90(view, turns, (-2, -1)))), -turns, (-2, -1))
        total = total + (out[..., ::-1] if mirrored else out)
    return np.asarray(total) / np.float32(count)
