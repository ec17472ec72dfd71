"""Opponent colours: luminance and two colour differences, in which the channels of a photograph have little in common.

Source: Dabov, Foi, Katkovnik, Egiazarian, "Color image denoising via sparse 3D collaborative filtering with grouping
constraint in luminance-chrominance space", ICIP 2007, DOI 10.1109/ICIP.2007.4378954.

    Y = (R + G + B) / 3,    U = (R - B) / 2,    V = (R - 2G + B) / 4
"""

from __future__ import annotations

import numpy as np

ROWS = np.array([[1 / 3, 1 / 3, 1 / 3], [1 / 2, 0, -1 / 2], [1 / 4, -1 / 2, 1 / 4]])
# what the channels' noise is, in units of the noise in red, green and blue
NOISE = np.linalg.norm(ROWS, axis=1)


def to_opponent(rgb: np.ndarray) -> np.ndarray:
    """Y, U, V of `rgb`, both float (..., 3, H, W); U and V are 0 where a picture is gray."""
    r, g, b = np.moveaxis(rgb, -3, 0)
    return np.stack([(r + g + b) / 3, (r - b) / 2, (r - 2 * g + b) / 4], axis=-3)


def from_opponent(yuv: np.ndarray) -> np.ndarray:
    """The way back, to rounding."""
    y, u, v = np.moveaxis(yuv, -3, 0)
    return np.stack([y + u + v * (2 / 3), y - v * (4 / 3), y - u + v * (2 / 3)], axis=-3)
