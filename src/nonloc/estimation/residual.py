"""Was structure removed with the noise? What was taken away is looked at, place by place.

What a good method removes is noise: white, where the noise was. Edges and texture that were removed with it leave
neighbours that agree, or more than there was noise. In a window of n samples of white noise the correlation of
neighbours is normal with variance 1 / n, the mean square with 2 / n, so that what is far beyond is structure.

Source: the "method noise" of Buades, Coll, Morel, SIAM MMS 2005, DOI 10.1137/040616024; variance of the sample
autocorrelation of white noise: Bartlett, JRSS B 1946, DOI 10.2307/2983611.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..degradation import CameraNoise, Degradation, GaussianNoise, PoissonGaussian
from ..image.image import Image

STRUCTURE = "structure removed with the noise"  # what a record calls it
CELL = 8  # pixels of a side that share one judgement
REACH = 8  # pixels that a window reaches beyond its cell
STRIP = 512  # rows looked at at a time, a multiple of CELL
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
CERTAIN = 5.0  # standard deviations of the largest of four correlations
LEAST = 0.5 / 255  # standard deviation of the noise below which rounding decides


@dataclass(frozen=True, eq=False)
class Residual:
    """What was removed. ratio: its variance in that of the noise. structure: (h, w) bool, for CELL x CELL pixels each.

    why: why nothing can be said; then the rest means nothing.
    """

    ratio: float
    structure: np.ndarray
    why: str = ""

    @property
    def part(self) -> float:
        """Part of the picture from which structure was removed, 0 to 1."""
        return float(self.structure.mean()) if self.structure.size else 0.0

    def __str__(self) -> str:
        if self.why:
            return f"whether structure was removed with the noise cannot be told: {self.why}"
        where = "nowhere" if self.part < 0.0005 else f"on {self.part:.1%} of the picture"
        return f"{STRUCTURE} {where}; what was removed has {self.ratio:.0%} of the variance of the noise"


def residual(before: Image, after: Image, noise: Degradation | None) -> Residual:
    """What a method took from `before` to make `after`, given the `noise` that it was told.

    Pictures of one size. Nothing can be said without a level, and of noise that is not white (as a camera leaves it).
    """
    nothing = np.zeros((0, 0), bool)
    if isinstance(noise, CameraNoise) or not isinstance(noise, GaussianNoise | PoissonGaussian):
        return Residual(0.0, nothing, "the noise is not white" if noise is not None else "no level is known")
    if before.samples.shape != after.samples.shape:
        return Residual(0.0, nothing, "the size is another one")
    found = list(_strips(before, after, noise))
    weight = sum(strip.count for strip in found)
    if not weight:
        return Residual(0.0, nothing, "there is no noise that could be seen")
    return Residual(sum(strip.square for strip in found) / weight, _judged(found))


@dataclass(frozen=True, eq=False)
class Strip:
    """What is known of some rows. square: sum of the squared residual in units of the noise; count: of so many samples.

    Of each cell: alike, (4, h, w), correlation with four neighbours; power: mean square; known: samples in its window.
    """

    square: float
    count: int
    alike: np.ndarray
    power: np.ndarray
    known: np.ndarray


def _judged(strips: list[Strip]) -> np.ndarray:
    """Where neighbours agree too well, or more was removed than there was noise, (h, w)."""
    alike = np.concatenate([strip.alike for strip in strips], 1)
    power, known = (np.concatenate([getattr(strip, name) for strip in strips]) for name in ("power", "known"))
    sure = known > CELL**2
    if not sure.any():
        return sure
    # the noise that a method leaves makes what it removes alike, everywhere in the same way
    usual = np.maximum(np.median(alike[:, sure], 1), 0)[:, np.newaxis, np.newaxis]
    z = np.maximum((alike - usual).max(0) * np.sqrt(known), (power - 1) * np.sqrt(known / 2))
    return (z > CERTAIN) & sure


def _strips(before: Image, after: Image, noise: GaussianNoise | PoissonGaussian) -> Iterator[Strip]:
    """Of some rows after the other."""
    for top in range(0, before.height, STRIP):
        low, high = max(0, top - REACH), min(before.height, top + STRIP + REACH)
        noisy, clean = (image.pixels(slice(low, high)) for image in (before, after))
        std = _std(clean, noise)
        seen = std > LEAST
        if before.dtype.kind in "ui" and not before.offset:
            seen &= (noisy > 0) & (noisy < 1)  # what was clipped is no noise any more
        r = np.where(seen, (noisy - clean) / np.maximum(std, LEAST), 0)
        rows = slice(top - low, min(high - low, top - low + STRIP))
        inner = r[:, rows][seen[:, rows]]
        yield Strip(float(np.square(inner, dtype=np.float64).sum()), inner.size, *_cells(r, seen, rows))


def _std(clean: np.ndarray, noise: GaussianNoise | PoissonGaussian) -> np.ndarray:
    """Standard deviation of the noise on each sample, white 1."""
    if isinstance(noise, GaussianNoise):
        return np.full_like(clean, noise.std)
    return np.sqrt(np.maximum(noise.variance(clean), 0)).astype(np.float32)


def _cells(r: np.ndarray, seen: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`alike`, `power` and `known` of a Strip, of r (C, h, w) where it is seen; rows: those that are judged."""
    from scipy.ndimage import uniform_filter

    size = CELL + 2 * REACH
    many = seen.astype(np.float32)

    def over(values: np.ndarray) -> np.ndarray:
        """Sums over channels and the window of each cell whose middle exists: 3 x 3 cells, as REACH = CELL."""
        height, width = values.shape[1:]
        plane = np.pad(values.sum(0, dtype=np.float32), ((0, -height % CELL), (0, -width % CELL)))
        cells = plane.reshape(len(plane) // CELL, CELL, -1, CELL).sum((1, 3))
        around = np.pad(cells, 1)
        shifted = [around[y : y + cells.shape[0], x : x + cells.shape[1]] for y in range(3) for x in range(3)]
        first, last = rows.start // CELL, (rows.stop - CELL // 2 - 1) // CELL
        return np.sum(shifted, 0)[first : last + 1, : (width - CELL // 2 - 1) // CELL + 1]

    near = [(uniform_filter(plane, size), uniform_filter(there, size)) for plane, there in zip(r, many, strict=True)]
    local = np.stack([total / np.maximum(count, 1e-3) for total, count in near])
    r = np.where(seen, r - local, 0)  # clipping moves the mean, and a shift of it is no structure
    power, known = over(r * r), np.maximum(over(many), 1)
    alike = []
    for dy, dx in NEIGHBOURS:
        here = np.s_[:, dy:, max(dx, 0) : r.shape[2] + min(dx, 0)]
        there = np.s_[:, : r.shape[1] - dy, max(-dx, 0) : r.shape[2] - max(dx, 0)]
        product = np.zeros_like(r)
        product[here] = r[here] * r[there]
        alike.append(over(product) / np.maximum(power, 1e-6))
    return np.stack(alike), power / known, known
