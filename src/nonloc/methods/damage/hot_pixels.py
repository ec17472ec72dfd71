"""Hot pixels: single pixels that deviate from all around them become the median of their neighbours.

Source: the conditional median of Pratt, "Digital Image Processing", 1978, with the rank-ordered differences of Garnett,
Huegerich, Chui and He, "A universal noise removal algorithm with an impulse detector", IEEE TIP 14(11), 2005, DOI
10.1109/TIP.2005.857261: a pixel is judged by how it differs from the neighbours that are most like it. Ours: the
threshold, which follows the local spread.
"""

from __future__ import annotations

import numba
import numpy as np

from ...degradation import Degradation
from ..base import ArrayMethod

SPREAD = 4  # half the side of the square in which the spread is measured
ALIKE = 0.5  # of the height over the median of the neighbours; who is nearer belongs to the same thing
NORMAL = 1.4826  # times the median absolute deviation: the standard deviation of a normal distribution


class HotPixels(ArrayMethod):
    """Replaces single deviating pixels of every channel by itself; all other samples stay bit for bit.

    threshold: in standard deviations of what is around. least: in levels of 255; smaller deviations stay.
    """

    def __init__(self, card, weights=None, threshold: float = 6.0, least: float = 20.0):
        super().__init__(card, weights)
        self.threshold, self.least = threshold, least / 255

    def restore(self, pixels: np.ndarray, degradation: Degradation | None):
        """`pixels`, float32 (B, C, H, W), without them, and {'mask': bool (B, C, H, W), what was replaced}."""
        out = np.array(pixels, np.float32, order="C")
        mask = np.zeros(out.shape, bool)
        for plane, hot in zip(out.reshape(-1, *out.shape[2:]), mask.reshape(-1, *out.shape[2:]), strict=True):
            plane[:], hot[:] = replace(plane, self.threshold, self.least)
        return out, {"mask": mask}


@numba.njit(nogil=True, cache=True)
def replace(y, threshold, least):
    """`y`, float32 (H, W), with hot pixels replaced, and where: bool (H, W)."""
    height, width = y.shape
    out, hot = y.copy(), np.zeros(y.shape, np.bool_)
    for i in range(height):
        for j in range(width):
            if not _sticks_out(y, i, j, np.float32(least)):
                continue
            near = y[max(0, i - SPREAD) : i + SPREAD + 1, max(0, j - SPREAD) : j + SPREAD + 1].copy().ravel()
            middle = np.median(near)
            spread = NORMAL * np.median(np.abs(near - middle))
            if abs(y[i, j] - middle) <= threshold * spread:
                continue
            ground = _around(y, i, j)
            if not _sticks_out(y, i, j, np.float32(ALIKE * abs(y[i, j] - ground))):
                continue  # part of a line
            hot[i, j] = True
            out[i, j] = ground
    return out, hot


@numba.njit(nogil=True, cache=True)
def _around(y, i, j):
    """The median of the neighbours, without the pixel itself."""
    height, width = y.shape
    values = np.empty(8, y.dtype)
    n = 0
    for v in range(max(0, i - 1), min(height, i + 2)):
        for x in range(max(0, j - 1), min(width, j + 2)):
            if v != i or x != j:
                values[n] = y[v, x]
                n += 1
    return np.median(values[:n])


@numba.njit(nogil=True, cache=True)
def _sticks_out(y, i, j, least):
    """Whether it is more than `least` above, or below, all its neighbours but one, which may be hot, too."""
    height, width = y.shape
    above, below, n = 0, 0, 0
    for v in range(max(0, i - 1), min(height, i + 2)):
        for x in range(max(0, j - 1), min(width, j + 2)):
            if v != i or x != j:
                n += 1
                above += y[i, j] - y[v, x] > least
                below += y[v, x] - y[i, j] > least
    return n > 0 and max(above, below) >= n - 1
