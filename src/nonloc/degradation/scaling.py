"""Loss of resolution: the picture made smaller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..image.resize import resize
from .degradation import Degradation, Random


@dataclass(frozen=True)
class Downscale(Degradation):
    """Made `factor` times smaller by MATLAB's `imresize`, of which the literature on resolution speaks as bicubic.

    Sides that are no multiple of the factor are cut to one first, as there ('modcrop').
    """

    factor: float
    method: str = "bicubic"

    def cut(self, pixels: Any) -> Any:
        """`pixels` (..., H, W) without the last rows and columns that no sample of the small picture stands for."""
        whole = [int(int(n / self.factor + 1e-9) * self.factor + 1e-9) for n in pixels.shape[-2:]]
        return pixels[..., : whole[0], : whole[1]]

    def pair(self, pixels: Any, rng: Random | None = None) -> tuple[Any, Any]:
        large = self.cut(pixels)
        if not isinstance(large, np.ndarray) or large.ndim == 2:
            return large, resize(large, 1 / self.factor, method=self.method)
        small = resize(np.moveaxis(large.reshape(-1, *large.shape[-2:]), 0, -1), 1 / self.factor, method=self.method)
        return large, np.moveaxis(small, -1, 0).reshape(*large.shape[:-2], *small.shape[:2])

    def apply(self, pixels: Any, rng: Random | None = None) -> Any:
        return self.pair(pixels)[1]

    @property
    def scaling(self) -> Downscale:
        return self

    def __str__(self) -> str:
        return f"downscale:{self.factor:g}" + (f",{self.method}" if self.method != "bicubic" else "")
