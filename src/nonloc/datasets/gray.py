"""Gray pictures from colour ones, as MATLAB's rgb2gray makes them.

The weights are the first row of the inverse of the NTSC matrix, which MATLAB rounds to 0.2989, 0.5870, 0.1140
in its documentation only. With them BSD68 equals CBSD68 in all of its 10 499 268 pixels; Pillow's "L" differs
in 444.
"""

from __future__ import annotations

import numpy as np

WEIGHT = (0.298936021293775, 0.587043074451121, 0.114020904255103)


def rgb2gray(samples: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) as uint8 (H, W), halves rounded up; uint8 (H, W) comes back as it is."""
    if samples.ndim == 2:
        return samples
    r, g, b = (samples[..., i].astype(np.float64) * WEIGHT[i] for i in range(3))
    return np.floor(r + g + b + 0.5).astype(np.uint8)
