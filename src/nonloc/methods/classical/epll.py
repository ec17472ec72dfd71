"""EPLL: the picture all of whose patches are likely under a mixture of Gaussians, and which is near the noisy one.

Source: Zoran, Weiss, "From learning models of natural image patches to whole image restoration", ICCV 2011, DOI
10.1109/ICCV.2011.6126278: minimise lambda / 2 |x - y|^2 - sum over patches of log p(P_i x) by half-quadratic splitting,
equations (3) to (5), with the prior of section 5. The mixture is our own fit (benchmarks/epll_prior.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from ...degradation import Degradation
from ...errors import UsageError
from ...nonlocal_ops.matching import reference_grid
from ...nonlocal_ops.strips import each
from ..filters.sigma_driven import SigmaDriven
from ..weights import load
from .gaussian_mixture import GaussianMixture, InNoise
from .patch_average import put, take

# beta, in units of 1 / sigma^2; for strong noise, the authors' programme goes on with 64 and 128
BETAS = (1, 4, 8, 16, 32)
MORE = (64, 128)
STRONG = 40
# Rows of patches that one thread adds up alone, a multiple of every step; merged in order, so that the sums are the
# same on any number of threads and in any tile that begins at such a multiple.
STRIP = 12
BLOCK = 8  # strips between two merges


class EPLL(SigmaDriven):
    """step: pixels between patches, each way; 1 takes all patches, as the paper does."""

    def __init__(self, card, weights=None, step: int = 2):
        super().__init__(card, weights)
        self.step = step
        self.mixture = cast(GaussianMixture, load(GaussianMixture, card, weights))

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Restored copy of `pixels`, float32 (B, 1, H, W). UsageError when sigma is not known."""
        sigma = self.sigma(degradation)
        if sigma == 0:
            return pixels.copy()
        betas = BETAS if sigma < STRONG else BETAS + MORE
        variances = [(sigma / 255) ** 2 / beta for beta in betas]
        fidelity = np.float32(self.mixture.patch**2 / (sigma / 255) ** 2)
        return np.stack([split(y, y, fidelity, variances, self.mixture, self.step)[np.newaxis] for y in pixels[:, 0]])


def split(
    x: np.ndarray,
    y: np.ndarray,
    fidelity: np.ndarray | np.float32,
    variances: Sequence[float],
    mixture: GaussianMixture,
    step: int = 1,
) -> np.ndarray:
    """Half-quadratic splitting from `x` on: float32 (H, W).

    y: what was measured. fidelity: lambda, patch^2 over the variance of its noise; a number, or one for each pixel, 0
    where nothing was measured. variances: 1 / beta of each pass, in units of the squared picture, falling. step: pixels
    between patches; passes take turns with where the grid begins. UsageError when a side is shorter than a patch.
    """
    for t, variance in enumerate(variances):
        strength = np.float32(mixture.patch**2 / variance)
        average = expected(x, mixture.at(variance), step, shift=t)
        x = (fidelity * y + strength * average) / (fidelity + strength)
    return x


def inpaint(
    pixels: np.ndarray, known: np.ndarray, mixture: GaussianMixture, std: float = 1 / 255, passes: int = 12
) -> np.ndarray:
    """Fill in the pixels that are not `known`, and remove noise of `std` from those that are.

    pixels: float32 (H, W), white at 1; what stands at unknown places does not matter. known: bool (H, W). passes: from
    patches that are trusted to 0.25, as a standard deviation, to 2 std. UsageError when nothing is known.
    """
    from scipy.ndimage import distance_transform_edt

    if not known.any():
        raise UsageError("inpainting", "no pixel is known", "Turn the mask round: it is True where the picture is good")
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    start = pixels[tuple(nearest)]
    fidelity = (known * (mixture.patch / std) ** 2).astype(np.float32)
    variances = [float(trust) ** 2 for trust in np.geomspace(0.25, 2 * std, passes)]
    return split(start, start, fidelity, variances, mixture)


def expected(x: np.ndarray, prior: InNoise, step: int = 1, shift: int = 0) -> np.ndarray:
    """The mean, at each pixel of `x` (H, W), of what the prior makes of the patches there."""
    height, width = x.shape
    patch, side = prior.patch, (0,) * prior.patch**2
    rows, columns = grid(height, patch, step, shift), grid(width, patch, step, shift // step)
    strips = [rows[(rows >= start) & (rows < start + STRIP)] for start in range(0, rows[-1] + 1, STRIP)]
    strips = [mine for mine in strips if len(mine)]

    def taken(mine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        z = np.empty((len(mine) * len(columns), patch**2), np.float32)
        means = np.empty(len(z), np.float32)
        take(x, patch, mine, columns, z, means)
        return z, means

    def filtered(piece: tuple) -> tuple[int, np.ndarray, np.ndarray]:
        mine, (z, means), best = piece
        total, weight = np.zeros((2, mine[-1] - mine[0] + patch, width), np.float32)
        put(z, means, best, prior.filters, patch, mine, columns, side, mine[0], total, weight)
        return mine[0], total, weight

    sums, weights = np.zeros((2, height, width), np.float32)
    for first in range(0, len(strips), BLOCK):
        block = strips[first : first + BLOCK]
        patches = each(taken, block)
        best = [prior.best(z) for z, _ in patches]  # torch has threads of its own
        for top, total, weight in each(filtered, list(zip(block, patches, best, strict=True))):
            sums[top : top + len(total)] += total
            weights[top : top + len(weight)] += weight
    return sums / weights


def grid(length: int, patch: int, step: int, shift: int) -> np.ndarray:
    """Where patches begin along a side: every `step` pixels from `shift`, and at both ends."""
    starts = reference_grid(length, patch, 1)
    return starts[(starts % step == shift % step) | (starts == starts[0]) | (starts == starts[-1])]
