"""Anisotropic diffusion: heat that flows inside regions and stops at edges.

Source: Perona and Malik, "Scale-space and edge detection using anisotropic diffusion", IEEE TPAMI 12(7), 1990, DOI
10.1109/34.56205, equations (7) and (8): with the differences D to the four neighbours,

    u <- u + step sum_D c(|D|) D,  c(g) = 1 / (1 + (g / K)^2)

No heat crosses the picture's border. Colour: |D| is the length of the vector over the channels (Gerig et al., IEEE
TMI 11(2), 1992, DOI 10.1109/42.141646), divided by the root of their number, so that all channels keep the same
edges.
"""

from __future__ import annotations

import numba
import numpy as np

from ...degradation import Degradation
from .sigma_driven import SigmaDriven

STEP = 0.2  # stable up to 1/4 with four neighbours


class AnisotropicDiffusion(SigmaDriven):
    """Perona and Malik's diffusion on gray or colour.

    edge: K in units of sigma. steps: how many. None takes `rule` for each.
    """

    def __init__(self, card, weights=None, edge: float | None = None, steps: int | None = None):
        super().__init__(card, weights)
        self.edge, self.steps = edge, steps

    @staticmethod
    def rule(sigma: float, channels: int) -> tuple[float, int]:
        """(K / sigma, steps) for noise of `sigma` (0-255 scale): best on training pictures at 5 to 100."""
        if channels == 1:
            return 2.9 * sigma ** (-1 / 3), max(1, round(0.55 * sigma**0.8))
        return 0.5, max(1, round(8 * sigma**0.2))

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Restored copy of `pixels`, float32 (B, C, H, W). UsageError when sigma is not known."""
        sigma = self.sigma(degradation)
        if sigma == 0:
            return pixels.copy()
        edge, steps = self.rule(sigma, pixels.shape[1])
        edge, steps = self.edge or edge, self.steps or steps
        return np.stack([diffuse(u, edge * sigma / 255, steps) for u in pixels])


def diffuse(u: np.ndarray, edge: float, steps: int) -> np.ndarray:
    """`u`, float32 (C, H, W), after that many steps; edge is K in the units of `u`."""
    u, rate = np.array(u, np.float32, order="C"), np.float32(1 / edge**2 / len(u))
    after = np.empty_like(u)
    for _ in range(steps):
        _step(u, after, rate, np.float32(STEP))
        u, after = after, u
    return u


@numba.njit(nogil=True, cache=True)
def _step(u, after, rate, step):
    """One step: the flow over each side between two pixels is computed once, and leaves one for the other."""
    channels, height, width = u.shape
    flow = np.empty(width, np.float32)
    after[:] = u
    for y in range(height):
        n = width - 1
        _conductance(flow[:n], u[:, y, :n], u[:, y, 1:], rate, step)
        for c in range(channels):
            _flow(after[c, y, :n], flow[:n], u[c, y, :n], u[c, y, 1:])
            _flow(after[c, y, 1:], flow[:n], u[c, y, 1:], u[c, y, :n])
        if y + 1 < height:
            _conductance(flow, u[:, y], u[:, y + 1], rate, step)
            for c in range(channels):
                _flow(after[c, y], flow, u[c, y], u[c, y + 1])
                _flow(after[c, y + 1], flow, u[c, y + 1], u[c, y])


@numba.njit(nogil=True, cache=True)
def _conductance(flow, a, b, rate, step):
    """step c(|a - b|) for each pair of pixels; a and b (C, n)."""
    flow[:] = 0
    for c in range(len(a)):
        here, there = a[c], b[c]
        for x in range(len(flow)):
            flow[x] += (there[x] - here[x]) * (there[x] - here[x])
    for x in range(len(flow)):
        flow[x] = step / (np.float32(1) + rate * flow[x])


@numba.njit(nogil=True, cache=True)
def _flow(after, flow, here, there):
    for x in range(len(after)):
        after[x] += flow[x] * (there[x] - here[x])
