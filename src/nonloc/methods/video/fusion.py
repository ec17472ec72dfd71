"""The mean of a frame and its neighbours along their motion, weighted by how alike their patches are.

Source: Buades, Lisani, Miladinovic, "Patch-based video denoising with optical flow estimation", IEEE TIP 25(6), 2016,
DOI 10.1109/TIP.2016.2551639, for the idea; weights as of non-local means, Buades, Coll, Morel, CVPR 2005. What
is left of the noise is told for each pixel: sigma sqrt(sum of squared shares).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

from ...nonlocal_ops.matching import reference_grid
from ...nonlocal_ops.strips import each
from .interpolation import interpolate
from .motion import PATCH, STEP, motion

compiled = numba.njit(nogil=True, cache=True)


@dataclass(frozen=True)
class Constants:
    """left: noise that the guide still has, as a share of sigma. guide, noisy: how much further than by noise patches
    may be apart, in the guides and in the frames themselves, as variances over sigma^2; weights fall by e there."""

    left: float = 0.3
    guide: float = 0.4
    noisy: float = 1.0


def fuse(
    frames: Sequence[np.ndarray], guides: Sequence[np.ndarray], middle: int, std: float, constants: Constants
) -> tuple[np.ndarray, np.ndarray]:
    """The weighted mean of `frames` seen from frame number `middle`, and the level of its noise.

    frames: noisy, float32 (C, H, W), white 1, sides of at least 8. guides: the same, with little noise left, (H, W).
    Returns the mean (C, H, W), and the standard deviation of its noise over `std`, float32 (H, W), at most 1.
    """
    here, guide = frames[middle], guides[middle]
    rows, columns = (reference_grid(length, PATCH, STEP) for length in guide.shape)
    bell = np.hanning(PATCH + 2)[1:-1].astype(np.float32)
    shares = (1.0, constants.left**2, constants.guide, constants.noisy)
    variances = np.array([share * std**2 for share in shares], np.float32)

    def seen_from(other: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        vectors = motion(guide, guides[other], float(variances[1]))
        total, share, spread = np.zeros_like(here), np.zeros_like(guide), np.zeros_like(guide)
        _add(here, frames[other], guide, guides[other], rows, columns, vectors, bell, variances, total, share, spread)
        return total, share, spread

    cover = _cover(rows, guide.shape[0], bell)[:, np.newaxis] * _cover(columns, guide.shape[1], bell)
    total, share, squares = here.copy(), np.ones_like(guide), np.ones_like(guide)
    for more, part, spread in each(seen_from, [n for n in range(len(frames)) if n != middle]):
        total += more / cover
        share += part / cover
        squares += (spread / cover) ** 2
    return total / share, np.sqrt(squares) / share


def _cover(starts: np.ndarray, length: int, bell: np.ndarray) -> np.ndarray:
    cover = np.zeros(length, np.float32)
    for start in starts:
        cover[start : start + PATCH] += bell
    return cover


@compiled
def _add(here, other, guide, guide_other, rows, columns, vectors, bell, variances, total, share, spread):
    """Add the patches of `other` where they belong, times their weights; and these, and what noise comes with them."""
    channels = len(here)
    noise, left, wide_guide, wide_noisy = variances
    moved = np.empty((channels, PATCH, PATCH), np.float32)
    moved_guide = np.empty((1, PATCH, PATCH), np.float32)
    across = np.empty((PATCH + 3, PATCH), np.float32)
    for r in range(len(rows)):
        y = rows[r]
        for c in range(len(columns)):
            x = columns[c]
            v, u = y + vectors[r, c, 0], x + vectors[r, c, 1]
            kept = interpolate(other, v, u, across, moved)
            interpolate(guide_other, v, u, across, moved_guide)
            d_guide, d_noisy = np.float32(0), np.float32(0)
            for i in range(PATCH):
                for j in range(PATCH):
                    d_guide += (guide[y + i, x + j] - moved_guide[0, i, j]) ** 2
                    for channel in range(channels):
                        d_noisy += (here[channel, y + i, x + j] - moved[channel, i, j]) ** 2
            d_guide = max(d_guide / np.float32(PATCH * PATCH) - 2 * left, np.float32(0))
            d_noisy = max(d_noisy / np.float32(PATCH * PATCH * channels) - (1 + kept) * noise, np.float32(0))
            weight = np.exp(-d_guide / wide_guide - d_noisy / wide_noisy)
            for i in range(PATCH):
                for j in range(PATCH):
                    w = weight * bell[i] * bell[j]
                    share[y + i, x + j] += w
                    spread[y + i, x + j] += w * np.sqrt(kept)
                    for channel in range(channels):
                        total[channel, y + i, x + j] += w * moved[channel, i, j]
