"""White Gaussian noise whose level differs from channel to channel, or from place to place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .degradation import Degradation, Random
from .noise import GaussianNoise


@dataclass(frozen=True, eq=False)
class GaussianMap(Degradation):
    """White noise with the levels `sigmas`, 0-255 scale, at least 0: (C or 1, H or 1, W or 1), 1 where all are alike.

    name: what the levels are called in a record. whole: the levels of the picture that these are a part of.
    """

    sigmas: np.ndarray
    name: str = "map"
    whole: np.ndarray | None = None

    @property
    def all(self) -> np.ndarray:
        """The levels of the whole picture, (C or 1, H or 1, W or 1)."""
        return self.sigmas if self.whole is None else self.whole

    def apply(self, pixels: Any, rng: Random) -> Any:
        noise = rng.standard_normal(tuple(pixels.shape))
        std = self.sigmas / 255
        if hasattr(noise, "astype"):
            return pixels + (std * noise).astype(pixels.dtype, copy=False)
        return pixels + noise.to(pixels.dtype) * noise.new_tensor(std).to(pixels.dtype)

    @property
    def noise(self) -> GaussianNoise:
        """As strong as all of it: what a method is told that knows one level only."""
        return GaussianNoise(float(np.sqrt(np.mean(np.square(self.all, dtype=np.float64)))))

    @property
    def local(self) -> bool:
        return self.sigmas.shape[1:] != (1, 1)

    def part(self, rows: slice, columns: slice) -> GaussianMap:
        tall, wide = (length > 1 for length in self.sigmas.shape[1:])
        cut = self.sigmas[:, rows if tall else slice(None), columns if wide else slice(None)]
        return GaussianMap(cut, self.name, self.all)

    def __str__(self) -> str:
        return f"gaussian-map:{self.name}"
