"""Bilateral filter: a mean over neighbours that are near in place and near in value.

Source: Tomasi and Manduchi, "Bilateral filtering for gray and color images", ICCV 1998, DOI 10.1109/ICCV.1998.710815:

    out(i) = sum_j w(i, j) u(j) / sum_j w(i, j),  w(i, j) = exp(-|i - j|^2 / 2 ss^2 - |u(i) - u(j)|^2 / 2 sr^2)

over the neighbours within ceil(2.5 ss) rows and columns, inside the picture. Colour: |u(i) - u(j)| is the length of the
whole vector, so that one weight serves all channels.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from ...degradation import Degradation
from ...nonlocal_ops.strips import each
from .rows import add, add_product, add_squares, decay
from .sigma_driven import SigmaDriven

STRIP = 64


class Bilateral(SigmaDriven):
    """The bilateral filter on gray or colour.

    width: ss in pixels. tolerance: sr in units of sigma. None takes `rule` for each.
    """

    def __init__(self, card, weights=None, width: float | None = None, tolerance: float | None = None):
        super().__init__(card, weights)
        self.width, self.tolerance = width, tolerance

    @staticmethod
    def rule(sigma: float, channels: int) -> tuple[float, float]:
        """(ss, sr / sigma) for noise of `sigma` (0-255 scale): best on training pictures at 5 to 100."""
        if channels == 1:
            return 0.4 * sigma**0.385, 2.3 + 0.0007 * sigma**2
        return 1.1 * sigma**0.17, 2.5 + 0.0005 * sigma**2

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Restored copy of `pixels`, float32 (B, C, H, W). UsageError when sigma is not known."""
        sigma = self.sigma(degradation)
        if sigma == 0:
            return pixels.copy()
        ss, tolerance = self.rule(sigma, pixels.shape[1])
        ss, tolerance = self.width or ss, self.tolerance or tolerance
        return np.stack([bilateral(u, ss, tolerance * sigma / 255) for u in pixels])


def bilateral(u: np.ndarray, ss: float, sr: float) -> np.ndarray:
    """The bilateral filter of `u`, float32 (C, H, W); ss in pixels, sr in the units of `u`."""
    u = np.ascontiguousarray(u)
    out = np.empty_like(u)
    height, r = u.shape[1], math.ceil(2.5 * ss)
    near = np.exp(-np.square(np.arange(r + 1)) / (2 * ss**2)).astype(np.float32)
    rate = np.float32(1 / (2 * sr**2))
    each(lambda top: _strip(u, out, near, rate, top, min(top + STRIP, height)), range(0, height, STRIP))
    return out


@numba.njit(nogil=True, cache=True)
def _strip(u, out, near, rate, top, bottom):
    """Rows `top` to `bottom` of the result."""
    channels, height, width = u.shape
    r = len(near) - 1
    weight = np.empty(width, np.float32)
    total = np.empty(width, np.float32)
    mean = np.empty((channels, width), np.float32)
    for y in range(top, bottom):
        total[:] = 0
        mean[:] = 0
        for dy in range(max(-r, -y), min(r, height - 1 - y) + 1):
            for dx in range(-r, r + 1):
                left, right = max(0, -dx), min(width, width - dx)
                if left >= right:
                    continue
                n = right - left
                weight[:n] = 0
                for c in range(channels):
                    add_squares(weight[:n], u[c, y, left:right], u[c, y + dy, left + dx : right + dx])
                decay(weight[:n], np.float32(0), rate)
                weight[:n] *= near[abs(dy)] * near[abs(dx)]
                add(total[left:right], weight[:n])
                for c in range(channels):
                    add_product(mean[c, left:right], weight[:n], u[c, y + dy, left + dx : right + dx])
        for c in range(channels):
            out[c, y] = mean[c] / total
