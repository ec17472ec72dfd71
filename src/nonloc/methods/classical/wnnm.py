"""WNNM: matrices of similar patches are nearly of low rank, so each loses its small singular values, again and again.

Source: Gu, Zhang, Zuo, Feng, "Weighted nuclear norm minimization with application to image denoising", CVPR 2014, DOI
10.1109/CVPR.2014.366, algorithm 2 and section 4; constants that the paper leaves open are those of the authors'
programme. Colour is ours: opponent channels, matched on luminance, each shrunk with its own noise, as CBM3D does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ...degradation import Degradation
from ...nonlocal_ops.matching import match, reference_grid
from ...nonlocal_ops.strips import each
from ..filters.sigma_driven import SigmaDriven
from .colour_space import NOISE, from_opponent, to_opponent
from .low_rank import shrink_groups

# Rows of references that one thread adds up alone, a multiple of every step. Strips begin at multiples of it and are
# merged in order, so the sums are the same on any number of threads and in any tile that begins at such a multiple.
STRIP = 24


@dataclass(frozen=True)
class Constants:
    """patch: side. count: patches in a group at the start; `fewer` are taken away at each matching, the first included.

    iterations: T. left: lambda, the part of the noise that an iteration is said to leave. step: between reference
    patches. window: side of where to look. feedback: delta, the part of what was removed that comes back.
    rematch: iterations between matchings.
    """

    patch: int
    count: int
    iterations: int
    left: float
    step: int
    window: int = 61
    feedback: float = 0.1
    fewer: int = 10
    rematch: int = 2


# the authors' by level: the first whose sigma is not exceeded
LEVELS = {
    20.0: Constants(6, 70, 8, 0.54, step=2),
    40.0: Constants(7, 90, 12, 0.56, step=2),
    60.0: Constants(8, 120, 14, 0.58, step=3),
    np.inf: Constants(9, 140, 14, 0.58, step=3),
}

# Ours take a quarter of the authors' references and stop where the picture is best. In the middle of 5 gray pictures of
# bsd32val, 128 x 128, at sigma 25: 0.23 dB above bm3d after 5 iterations, where the authors' constants have 0.25, and
# 0.19 at the end of their 12.
ITERATIONS = {20.0: 5, 40.0: 5, 60.0: 7, np.inf: 8}


def constants(sigma: float, profile: str) -> Constants:
    """What `profile` ('authors', 'ours', 'fast') takes at noise of `sigma`, 0-255 scale."""
    level = next(most for most in LEVELS if sigma <= most)
    theirs = LEVELS[level]
    if profile == "authors":
        return theirs
    ours = replace(theirs, step=4, iterations=ITERATIONS[level])
    return ours if profile == "ours" else replace(ours, window=31, left=0.62, iterations=ours.iterations - 1)


class WNNM(SigmaDriven):
    """profile: 'authors' has their constants, 'ours' fewer references and iterations, 'fast' a smaller window, too."""

    def __init__(self, card, weights=None, profile: str = "ours"):
        super().__init__(card, weights)
        self.profile = profile

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Restored copy of `pixels`, float32 (B, C, H, W), C = 1 or 3. UsageError when sigma is not known."""
        sigma = self.sigma(degradation)
        return wnnm(pixels, sigma / 255, constants(sigma, self.profile))


def wnnm(pixels: np.ndarray, std: float, constants: Constants) -> np.ndarray:
    """Each of `pixels`, float32 (B, C, H, W) with C = 1 or 3 and noise of `std` in their units, restored.

    Not clipped; the same bits on any number of threads. UsageError when a side is shorter than a patch.
    """
    if std == 0:
        return pixels.copy()
    if pixels.shape[1] == 1:
        return np.stack([_one(y, np.array([std]), constants) for y in pixels])
    return from_opponent(np.stack([_one(y, std * NOISE, constants) for y in to_opponent(pixels)]))


def _one(y: np.ndarray, stds: np.ndarray, constants: Constants) -> np.ndarray:
    """`y` (C, H, W), its first channel the luminance, restored; `stds` (C,) of its noise."""
    # white at 255, so that squares of small numbers stay well inside the range of float32
    y, stds = y * np.float32(255), stds * 255
    rows = reference_grid(y.shape[1], constants.patch, constants.step)
    strips = [rows[(rows >= start) & (rows < start + STRIP)] for start in range(0, rows[-1] + 1, STRIP)]
    x, count = y, constants.count
    matches: list[tuple[np.ndarray, np.ndarray]] = []
    for t in range(constants.iterations):
        x = x + np.float32(constants.feedback) * (y - x)
        if t % constants.rematch == 0:
            count -= constants.fewer
            matches = []  # freed before the next ones are found
            matches = each(partial(_match, x, constants, count), strips)
        left = np.float32(constants.left if t else 1)  # nothing was taken yet
        x = _shrink(x, y, stds.astype(np.float32), left, constants, matches)
    return x / np.float32(255)


def _match(x: np.ndarray, constants: Constants, count: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The groups of the references in `rows`: places (G, count), how many are found (G,)."""
    columns = reference_grid(x.shape[2], constants.patch, constants.step)
    found = match(x[np.newaxis, :1], constants.patch, constants.window, count, rows, columns)
    return found.neighbours.reshape(-1, count), found.found.reshape(-1)


def _shrink(
    x: np.ndarray, y: np.ndarray, stds: np.ndarray, left: np.float32, constants: Constants, matches
) -> np.ndarray:
    """All groups of `x` (C, H, W) restored and put back where they came from, averaged where they overlap."""
    patch, width = constants.patch, x.shape[2]
    side = (0,) * (-(-(patch**2) // 8) * 8)

    def strip(groups: tuple[np.ndarray, np.ndarray]) -> tuple[int, np.ndarray, np.ndarray]:
        """Sums and counts of what the references of one strip reach, and the row where that begins."""
        places, found = groups
        reached = places[places >= 0] // width
        top, bottom = reached.min(), reached.max() + patch
        total, weight = np.zeros((2, len(x), bottom - top, width), np.float32)
        for c in range(len(x)):
            shrink_groups(x[c], y[c], stds[c], left, patch, places, found, side, top, total[c], weight[c])
        return top, total, weight

    sums, weights = np.zeros((2, *x.shape), np.float32)
    for top, total, weight in each(strip, matches):
        sums[:, top : top + total.shape[1]] += total
        weights[:, top : top + weight.shape[1]] += weight
    return sums / weights
