"""Cutting a picture into tiles so that nobody sees it.

A tile has a core, which it alone writes, and a halo, the rim that the core's pixels depend on. Cores begin at multiples
of the method's grid. At the picture's own border there is no halo: the method meets the border as it would on the
whole picture. So tile = whole, without blending.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tile:
    """Rows and columns of the core and of what is read for it, in the picture's coordinates."""

    core: tuple[slice, slice]
    read: tuple[slice, slice]

    @property
    def inner(self) -> tuple[slice, slice]:
        """The core in the coordinates of what was read."""
        return (_shift(self.core[0], self.read[0].start), _shift(self.core[1], self.read[1].start))

    @property
    def shape(self) -> tuple[int, int]:
        return (self.read[0].stop - self.read[0].start, self.read[1].stop - self.read[1].start)


def tiles(height: int, width: int, side: int | None, halo: int, grid: int = 1) -> Iterator[Tile]:
    """Tiles that cover (height, width) in reading order; `side` None gives one tile, the whole picture."""
    rows = list(_spans(height, side, halo, grid))
    columns = list(_spans(width, side, halo, grid))
    for row_core, row_read in rows:
        for column_core, column_read in columns:
            yield Tile((row_core, column_core), (row_read, column_read))


def count(height: int, width: int, side: int | None, grid: int = 1) -> int:
    """How many tiles `tiles` gives."""
    if side is None:
        return 1
    side = round_up(side, grid)
    return math.ceil(height / side) * math.ceil(width / side)


def round_up(value: int, multiple: int) -> int:
    """The smallest multiple that is not below `value`."""
    return -(-value // multiple) * multiple


def pad(pixels: np.ndarray, multiple: int, minimum: int = 1) -> np.ndarray:
    """`pixels` (..., H, W), mirrored at the bottom and right until both sides are multiples and at least `minimum`."""
    height, width = pixels.shape[-2:]
    below = round_up(max(height, minimum), multiple) - height
    right = round_up(max(width, minimum), multiple) - width
    if not (below or right):
        return pixels
    return np.pad(pixels, [(0, 0)] * (pixels.ndim - 2) + [(0, below), (0, right)], mode="symmetric")


def _spans(length: int, side: int | None, halo: int, grid: int) -> Iterator[tuple[slice, slice]]:
    side = length if side is None else round_up(side, grid)
    halo = round_up(halo, grid)
    for start in range(0, length, max(side, 1)):
        stop = min(start + side, length)
        yield slice(start, stop), slice(max(0, start - halo), min(length, stop + halo))


def _shift(span: slice, origin: int) -> slice:
    return slice(span.start - origin, span.stop - origin)
