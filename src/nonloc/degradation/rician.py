"""Rician noise: what magnitude does to the Gaussian noise of a complex signal, as in the pictures of MRI.

Source: Gudbjartsson, Patz, "The Rician distribution of noisy MRI data", Magnetic Resonance in Medicine 34(6), 1995, DOI
10.1002/mrm.1910340618, equations 1 and 2: m = |x + s (n + i n')|. Dark places become brighter, by 1.25 s where x is 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..errors import DegradationError
from .degradation import Degradation, Random
from .noise import GaussianNoise


@dataclass(frozen=True)
class Rician(Degradation):
    """Rician noise; `sigma` is that of each of the two channels, on the 0-255 scale.

    zero: the pixel value that is no signal, which is not black where black was chosen by what a file holds.
    """

    sigma: float
    zero: float = 0.0

    @property
    def std(self) -> float:
        """Standard deviation in each channel where white is 1."""
        return self.sigma / 255

    def apply(self, pixels: Any, rng: Random) -> Any:
        shape = tuple(pixels.shape)
        real = pixels - self.zero + self.std * _like(rng.standard_normal(shape), pixels)
        imaginary = self.std * _like(rng.standard_normal(shape), pixels)
        return (real**2 + imaginary**2) ** 0.5 + self.zero

    @property
    def noise(self) -> GaussianNoise:
        """The white noise that it is where the signal is strong: what a method is told that knows no other."""
        return GaussianNoise(self.sigma)

    def __str__(self) -> str:
        return f"rician:{self.sigma:g}" + (f",{self.zero:g}" if self.zero else "")


def read(value: str, text: str) -> Rician:
    """What `value` of rician:value means; DegradationError, naming the whole `text`, where it means nothing.

    sigma,zero; zero may be left out.
    """
    level, comma, none = value.partition(",")
    try:
        sigma, zero = float(level), float(none) if comma else 0.0
    except ValueError:
        sigma = zero = math.nan
    if not (0 <= sigma < math.inf and math.isfinite(zero)):
        found = f"{value!r} is no level of noise"
        raise DegradationError(f"degradation {text!r}", found, "Write rician:15: sigma on the 0-255 scale")
    return Rician(sigma, zero)


def _like(drawn: Any, pixels: Any) -> Any:
    return drawn.astype(pixels.dtype, copy=False) if hasattr(drawn, "astype") else drawn.to(pixels.dtype)
