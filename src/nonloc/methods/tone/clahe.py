"""CLAHE: each place gets the tone curve of its own histogram, with a bound on how steep it may be.

Source: Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994, section VIII.5; on L* of
Lab, bilinear between the curves of 8 x 8 tiles. Ours: where the noise is known, no curve is so steep that it would be
seen more than two levels strong.
"""

from __future__ import annotations

import numpy as np

from ...degradation import Degradation
from ..base import ArrayMethod
from .lightness import change_lightness

GRID = 8
BINS = 256
SMALLEST = 16  # side of a tile in pixels
SEEN = 2.0  # levels of 255: noise weaker than that is not seen


class Clahe(ArrayMethod):
    """Raises local contrast of the lightness. Hue stays, tone curves are monotone.

    clip: how many times steeper than the identity a curve may be. amount: 0 leaves the picture, 1 equalises.
    """

    def __init__(self, card, weights=None, clip: float = 2.0, amount: float = 0.5):
        super().__init__(card, weights)
        self.clip, self.amount = clip, amount

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """`pixels`, float32 (B, C, H, W), with more local contrast; noise told as degradation bounds the gain."""
        if self.amount == 0:
            return pixels.copy()
        noise = degradation.noise if degradation is not None else None
        clip = self.clip if noise is None or noise.sigma == 0 else min(self.clip, max(1.0, SEEN / noise.sigma))
        return np.stack(
            [
                change_lightness(picture, lambda old: old + self.amount * (equalise(old, clip) - old))
                for picture in pixels
            ]
        )


def equalise(lightness: np.ndarray, clip: float) -> np.ndarray:
    """CLAHE of `lightness` (H, W), from 0 to 1; what lies outside is moved by as much as the end it is beyond."""
    height, width = lightness.shape
    rows, columns = (max(1, min(GRID, side // SMALLEST)) for side in (height, width))
    inside = np.clip(lightness, 0, 1)
    ys, xs = (np.linspace(0, side, n + 1).round().astype(int) for side, n in ((height, rows), (width, columns)))
    curves = np.array(
        [[curve(inside[ys[i] : ys[i + 1], xs[j] : xs[j + 1]], clip) for j in range(columns)] for i in range(rows)]
    )
    (i, fy), (j, fx) = (_between(side, n) for side, n in ((height, rows), (width, columns)))
    place = inside * BINS
    k = np.minimum(place.astype(int), BINS - 1)
    t = place - k
    out = np.zeros(lightness.shape)
    for di, wy in ((0, 1 - fy), (1, fy)):
        for dj, wx in ((0, 1 - fx), (1, fx)):
            a, b = np.minimum(i + di, rows - 1)[:, None], np.minimum(j + dj, columns - 1)[None]
            low, high = curves[a, b, k], curves[a, b, k + 1]
            out += wy[:, None] * wx[None] * (low + t * (high - low))
    return out + (lightness - inside)


def curve(values: np.ndarray, clip: float) -> np.ndarray:
    """The tone curve, at BINS + 1 points from 0 to 1, of `values`: their histogram summed, no slope above `clip`.

    What is clipped is given to all bins that have room, so that the curve still ends at 1.
    """
    part = np.histogram(values, BINS, (0, 1))[0] / values.size * BINS  # slope in each bin; their mean is 1
    low, high = 0.0, clip
    for _ in range(40):  # the level that all bins are raised by
        middle = (low + high) / 2
        low, high = (middle, high) if np.minimum(part + middle, clip).mean() < 1 else (low, middle)
    slope = np.minimum(part + high, clip)
    sums = np.concatenate([[0], np.cumsum(slope)])
    return sums / sums[-1]


def _between(side: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel the tile whose middle is before it, and how far it is to the next, from 0 to 1."""
    place = np.clip((np.arange(side) + 0.5) * n / side - 0.5, 0, n - 1)
    first = np.minimum(place.astype(int), n - 1)
    return first, place - first
