"""Holes: samples that are no measurement (NaN, infinite, a number that means 'none'), which no method may touch.

They are filled for the methods, and put back when the picture is written. Filled by the median of the known samples
within 2 pixels; holes that are larger, further in, by means over squares of 2, 4, 8 ... pixels, the smallest that knows
any (the 'pull' of Gortler, Grzeszczuk, Szeliski, Cohen, "The Lumigraph", SIGGRAPH 1996, DOI 10.1145/237170.237200).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .image import Image

KEY = "holes"  # the tag under which a picture keeps them
REACH = 2  # pixels that the median looks far
AT_ONCE = 65536  # holes filled at a time


@dataclass(frozen=True, eq=False)
class Holes:
    """Where (flat indices in the rows of a picture (H, W)) and what: the samples as stored, in their dtype."""

    shape: tuple[int, int]
    places: np.ndarray
    values: np.ndarray

    def back(self, samples: np.ndarray) -> np.ndarray:
        """`samples` (H, W), a copy, with the holes as they were; in a picture of another size, where they would lie."""
        out = np.array(samples, order="C")
        if samples.shape == self.shape:
            out.reshape(-1)[self.places] = self.values
            return out
        which = np.full(self.shape, -1)
        which.reshape(-1)[self.places] = np.arange(len(self.places))
        y, x = (np.arange(n) * old // n for n, old in zip(samples.shape, self.shape, strict=True))
        which = which[np.ix_(y, x)]
        out[which >= 0] = self.values[which[which >= 0]]
        return out


def filled(samples: np.ndarray, bad: np.ndarray) -> tuple[np.ndarray, Holes | None]:
    """`samples` (H, W) without the holes, where `bad` (H, W) is true, and the holes; as they are where none is bad."""
    places = np.flatnonzero(bad)
    if not len(places):
        return samples, None
    out = np.array(samples, order="C")
    holes = Holes(samples.shape, places, out.reshape(-1)[places])
    known = ~np.asarray(bad)
    fill = np.concatenate([_near(out, known, part) for part in np.split(places, range(AT_ONCE, len(places), AT_ONCE))])
    far = np.isnan(fill)
    if far.any():
        fill[far] = _pulled(out, known).reshape(-1)[places[far]]
    out.reshape(-1)[places] = fill if out.dtype.kind == "f" else np.rint(fill)
    return out, holes


def reopened(image: Image) -> Image:
    """The picture with its holes as they were, to be written."""
    holes: Holes | None = image.metadata.tags.get(KEY)
    if holes is None:
        return image
    tags = {key: value for key, value in image.metadata.tags.items() if key != KEY}
    return replace(image, samples=holes.back(image.samples), metadata=replace(image.metadata, tags=tags))


def _near(samples: np.ndarray, known: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The median of what is known around each place, (N,); NaN where nothing is."""
    height, width = samples.shape
    y, x = np.divmod(places, width)
    reach = range(-REACH, REACH + 1)
    around = np.full((len(reach) ** 2, len(places)), np.nan)
    for i, (dy, dx) in enumerate((dy, dx) for dy in reach for dx in reach):
        inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
        inside[inside] = known[y[inside] + dy, x[inside] + dx]
        around[i, inside] = samples[y[inside] + dy, x[inside] + dx]
    out = np.full(len(places), np.nan)
    any_known = ~np.isnan(around).all(0)
    out[any_known] = np.nanmedian(around[:, any_known], 0)
    return out


def _pulled(samples: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(H, W): the mean of the smallest square of the grids 2, 4, 8 ... that knows any sample; 0 if none does."""
    height, width = samples.shape
    total = np.where(known, samples, 0).astype(np.float64)
    number = known.astype(np.float64)
    out = np.full((height, width), np.nan)
    side = 1
    while np.isnan(out).any():
        if total.size == 1 and not number.any():
            return np.zeros((height, width))
        total, number, side = _halved(total), _halved(number), 2 * side
        with np.errstate(invalid="ignore"):
            mean = (total / number).repeat(side, 0)[:height].repeat(side, 1)[:, :width]
        out = np.where(np.isnan(out), mean, out)
    return out


def _halved(values: np.ndarray) -> np.ndarray:
    """Sums over squares of 2 x 2."""
    height, width = values.shape
    even = np.pad(values, [(0, height % 2), (0, width % 2)])
    return even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
