"""The level of white Gaussian noise, from the patches of a picture that hold little texture.

Source: Liu, Tanaka, Okutomi, "Single-image noise level estimation for blind denoising", IEEE TIP 22(12), 2013,
DOI 10.1109/TIP.2013.2283400. A patch p counts as weak texture when its gradient energy p'Dp, D = Dh'Dh + Dv'Dv, is one
that noise alone would reach (a gamma variable, here with its exact first two moments); level and selection take turns
until the level stays. Clipped pictures: both the test and the level use the variance that clipping left (`clipping`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .clipping import Ends, variance_left
from .eigenvalues import covariance, cross_measured, noise_variance

CONFIDENCE = 0.999  # of the texture test; at 0.9 it selects on the noise itself, and the level spirals down
MOST_CLIPPED = 0.5  # a patch counts while clipping leaves this share of the variance
NONE_LEFT = 1e-6  # a share below this counts as this
PLANE = 3  # directions that a fitted plane takes
BLOCK = 48  # side of the squares that make up the two halves, in patches
ROUNDS = 12


@dataclass(frozen=True)
class Patches:
    """Patches of one picture, without those that are exactly constant in a channel or hold a NaN.

    deviations: (N, C, d * d), what a plane fitted to each channel leaves: shading is no texture. means: (N, C).
    half: (N,) bool, two sets that hardly overlap. equal: median share of neighbouring samples that are exactly equal,
    ends of the range apart. area: how many pixels of the picture the patches stand for.
    """

    deviations: np.ndarray
    means: np.ndarray
    half: np.ndarray
    equal: float
    area: float

    @property
    def side(self) -> int:
        return round(self.deviations.shape[2] ** 0.5)

    def __len__(self) -> int:
        return len(self.means)

    @property
    def enough(self) -> bool:
        """Whether each half has twice as many patches as dimensions."""
        least = 2 * self.deviations.shape[1] * self.deviations.shape[2]
        return min(np.count_nonzero(self.half), np.count_nonzero(~self.half)) >= least


def cut(pixels: np.ndarray, side: int, stride: int, most: int) -> Patches:
    """Patches `side` wide of `pixels` (C, H, W), every `stride` pixels or sparser, about `most` in all."""
    channels, height, width = pixels.shape
    rows, columns = height - side + 1, width - side + 1
    spacing = max(stride, np.sqrt(rows * columns / most))
    y, x = positions(rows, spacing), positions(columns, spacing)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (side, side), axis=(1, 2))
    patches = windows[:, y[:, None], x[None]].reshape(channels, -1, side, side).swapaxes(0, 1)
    half = (rings(y, rows)[:, None] + rings(x, columns)[None]).ravel() % 2 == 1
    lowest, highest = patches.min((2, 3)), patches.max((2, 3))
    # a border of a scan is constant, noise is not; a NaN compares false
    alive = (highest > lowest).all(1)
    patches, half = patches[alive], half[alive]
    means = patches.mean((2, 3))
    deviations = patches.reshape(*means.shape, side * side) - means[..., None]  # first, to lose no digits
    deviations = deviations @ off_plane(side).astype(patches.dtype)
    return Patches(deviations, means, half, equal_neighbours(patches), alive.mean() * height * width)


def positions(count: int, spacing: float) -> np.ndarray:
    """About count / spacing of the numbers 0 to count - 1, evenly, the same from either end."""
    number = max(1, int(np.ceil(count / spacing)))
    if number >= count:
        return np.arange(count)
    first = np.floor(np.linspace(0, count - 1, number))[: (number + 1) // 2].astype(int)
    return np.unique(np.concatenate([first, count - 1 - first]))


def rings(at: np.ndarray, count: int) -> np.ndarray:
    """Blocks counted from the middle outwards, so that a mirrored picture falls into the same halves."""
    block = min(BLOCK, int(np.ceil(count / 4)))
    return (np.abs(at - (count - 1) / 2) // block).astype(int)


def equal_neighbours(patches: np.ndarray) -> float:
    """Median over `patches` (N, C, d, d) of the share of equal neighbours in a row, among those off 0 and 1."""
    if not len(patches):
        return 0.0
    some = patches[:: max(1, len(patches) // 10_000)]
    left, right = some[..., :-1], some[..., 1:]
    free = (left > 0) & (left < 1)
    return float(np.median(((left == right) & free).sum((1, 2, 3)) / np.maximum(free.sum((1, 2, 3)), 1)))


def off_plane(side: int) -> np.ndarray:
    """The projection of a patch `side` wide on what a plane does not explain: (side^2, side^2)."""
    line = np.linspace(-1, 1, side)
    one = np.ones(side)
    plane = np.stack([np.kron(one, one), np.kron(one, line), np.kron(line, one)])
    plane /= np.linalg.norm(plane, axis=1, keepdims=True)
    return np.eye(side * side) - plane.T @ plane


def gradient_energy(side: int) -> np.ndarray:
    """D = Dh'Dh + Dv'Dv of a patch `side` wide: central differences (-1/2, 0, 1/2) where both neighbours exist."""
    difference = (np.eye(side, k=1) - np.eye(side, k=-1))[1:-1] / 2
    dh, dv = np.kron(np.eye(side), difference), np.kron(difference, np.eye(side))
    return dh.T @ dh + dv.T @ dv


def weak_texture_level(patches: Patches, ends: Ends) -> tuple[float, int]:
    """Standard deviation of the noise, on the scale of the pixels, and the number of patches it rests on."""
    from scipy.special import gammaincinv

    _, channels, dimensions = patches.deviations.shape
    d = gradient_energy(patches.side)
    weights = np.linalg.eigvalsh(off_plane(patches.side) @ d @ off_plane(patches.side))
    # gradient energy of unit noise: a gamma variable of this mean and variance
    mean, variance = channels * weights.sum(), 2 * channels * (weights**2).sum()
    threshold = gammaincinv(mean**2 / variance, CONFIDENCE) * variance / mean
    d = d.astype(patches.deviations.dtype)
    energy = np.einsum("ncj,ncj->nc", patches.deviations @ d, patches.deviations)

    chosen = np.ones(len(patches), bool)
    left = np.ones_like(patches.means)
    std = level(patches, chosen, left)
    for _ in range(ROUNDS):
        if std <= 0:
            break
        left = variance_left(patches.means, std, ends)
        wanted = unclipped(left) & ((energy / np.maximum(left, NONE_LEFT)).sum(1) < threshold * std**2)
        counts = np.count_nonzero(wanted & patches.half), np.count_nonzero(wanted & ~patches.half)
        if min(counts) < 2 * channels * dimensions:
            break
        chosen, before = wanted, std
        std = level(patches, chosen, left)
        if abs(std - before) < 1e-3 * before:
            break
    return std, int(np.count_nonzero(chosen))


def unclipped(left: np.ndarray) -> np.ndarray:
    """Patches (N,) in which every channel keeps enough variance; the best twentieth where hardly any does."""
    least = left.min(1)
    enough = least > MOST_CLIPPED
    return enough if enough.mean() > 0.05 else least >= np.quantile(least, 0.95)


def level(patches: Patches, chosen: np.ndarray, left: np.ndarray) -> float:
    """Standard deviation from the `chosen` patches, where clipping left the shares `left` (N, C)."""
    _, channels, dimensions = patches.deviations.shape
    whiten = np.repeat(1 / np.sqrt(left[chosen].mean(0)), dimensions)
    flat = patches.deviations.reshape(len(patches), -1)
    one, other = (covariance(flat[chosen & side]) * np.outer(whiten, whiten) for side in (patches.half, ~patches.half))
    empty = PLANE * channels
    return noise_variance(cross_measured(one, other)[empty:]) ** 0.5
