"""Damage that hits single places: impulses, and places that are lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .degradation import Degradation, Random


@dataclass(frozen=True)
class SaltAndPepper(Degradation):
    """A part `fraction` of the samples is black or white, half and half; each channel by itself."""

    fraction: float

    def apply(self, pixels: Any, rng: Random) -> Any:
        u = rng.random(tuple(pixels.shape))
        out = pixels.copy() if isinstance(pixels, np.ndarray) else pixels.clone()
        out[u < self.fraction / 2] = 0
        out[u > 1 - self.fraction / 2] = 1
        return out

    def __str__(self) -> str:
        return f"salt-and-pepper:{self.fraction:g}"


@dataclass(frozen=True, eq=False)
class Missing(Degradation):
    """Places whose content is lost: `mask` (H, W), true where it is. `apply` makes them `fill`."""

    mask: np.ndarray
    name: str = "mask"
    fill: float = 0.0

    def apply(self, pixels: Any, rng: Random | None = None) -> Any:
        out = pixels.copy() if isinstance(pixels, np.ndarray) else pixels.clone()
        out[..., self.mask] = self.fill
        return out

    def part(self, rows: slice, columns: slice) -> Missing:
        return Missing(self.mask[rows, columns], self.name, self.fill)

    @property
    def local(self) -> bool:
        return True

    @property
    def missing(self) -> Missing:
        return self

    def __str__(self) -> str:
        return f"missing:{self.name}"
