"""Adaptive median: finds the black and white impulses, and replaces only them.

Source: detection and first values as in Hwang and Haddad, "Adaptive median filters: new algorithms and results", IEEE
TIP 4(4), 1995, DOI 10.1109/83.370679; the two phases and the energy of the second, sum |u_i - u_j|^alpha over the
replaced pixels alone, as in Chan, Ho and Nikolova, "Salt-and-pepper noise removal by median-type noise detectors and
detail-preserving regularization", IEEE TIP 14(10), 2005, DOI 10.1109/TIP.2005.852196, here with 8 neighbours and a
fixed count of weighted means. Ours: what tells an impulse from a white or black area. A non-local mean over the pixels
that were not hit, as a third phase, lost 0.2 dB on training pictures at 30 % and 70 %.
"""

from __future__ import annotations

import numba
import numpy as np

from ...degradation import Degradation
from ..base import ArrayMethod

AREA = 7  # half the side of the square in which black, white and others are counted
CHANCE = 4  # standard deviations of a toss of coins
BESIDE = 2  # of 8
LARGEST = 19  # half the side of the largest window that is searched for pixels that were not hit
STANDS_OUT = 6 / 255  # what is nearer than that to its surroundings is no impulse, or one that nobody sees
ALPHA = 1.3  # Chan, Ho and Nikolova, section IV
SMOOTH = 10 / 255  # below this difference the energy is taken for a parabola, or its weights were infinite
ITERATIONS = 8  # 20 gain 0.01 dB


class AdaptiveMedian(ArrayMethod):
    """Replaces the impulses of every channel by itself; all other samples stay bit for bit.

    margin: in levels of 255; samples so near to black or white may be impulses, too.
    """

    def __init__(self, card, weights=None, margin: float = 0):
        super().__init__(card, weights)
        self.margin = margin / 255

    def restore(self, pixels: np.ndarray, degradation: Degradation | None):
        """`pixels`, float32 (B, C, H, W), without impulses, and {'mask': bool (B, C, H, W), what was replaced}."""
        out = np.array(pixels, np.float32, order="C")
        mask = np.zeros(out.shape, bool)
        planes, masks = out.reshape(-1, *out.shape[2:]), mask.reshape(-1, *out.shape[2:])
        for plane, hit in zip(planes, masks, strict=True):
            hit[:] = impulses(plane, self.margin)
            first = medians(plane, hit)
            hit &= np.abs(first - plane) > STANDS_OUT
            filled = np.where(hit, first, plane)
            for _ in range(ITERATIONS):
                filled = descend(filled, hit)
            plane[:] = filled
        return out, {"mask": mask}


def impulses(y: np.ndarray, margin: float) -> np.ndarray:
    """Where `y` (H, W) may be hit: bool. Black or white, and not part of an area that is black or white itself.

    Impulses are black as often as white, and lie anywhere. Where white outnumbers black by more than chance allows, an
    area is white: all white in it is meant, where such samples outnumber those between black and white; else what has
    white beside it.
    """
    black, white = y <= margin, y >= 1 - margin
    extreme = count(black, AREA) + count(white, AREA)
    n_other = count(~(black | white), AREA)
    chance = CHANCE * np.sqrt(extreme)
    meant = np.zeros(y.shape, bool)
    for these, those in ((black, white), (white, black)):
        more = count(these, AREA) - count(those, AREA)
        beside = count(these, 1) - 1
        meant |= these & (more > chance) & ((more > n_other) | (beside >= BESIDE))
    return (black | white) & ~meant


def count(where: np.ndarray, r: int) -> np.ndarray:
    """How many are true within `r` of each pixel in both directions, as far as the picture goes; int32 (H, W)."""
    out = where.astype(np.int32)
    for axis in (0, 1):
        sums = np.cumsum(out, axis, dtype=np.int32)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis)
        n = np.arange(out.shape[axis])
        last, first = np.minimum(n + r + 1, len(n)), np.maximum(n - r, 0)
        out = sums.take(last, axis) - sums.take(first, axis)
    return out


@numba.njit(nogil=True, cache=True)
def medians(y, hit):
    """`y` with the median of the pixels that were not hit in the smallest window that holds three; else `y` itself."""
    height, width = y.shape
    out = y.copy()
    for i in range(height):
        for j in range(width):
            if not hit[i, j]:
                continue
            for r in range(1, LARGEST + 1):
                top, left = max(0, i - r), max(0, j - r)
                near = y[top : i + r + 1, left : j + r + 1].copy().ravel()
                known = ~hit[top : i + r + 1, left : j + r + 1].copy().ravel()
                if known.sum() >= 3 or (r == LARGEST and known.any()):
                    out[i, j] = np.median(near[known])
                    break
    return out


@numba.njit(nogil=True, cache=True)
def descend(u, hit):
    """One step down the energy, all at once: a pixel becomes its neighbours' mean, weighted |d|^(alpha - 2)."""
    height, width = u.shape
    out = u.copy()
    for i in range(height):
        for j in range(width):
            if not hit[i, j]:
                continue
            total, weights = np.float32(0), np.float32(0)
            for v in range(max(0, i - 1), min(height, i + 2)):
                for x in range(max(0, j - 1), min(width, j + 2)):
                    if v == i and x == j:
                        continue
                    weight = (np.float32(SMOOTH) + abs(u[v, x] - u[i, j])) ** np.float32(ALPHA - 2)
                    if v != i and x != j:
                        weight *= np.float32(0.5)
                    total += weight * u[v, x]
                    weights += weight
            if weights > 0:
                out[i, j] = total / weights
    return out
