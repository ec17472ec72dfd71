"""A network that was trained for some factors, at any other: enlarged by the next above, then brought to size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import torch

from ...degradation import Degradation, Downscale
from ...image.resize import resize
from ..base import NetworkMethod
from .interpolation import factor_of

REACH = 3  # pixels of the picture that bringing it to size looks further: a bicubic kernel, and where it falls


def nearest_factor(factors: Sequence[int], factor: float) -> int:
    """Of `factors` the smallest that is not below `factor`, or the largest."""
    return min((f for f in factors if f >= factor), default=max(factors))


class AnyFactor(NetworkMethod):
    """`inside`, made for `trained` times, at any factor that it is told; its card, with a title that says so."""

    def __init__(self, inside: NetworkMethod, trained: int):
        card = inside.card
        halo, fast = (None if h is None else h + REACH for h in (card.halo_exact, card.halo_8bit))
        title = f"{card.title}, {trained} times and brought to size"
        super().__init__(
            replace(card, title=title, halo_exact=halo, halo_8bit=fast, factors=()), inside.weights, inside.module
        )
        self.inside, self.trained = inside, trained

    def restore(self, pixels: torch.Tensor, degradation: Degradation | None) -> torch.Tensor:
        factor = factor_of(self.card.name, degradation)
        large = self.inside.restore(pixels, Downscale(self.trained))
        height, width = (math.ceil(Fraction(str(factor)) * side) for side in pixels.shape[-2:])
        return resize(large.float(), factor / self.trained, size=(height, width))
