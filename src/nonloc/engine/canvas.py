"""Where restored tiles are put together: the samples that come out, and the places that a method found."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from ..degradation import Degradation
from ..errors import UsageError
from ..image.image import Image
from ..methods.card import Card
from .tiles import Tile


def enlargement(card: Card, degradation: Degradation | None) -> Fraction:
    """How many times larger the method of `card` makes a picture that this happened to: 1 for all but its enlargers.

    Raises UsageError when it enlarges and is not told how much.
    """
    if "downscale" not in card.handles:
        return Fraction(1)
    if degradation is None or degradation.scaling is None:
        raise UsageError(f"{card.name} without a factor", "it is not told how much larger", "Give a factor, such as 2")
    return Fraction(str(degradation.scaling.factor))


class Canvas:
    """The picture that comes out, `times` as large as `image`, filled tile by tile.

    samples: as stored. found: what the method gave beside the pixels, by name, true where it was: (H, W).
    """

    def __init__(self, image: Image, times: Fraction):
        self.image, self.times = image, times
        self.height, self.width = (math.ceil(times * side) for side in (image.height, image.width))
        self.samples = np.empty((self.height, self.width, *image.samples.shape[2:]), image.dtype)
        self.found: dict[str, np.ndarray] = {}

    def put(self, tile: Tile, restored: np.ndarray, extras: list[dict[str, Any]], strength: float) -> None:
        """What was made of the pixels that were read for `tile`: (C, h, w), of which its core is kept."""
        core = tuple(self._span(c, end) for c, end in zip(tile.core, (self.height, self.width), strict=True))
        inner = tuple(
            slice(c.start - int(r.start * self.times), c.stop - int(r.start * self.times))
            for c, r in zip(core, tile.read, strict=True)
        )
        clean = restored[(slice(None), *inner)]
        if strength != 1:
            source = self.image.pixels(*tile.core)
            clean = source + np.float32(strength) * (clean - source)
        self.samples[core] = self.image.stored(clean)
        for extra in extras:
            for name, places in extra.items():
                whole = self.found.setdefault(name, np.zeros((self.height, self.width), bool))
                any_channel = np.logical_or.reduce(np.asarray(places, bool).reshape(-1, *restored.shape[-2:]))
                whole[core] |= any_channel[inner]

    def _span(self, core: slice, end: int) -> slice:
        """Cores begin at multiples of the grid, which the engine takes such that these fall on whole samples."""
        return slice(int(core.start * self.times), min(end, math.ceil(core.stop * self.times)))
