"""Total variation: the picture nearest to the noisy one among those of little variation; flat regions, sharp edges.

Source: Rudin, Osher and Fatemi, Physica D 60, 1992, DOI 10.1016/0167-2789(92)90242-F: min_u |u - y|^2 / 2 + w
TV(u), solved by the dual projection of Chambolle, J. Math. Imaging Vis. 20, 2004, DOI
10.1023/B:JMIV.0000011325.36760.1e, equation (9):

    p <- (p + tau grad(div p - y / w)) / (1 + tau |grad(div p - y / w)|),  u = y - w div p

Stopped after a fixed number of steps: a pixel then depends on as many pixels around it, and w is tuned together
with it. Colour: |grad| is taken over all channels (Bresson and Chan, Inverse Problems and Imaging 2(4), 2008, DOI
10.3934/ipi.2008.2.455), so that edges stay where they are in all of them.
"""

from __future__ import annotations

import numba
import numpy as np

from ...degradation import Degradation
from .sigma_driven import SigmaDriven

TAU = 0.248  # proven to converge up to 1/8, does so in practice up to 1/4 (Chambolle 2004, section 3)


class TotalVariation(SigmaDriven):
    """Total variation denoising of gray or colour.

    weight: w in units of sigma; None takes `rule`. steps: how many.
    """

    def __init__(self, card, weights=None, weight: float | None = None, steps: int = 60):
        super().__init__(card, weights)
        self.weight, self.steps = weight, steps

    @staticmethod
    def rule(sigma: float, channels: int) -> float:
        """w / sigma for noise of `sigma` (0-255 scale): best on training pictures at 5 to 100, at 60 steps."""
        return 0.28 * sigma**0.29 if channels == 1 else 0.5 * sigma**0.24

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Restored copy of `pixels`, float32 (B, C, H, W). UsageError when sigma is not known."""
        sigma = self.sigma(degradation)
        if sigma == 0:
            return pixels.copy()
        weight = self.weight if self.weight is not None else self.rule(sigma, pixels.shape[1])
        return np.stack([total_variation(y, weight * sigma / 255, self.steps) for y in pixels])


def total_variation(y: np.ndarray, w: float, steps: int) -> np.ndarray:
    """The denoised `y`, float32 (C, H, W); w > 0 in the units of `y`."""
    y = np.ascontiguousarray(y, np.float32)
    p = np.zeros((2, *y.shape), np.float32)  # along the rows' index, along the columns'
    u = np.empty_like(y)
    for _ in range(steps):
        _primal(y, p, np.float32(w), u)
        # grad(div p - y / w) = -grad u / w
        _dual(u, p, np.float32(-TAU / w))
    _primal(y, p, np.float32(w), u)
    return u


@numba.njit(nogil=True, cache=True)
def _primal(y, p, w, u):
    """u = y - w div p, with the divergence that is adjoint to the forward differences."""
    channels, height, width = y.shape
    down, right = p
    for c in range(channels):
        for i in range(height):
            here, across, row, out = down[c, i], right[c, i], y[c, i], u[c, i]
            for j in range(width):
                out[j] = row[j] - w * (here[j] + across[j])
            if i > 0:
                above = down[c, i - 1]
                for j in range(width):
                    out[j] += w * above[j]
            after, before = out[1:], across[: width - 1]
            for j in range(width - 1):
                after[j] += w * before[j]


@numba.njit(nogil=True, cache=True)
def _dual(u, p, rate):
    """p = (p + rate grad u) / (1 + |rate grad u|); a difference over the picture's border is 0."""
    channels, height, width = u.shape
    dy = np.zeros((channels, width), np.float32)
    dx = np.zeros((channels, width), np.float32)
    norm = np.empty(width, np.float32)
    for i in range(height):
        norm[:] = 0
        for c in range(channels):
            row, next_row = u[c, i], u[c, min(i + 1, height - 1)]
            a, b, following = dy[c], dx[c], u[c, i, 1:]
            for j in range(width):
                a[j] = rate * (next_row[j] - row[j])
            for j in range(width - 1):
                b[j] = rate * (following[j] - row[j])
            for j in range(width):
                norm[j] += a[j] * a[j] + b[j] * b[j]
        for j in range(width):
            norm[j] = np.float32(1) / (np.float32(1) + np.sqrt(norm[j]))
        for c in range(channels):
            a, b, down, right = dy[c], dx[c], p[0, c, i], p[1, c, i]
            for j in range(width):
                down[j] = (down[j] + a[j]) * norm[j]
                right[j] = (right[j] + b[j]) * norm[j]
