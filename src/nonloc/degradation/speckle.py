"""Speckle: what coherent light, radar and ultrasound do to a picture; noise as strong as the signal, and of mean 1.

Source: Goodman, "Some fundamental properties of speckle", JOSA 66(11), 1976, DOI 10.1364/JOSA.66.001145: the mean of L
independent looks is x g, g of a gamma distribution of shape L and mean 1. Amplitudes are the root of such intensities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..errors import DegradationError
from .degradation import Degradation, Random
from .noise import GaussianNoise

MIDDLE = 0.5  # the signal at which one level stands for all
MANY = 1e6  # looks from which the noise cannot be told from none in single precision


@dataclass(frozen=True)
class Speckle(Degradation):
    """Speckle of so many looks, 1 and more, not always whole; fewer are stronger.

    amplitude: whether pixels are the root of intensities, as most radar and ultrasound pictures to look at are.
    zero: the pixel value that is no signal, which is not black where black was chosen by what a file holds. Signals
    below it have no noise.
    """

    looks: float
    amplitude: bool = False
    zero: float = 0.0

    def gain(self, normal: Any) -> Any:
        """What standard normal numbers become as factors: as large as those are among theirs; an array or tensor."""
        from scipy.special import gammainccinv, gammaincinv, ndtr

        numbers = normal if hasattr(normal, "astype") else normal.cpu().numpy()
        n = numbers.astype("float64").clip(-8, 8)
        # each half by its own tail: of 1 - 1e-17 nothing is left in double precision
        low = gammaincinv(self.looks, ndtr(n.clip(None, 0)))
        g = (low * (n < 0) + gammainccinv(self.looks, ndtr(-n.clip(0))) * (n >= 0)) / self.looks
        if self.amplitude:
            g = g**0.5
        return g if numbers is normal else normal.new_tensor(g)

    def apply(self, pixels: Any, rng: Random) -> Any:
        gain = _like(self.gain(rng.standard_normal(tuple(pixels.shape))), pixels)
        signal = pixels - self.zero
        return signal.clip(0) * gain + signal.clip(None, 0) + self.zero

    @property
    def noise(self) -> GaussianNoise:
        """The white noise that it has on middle gray: what a method is told that knows one level only."""
        if not self.amplitude:
            return GaussianNoise(255 * MIDDLE / self.looks**0.5)
        mean = math.exp(math.lgamma(self.looks + 0.5) - math.lgamma(self.looks)) / self.looks**0.5
        return GaussianNoise(255 * MIDDLE * max(1 - mean**2, 0.0) ** 0.5)

    def __str__(self) -> str:
        kind = ",amplitude" if self.amplitude else ""
        return f"speckle:{self.looks:g}{kind}" + (f",{self.zero:g}" if self.zero else "")


def read(value: str, text: str) -> Speckle:
    """What `value` of speckle:value means; DegradationError, naming the whole `text`, where it means nothing.

    looks[,amplitude][,zero].
    """
    looks, *more = value.split(",")
    amplitude = more[:1] == ["amplitude"]
    try:
        found = [float(number) for number in (looks, *more[amplitude:])]
    except ValueError:
        found = []
    if not (1 <= len(found) <= 2 and all(map(math.isfinite, found)) and 0.1 <= found[0] <= MANY):
        do = "Write speckle:4 (looks, 1 is the strongest), or speckle:4,amplitude for roots of intensities"
        raise DegradationError(f"degradation {text!r}", f"{value!r} is no number of looks", do)
    return Speckle(found[0], amplitude, *found[1:])


def _like(drawn: Any, pixels: Any) -> Any:
    return drawn.astype(pixels.dtype, copy=False) if hasattr(drawn, "astype") else drawn.to(pixels.dtype)
