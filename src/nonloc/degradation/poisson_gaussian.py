"""Poisson-Gaussian noise: what a sensor adds, shot noise that grows with the light and read noise that does not.

Source: Foi, Trimeche, Katkovnik, Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting for single-image
raw-data", IEEE TIP 17(10), 2008, DOI 10.1109/TIP.2008.2001399, equations 1 to 6: y = a k + n, k ~ Poisson(x / a),
var(y) = a x + b. Counts from a normal number: the inverse distribution, summed up where counts are few, else by the
expansion of Giles, ACM TOMS 42(1), 2016, DOI 10.1145/2699466, equation 11.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..errors import DegradationError
from .degradation import Degradation, Distribution, Random
from .noise import GaussianNoise

MIDDLE = 0.5  # the signal at which one level stands for all
FEW = 10.0  # mean counts below which probabilities are summed; above, one count in 400 is off by one, the mean 2e-4
MOST = 60  # counts of a mean below FEW; 1e-25 are above
SMALL = 1e-9  # a gain below this is no shot noise that could be measured


@dataclass(frozen=True)
class PoissonGaussian(Degradation):
    """Shot noise of variance `gain` times the signal, both where white is 1, and read noise `sigma`, 0-255 scale.

    A signal of 1 is 1 / gain counts. Signals below 0 have no shot noise.
    """

    gain: float
    sigma: float = 0.0

    @property
    def std(self) -> float:
        """Standard deviation of the read noise where white is 1."""
        return self.sigma / 255

    def variance(self, signal: Any) -> Any:
        """Variance where the clean signal is `signal` (a number, array or tensor), both where white is 1."""
        return self.gain * signal.clip(0) + self.std**2

    def apply(self, pixels: Any, rng: Random) -> Any:
        out = pixels
        if self.gain > SMALL:
            counts = poisson(pixels.clip(0) / self.gain, _like(rng.standard_normal(tuple(pixels.shape)), pixels))
            out = counts * self.gain + pixels.clip(None, 0)
        return out + self.std * _like(rng.standard_normal(tuple(pixels.shape)), pixels)

    @property
    def noise(self) -> GaussianNoise:
        """The white noise that it has on middle gray: what a method is told that knows one level only."""
        return GaussianNoise(255 * math.sqrt(self.gain * MIDDLE + self.std**2))

    def __str__(self) -> str:
        return f"poisson-gaussian:{self.gain:g},{self.sigma:g}"


@dataclass(frozen=True)
class PoissonGaussianLevels(Distribution):
    """The logarithm of the gain uniform between two gains (as ISO values go), sigma uniform between two levels."""

    gains: tuple[float, float]
    sigmas: tuple[float, float]

    def sample(self, rng: Random) -> PoissonGaussian:
        low, high = self.gains
        gain = low * (high / low) ** float(rng.random())
        return PoissonGaussian(gain, self.sigmas[0] + (self.sigmas[1] - self.sigmas[0]) * float(rng.random()))

    def __str__(self) -> str:
        return f"poisson-gaussian:{_range(self.gains)},{_range(self.sigmas)}"


def poisson(mean: Any, normal: Any) -> Any:
    """Counts of the mean `mean`, as large as the standard normal numbers `normal` are among theirs.

    Arrays or tensors of one shape and floating dtype; the counts come in the same. Means are at least 0.
    """
    xp, ndtr = _functions(mean)
    large = mean.clip(FEW)
    root = large**0.5
    counts = xp.floor(large + root * normal + (2 + normal**2) / 6 - (2 * normal + normal**3) / (72 * root))
    small = mean < FEW
    if small.any():
        # in double precision: in single, all beyond 5 standard deviations is 1
        few, u = xp.asarray(mean[small], dtype=xp.float64), ndtr(xp.asarray(normal[small], dtype=xp.float64))
        probability = xp.exp(-few)
        total, found = probability, few * 0
        for count in range(1, MOST):
            beyond = u > total
            if not beyond.any():
                break
            found = found + beyond
            probability = probability * few / count
            total = total + probability
        counts[small] = xp.asarray(found, dtype=counts.dtype)
    return counts


def read(value: str, text: str) -> PoissonGaussian | PoissonGaussianLevels:
    """What `value` of poisson-gaussian:value means; DegradationError, naming the whole `text`, where it means nothing.

    gain,sigma, each a number or a range low..high; sigma may be left out.
    """
    gain, _, sigma = value.partition(",")
    gains, sigmas = _levels(gain, text), _levels(sigma or "0", text)
    if len(gains) == len(sigmas) == 1:
        return PoissonGaussian(gains[0], sigmas[0])
    if min(gains) <= 0:
        raise DegradationError(f"degradation {text!r}", "a range of gains begins at 0", "Begin above 0, with 1e-4 say")
    return PoissonGaussianLevels((gains[0], gains[-1]), (sigmas[0], sigmas[-1]))


def _levels(value: str, text: str) -> list[float]:
    try:
        levels = [float(part) for part in value.split("..")]
    except ValueError:
        levels = []
    if not (1 <= len(levels) <= 2 and levels == sorted(levels) and all(0 <= n < math.inf for n in levels)):
        raise DegradationError(
            f"degradation {text!r}",
            f"{value!r} is no level, nor a range of levels",
            "Write poisson-gaussian:0.02,5: variance per unit of signal, read noise on the 0-255 scale",
        )
    return levels


def _range(levels: tuple[float, float]) -> str:
    low, high = levels
    return f"{low:g}" if low == high else f"{low:g}..{high:g}"


def _like(drawn: Any, pixels: Any) -> Any:
    return drawn.astype(pixels.dtype, copy=False) if hasattr(drawn, "astype") else drawn.to(pixels.dtype)


def _functions(pixels: Any) -> tuple[Any, Any]:
    """Of NumPy or torch, as `pixels` are: the module, and the normal distribution."""
    if hasattr(pixels, "astype"):
        import numpy as np
        from scipy.special import ndtr

        return np, ndtr
    import torch

    return torch, torch.special.ndtr
