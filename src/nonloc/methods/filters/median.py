"""Median: each pixel becomes the middle value of its neighbourhood.

Source: Tukey, "Exploratory Data Analysis", 1977; Huang, Yang and Tang, "A fast two-dimensional median filtering
algorithm", IEEE TASSP 27(1), 1979, DOI 10.1109/TASSP.1979.1163188. Computed by forgetful selection: of n values
keep n // 2 + 2, drop the least and the greatest, take in the next, until one is left; exact, and whole rows go
through it at once.
"""

from __future__ import annotations

import numba
import numpy as np

from ...degradation import Degradation
from ...nonlocal_ops.strips import each
from .rows import exchange
from .sigma_driven import SigmaDriven
from .structuring import element

STRIP = 64


class Median(SigmaDriven):
    """The median of every channel by itself; the border is mirrored, its edge pixels repeated.

    neighbourhood: 'square-3', 'square-5', 'disk-1', ... ; None takes `rule`.
    """

    def __init__(self, card, weights=None, neighbourhood: str | None = None):
        super().__init__(card, weights)
        self.neighbourhood = neighbourhood

    @staticmethod
    def rule(sigma: float | None) -> str:
        """The neighbourhood for Gaussian noise of `sigma` (0-255 scale): best on gray training pictures at 5 to 100."""
        if sigma is None:
            return "square-3"  # isolated wrong values: the smallest that has a majority of others
        return f"disk-{1 + (sigma > 20) + (sigma > 35) + (sigma > 50) + (sigma > 70)}"

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Filtered copy of `pixels`, float32 (B, C, H, W)."""
        sigma = self.known_sigma(degradation)
        if self.neighbourhood is None and sigma == 0:
            return pixels.copy()
        offsets = element(self.neighbourhood or self.rule(sigma))
        return np.stack([[median(plane, offsets) for plane in picture] for picture in pixels])


def median(plane: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The median of `plane`, float32 (H, W), over `offsets` (n, 2), n odd, each (dy, dx)."""
    r = int(np.abs(offsets).max())
    around = np.pad(np.ascontiguousarray(plane), r, mode="symmetric")
    out = np.empty(plane.shape, np.float32)
    height = len(plane)
    each(lambda top: _strip(around, offsets, r, out, top, min(top + STRIP, height)), range(0, height, STRIP))
    return out


@numba.njit(nogil=True, cache=True)
def _strip(around, offsets, r, out, top, bottom):
    """Rows `top` to `bottom` of the medians."""
    width = out.shape[1]
    n = len(offsets)
    if n == 1:
        out[top:bottom] = around[top + r : bottom + r, r : r + width]
        return
    kept = n // 2 + 2  # with so many in hand, neither the least nor the greatest can be the median
    hand = np.empty((kept, width), np.float32)
    for y in range(top, bottom):
        for k in range(kept):
            hand[k] = around[y + r + offsets[k, 0], r + offsets[k, 1] : r + offsets[k, 1] + width]
        for held in range(kept, 2, -1):
            for k in range(held // 2):
                exchange(hand[k], hand[held - 1 - k])
            for k in range(1, (held + 1) // 2):
                exchange(hand[0], hand[k])  # the least of all ends in the first row
            for k in range(held // 2, held - 1):
                exchange(hand[k], hand[held - 1])  # the greatest in the last
            if held > 3:  # both go, the next comes in
                k = n - held + 3
                hand[0] = around[y + r + offsets[k, 0], r + offsets[k, 1] : r + offsets[k, 1] + width]
        out[y] = hand[1]
