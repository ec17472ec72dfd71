"""Overviews of a GeoTIFF: smaller copies in the same file, made anew from what is written.

Source: TIFF 6.0 (NewSubfileType 1), GDAL's internal overviews. Means over the pixels that an overview's pixel covers,
those that are no measurement left out; of palettes the nearest, as GDAL does by default.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import geotiff
from .tiff_tags import Layout

ROWS = 64  # of an overview, made at a time
SMALLER, MASK = 1, 4  # bits of NewSubfileType


@dataclass(frozen=True)
class Overview:
    """Layout of a smaller copy, how much smaller it is, (down, across), and whether it is one of the mask."""

    layout: Layout
    times: tuple[float, float]
    of_mask: bool

    def size(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """(h, w) of the overview of a picture (H, W)."""
        return max(1, round(shape[0] / self.times[0])), max(1, round(shape[1] / self.times[1]))


def smaller(
    samples: np.ndarray, size: tuple[int, int], none: float | None, mask: np.ndarray | None, exact: bool
) -> np.ndarray:
    """`samples` (H, W, S) as (h, w, S) of the same dtype. none: the number that is no value; mask: 0 where none is.

    exact: no new numbers are made; the nearest is taken.
    """
    (height, width), (h, w) = samples.shape[:2], size
    rows, columns = np.arange(h) * height // h, np.arange(w) * width // w
    if exact or h > height or w > width:
        return samples[np.ix_(rows, columns)]
    out = np.empty((h, w, samples.shape[2]), samples.dtype)
    for first in range(0, h, ROWS):
        top = rows[first : first + ROWS]
        end = rows[first + ROWS] if first + ROWS < h else height
        for band in range(samples.shape[2]):
            part = np.asarray(samples[top[0] : end, :, band])
            known = np.ones(part.shape, bool) if mask is None else mask[top[0] : end] != 0
            bad = geotiff.unknown(part, none)
            known = known if bad is None else known & ~bad
            total, number = (_sums(values, top - top[0], columns) for values in (np.where(known, part, 0), known))
            mean = total / np.maximum(number, 1)
            mean = mean if samples.dtype.kind == "f" else np.rint(mean)
            nearest = part[np.ix_(top - top[0], columns)]
            out[first : first + ROWS, :, band] = np.where(number > 0, mean.astype(samples.dtype), nearest)
    return out


def _sums(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return np.add.reduceat(np.add.reduceat(values.astype(np.float64), rows, axis=0), columns, axis=1)
