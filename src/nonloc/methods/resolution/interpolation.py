"""Interpolation: a picture made larger by any factor, by MATLAB's rules, with the kernel that a method is named after.

Source: `nonloc.image.resize`.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import numpy as np

from ...degradation import Degradation, Downscale
from ...errors import UsageError
from ...image.resize import resize
from ..base import ArrayMethod


class Interpolation(ArrayMethod):
    """`restore` gives (B, C, ceil(f H), ceil(f W)) where it is told Downscale(f)."""

    kernel: ClassVar[str]

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        return interpolated(pixels, factor_of(self.card.name, degradation), self.kernel)


class Nearest(Interpolation):
    kernel = "nearest"


class Bilinear(Interpolation):
    kernel = "bilinear"


class Bicubic(Interpolation):
    kernel = "bicubic"


class Lanczos(Interpolation):
    kernel = "lanczos3"


def factor_of(name: str, degradation: Degradation | None) -> float:
    """How many times larger the method `name` is to make a picture; UsageError where it is not told."""
    scaling: Downscale | None = degradation.scaling if degradation is not None else None
    if scaling is None:
        raise UsageError(f"{name} without a factor", "it is not told how much larger", "Give a factor, such as 2")
    return scaling.factor


def interpolated(pixels: np.ndarray, factor: float, kernel: str) -> np.ndarray:
    """`pixels` (B, C, H, W) `factor` times as large; sizes are rounded up."""
    planes = np.moveaxis(pixels.reshape(-1, *pixels.shape[-2:]), 0, -1)
    height, width = (math.ceil(Fraction(str(factor)) * side) for side in planes.shape[:2])
    large = resize(planes, factor, size=(height, width), method=kernel)
    large = np.ascontiguousarray(np.moveaxis(large, -1, 0), dtype=pixels.dtype)
    return large.reshape(*pixels.shape[:2], height, width)
