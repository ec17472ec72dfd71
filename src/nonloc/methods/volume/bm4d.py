"""BM4D: similar cubes are stacked, the stack is transformed in four dimensions, shrunk, and put back.

Source: Maggioni, Katkovnik, Egiazarian, Foi, "Nonlocal transform-domain filter for volumetric data denoising and
reconstruction", IEEE TIP 22(1), 2013, DOI 10.1109/TIP.2012.2210725: hard thresholding gives a pilot, a Wiener pass
finds its cubes and its filter in the pilot. Constants: table I, normal profile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...degradation import Degradation
from ...nonlocal_ops.matching import reference_grid
from ...nonlocal_ops.matching3d import match3d
from ...nonlocal_ops.strips import each
from ..classical.block_transforms import bior15, cosine
from ..filters.sigma_driven import SigmaDriven
from .cubes import hard_threshold, wiener


@dataclass(frozen=True)
class Pass:
    """The constants of one pass, with the names of the paper's table I in brackets.

    cube: side of a cube (L). step: between reference cubes (N_step). count: most cubes in a stack (M), a power of two.
    window: side of where to look (N_S). alike: largest mean squared difference between cubes (tau), in units of the
    variance of the noise. shrink: in the first pass what a coefficient must exceed, in units of the noise (lambda); in
    the second the factor on the variance in the Wiener filter, 1 in the paper.
    """

    transform: Callable[[int], np.ndarray]
    count: int
    alike: float
    shrink: float
    cube: int = 4
    step: int = 3
    window: int = 11


AT_ONCE = 4  # planes of references that threads work on, each with the slices that it reaches
FIRST, SECOND = Pass(bior15, 16, 2.9, 2.7), Pass(cosine, 32, 0.4, 1.0)


class BM4D(SigmaDriven):
    """BM4D on a volume, whose slices are the channels."""

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Restored copy of `pixels`, float32 (B, D, H, W). UsageError when sigma is not known."""
        std = self.sigma(degradation) / 255
        return np.stack([bm4d(y, std, FIRST, SECOND) for y in pixels])


def bm4d(noisy: np.ndarray, std: float, first: Pass, second: Pass) -> np.ndarray:
    """Two passes over `noisy`, float32 (D, H, W), with noise of `std` in its units; not clipped.

    The same bits on any number of threads. A volume thinner than a cube is mirrored. UsageError when H or W is shorter.
    """
    if std == 0:
        return noisy.copy()
    depth, least = len(noisy), max(first.cube, second.cube)
    if depth < least:
        noisy = np.pad(noisy, [(0, least - depth), (0, 0), (0, 0)], mode="symmetric")
        std *= (least / depth) ** 0.5  # copies of a slice have the same noise
    variance = std * std
    pilot = _one(partial(hard_threshold, noisy, np.float32(first.shrink * std)), noisy, variance, first)
    clean = _one(partial(wiener, noisy, pilot, np.float32(second.shrink * variance)), pilot, variance, second)
    return clean[:depth]


def _one(collaborate: Callable[..., None], guide: np.ndarray, variance: float, constants: Pass) -> np.ndarray:
    """One pass: cubes matched in `guide` (D, H, W), filtered by `collaborate`, averaged."""
    cube, reach = constants.cube, constants.window // 2
    matrix = constants.transform(cube)
    forward, inverse = (np.ascontiguousarray(m, np.float32) for m in (matrix, np.linalg.inv(matrix)))
    zs, ys, xs = (reference_grid(length, cube, constants.step) for length in guide.shape)

    def plane(z: int) -> tuple[int, np.ndarray, np.ndarray]:
        """Weighted sums and weights of what the references of one plane reach, and the plane where that begins.

        Each is added up alone and merged in order: the same sums on any number of threads, and in any slab.
        """
        top, bottom = max(0, z - reach), min(len(guide), z + reach + cube)
        total, weight = np.zeros((2, bottom - top, *guide.shape[1:]), np.float32)
        grid = (np.array([z]), ys, xs)
        found = match3d(guide, cube, constants.window, constants.count, grid, constants.alike * variance)
        collaborate((0,) * cube, forward, inverse, found.neighbours[0], found.found[0], top, total, weight)
        return top, total, weight

    sums, weights = np.zeros((2, *guide.shape), np.float32)
    for start in range(0, len(zs), AT_ONCE):  # few at a time, as each holds the planes that it reaches
        for top, total, weight in each(plane, zs[start : start + AT_ONCE]):
            sums[top : top + len(total)] += total
            weights[top : top + len(weight)] += weight
    return sums / weights
