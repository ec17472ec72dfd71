"""Impulses, salt and pepper: single samples that are black or white where what is around them is not.

Source: our own rule. Samples at the ends of the scale are compared with the median of those of their neighbours that
are not. Noise clipped at the ends is told apart by its spread elsewhere, strokes and edges by touching one another.
Where nothing but damage is black or white, it need not stand out, as salt on paper and pepper on letters do not: all
that lies at an end of the scale is counted if nothing is nearly there, and if neighbours are alike, and the dark
and the bright places are hit, as chance has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST = 0.002  # part of the samples below which nothing is said
AT = 1e-5  # from an end of the scale: rounding of single precision
STANDS_OUT = 0.12  # of white; and 6 times the spread of what is no impulse
SPREADS = 6.0
CROWDED = 0.45  # part of 7 x 7 at the same end of the scale: a burnt-out place, where nothing is said
TOUCHING = 3.0  # times as many neighbours alike as chance would make: then it is a drawing, no damage
GAP, NEARLY, SOME = 0.02, 0.05, 0.005  # of white; samples so near an end, of those at it; part at it to say anything
BY_CHANCE = 0.25  # part by which counts may differ from what chance makes of them
SIDE = 0.05  # part of the picture that must be dark, and bright


@dataclass(frozen=True)
class Impulses:
    """fraction: the part of the samples that is black or white by damage; 0 where none is seen."""

    fraction: float

    def __str__(self) -> str:
        return f"{self.fraction:.1%} of the samples are impulses, black or white" if self.fraction else "no impulses"


def estimate_impulses(pixels: np.ndarray) -> Impulses:
    """Of pixels (C, H, W), black 0, white 1. Pictures smaller than 16 x 16 say nothing."""
    if min(pixels.shape[-2:]) < 16:
        return Impulses(0.0)
    found, seen = (np.stack(part) for part in zip(*map(impulse_mask, pixels), strict=True))
    fraction = float(found.sum() / max(seen.sum(), 1))
    if fraction < LEAST or seen.mean() < 0.25 or _touching(found, seen, pixels):
        fraction = 0.0
    return Impulses(max(fraction, sum(_apart(pixels, end) for end in (0.0, 1.0))))


def _apart(pixels: np.ndarray, end: float) -> float:
    """The part of samples at an end of the scale, if by values and places they can be nothing but damage; else 0."""
    far = np.abs(pixels - end)
    there = far < AT
    part = float(there.mean())
    if part < SOME or ((far < GAP) & ~there).sum() > NEARLY * there.sum() or part > CROWDED:
        return 0.0
    # quantised noise has gaps, too, but it is cut off where the picture is bright, or dark
    extreme = (far < AT) | (np.abs(1 - far) < AT)
    if extreme.all():
        return 0.0
    around = np.stack([_median_of_others(plane, other) for plane, other in zip(pixels, extreme, strict=True)])
    bright = around > around[~extreme].mean()
    if not SIDE < bright.mean() < 1 - SIDE:
        return 0.0
    counts = [(there[place].sum(), part * place.sum()) for place in (bright, ~bright)]
    for axis in (1, 2):
        one, other = (np.take(there, range(s, there.shape[axis] - 1 + s), axis) for s in (0, 1))
        counts.append(((one & other).sum(), part**2 * one.size))
    chance = all(abs(seen - wanted) < BY_CHANCE * wanted + 3 * wanted**0.5 for seen, wanted in counts)
    return part if chance else 0.0


def impulse_mask(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where samples of `plane` (H, W) are at an end of the scale and stand out; and where that can be told at all."""
    from scipy.ndimage import uniform_filter

    # beyond the ends, where only numbers that were never cut off are, nothing has been set to black or white
    ends = np.abs(plane - np.array([0.0, 1.0], np.float32)[:, None, None]) < AT
    extreme = ends[0] | ends[1]
    seen = (uniform_filter(ends.astype(np.float32), (0, 7, 7), mode="reflect") < CROWDED).all(0)
    if not extreme.any() or not (seen & ~extreme).any():
        return np.zeros(plane.shape, bool), seen
    middle = _median_of_others(plane, extreme)
    spread = 1.4826 * float(np.median(np.abs(plane - middle)[seen & ~extreme]))
    return seen & extreme & (np.abs(plane - middle) > max(STANDS_OUT, SPREADS * spread)), seen


def _median_of_others(plane: np.ndarray, extreme: np.ndarray) -> np.ndarray:
    """Of each sample's 5 x 5 neighbours that are at no end of the scale; where there are none, the sample itself."""
    wide = np.pad(np.where(extreme, np.nan, plane).astype(np.float32), 2, mode="reflect")
    views = np.lib.stride_tricks.sliding_window_view(wide, (5, 5)).reshape(*plane.shape, 25)
    ordered = np.sort(views, -1)  # what is not a number comes last
    count = 25 - np.isnan(ordered).sum(-1)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0)[..., None] // 2, -1)[..., 0]
    return np.where(count > 0, middle, plane)


def _touching(found: np.ndarray, seen: np.ndarray, pixels: np.ndarray) -> bool:
    """Whether neighbours are both white, or both black, impulses more often than if each were hit by itself."""
    for kind in (found & (pixels >= 1), found & (pixels <= 0)):
        chance = kind.sum() / max(seen.sum(), 1)
        for axis in (1, 2):
            one, other = (np.take(kind, range(s, kind.shape[axis] - 1 + s), axis) for s in (0, 1))
            both = np.take(seen, range(kind.shape[axis] - 1), axis).sum()
            if (one & other).sum() > TOUCHING * chance**2 * both + 10:
                return True
    return False
