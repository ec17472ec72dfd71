"""Noise: Gaussian of one level, and what an 8-bit file does to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .degradation import Degradation, Distribution, Random


@dataclass(frozen=True)
class GaussianNoise(Degradation):
    """White Gaussian noise; `sigma` on the 0-255 scale, as the literature writes it."""

    sigma: float

    @property
    def std(self) -> float:
        """Standard deviation where white is 1: the one place of conversion."""
        return self.sigma / 255

    def apply(self, pixels: Any, rng: Random) -> Any:
        noise = rng.standard_normal(tuple(pixels.shape))
        if hasattr(noise, "astype"):
            noise = noise.astype(pixels.dtype, copy=False)
        return pixels + self.std * noise

    @property
    def noise(self) -> GaussianNoise:
        return self

    def __str__(self) -> str:
        return f"gaussian:{self.sigma:g}"


@dataclass(frozen=True)
class CameraNoise(GaussianNoise):
    """What a camera's demosaicing, smoothing and JPEG leave of its noise; `sigma` is its level in the middle bands
    (`camera.middle_level`), as strong as white noise of that level looks. `apply` draws white noise, for want of the
    camera."""

    def __str__(self) -> str:
        return f"camera:{self.sigma:g}"


@dataclass(frozen=True)
class GaussianLevels(Distribution):
    """White Gaussian noise with sigma uniform between two levels."""

    low: float
    high: float

    def sample(self, rng: Random) -> GaussianNoise:
        return GaussianNoise(self.low + (self.high - self.low) * float(rng.random()))

    def __str__(self) -> str:
        return f"gaussian:{self.low:g}..{self.high:g}"


@dataclass(frozen=True)
class Clip8(Degradation):
    """Clipped to [0, 1] and rounded to 8 bits, as a file on disk is."""

    def apply(self, pixels: Any, rng: Random) -> Any:
        return (pixels.clip(0, 1) * 255).round() / 255

    def __str__(self) -> str:
        return "clip8"
