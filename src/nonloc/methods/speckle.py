"""Speckle made white noise of one level by the logarithm, and brought back without bias.

Source: Arsenault, April, "Properties of speckle integrated with a finite aperture and logarithmically transformed",
JOSA 66(11), 1976, DOI 10.1364/JOSA.66.001160; moments of the logarithm of a gamma variable as in Deledalle, Denis,
Tabti, Tupin, "MuLoG", IEEE TIP 26(9), 2017, DOI 10.1109/TIP.2017.2713946, section II: E[log g] = digamma(L) - log L,
Var[log g] = trigamma(L).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..degradation.speckle import Speckle

CONTRAST = 0.25  # of gray per factor of e; bsd32val, 2 to 16 looks, nonloc-s: 0.35 loses 0.06 to 0.4 dB
WHITE = 0.7  # gray that a signal of 1 has after `forward`: 0.9 loses 0.3 dB at one look, wins 0.05 at 16
LEAST = 1e-5  # the signal, as an intensity, that anything weaker and all at or below zero counts as


@dataclass(frozen=True)
class SpeckleStabiliser:
    """The logarithm and its inverse for one noise; levels: the lowest and highest sigma that may come out, 0-255 scale.

    easing: the standard deviation of the noise is that of speckle, divided by it.
    """

    noise: Speckle
    levels: tuple[float, float]
    easing: float = 1.0

    @cached_property
    def bias(self) -> float:
        """E[log g]: below 0, as the logarithm is concave."""
        from scipy.special import digamma

        return float(digamma(self.noise.looks) - np.log(self.noise.looks))

    @cached_property
    def std(self) -> float:
        """Standard deviation of the noise of logarithms."""
        from scipy.special import polygamma

        return float(polygamma(1, self.noise.looks)) ** 0.5 / self.easing

    @property
    def sigma(self) -> float:
        """The level of the noise after `forward`, 0-255 scale."""
        return float(np.clip(255 * CONTRAST * self.std, *self.levels))

    @property
    def contrast(self) -> float:
        return max(self.sigma, 1e-6) / 255 / self.std

    def intensity(self, noisy: np.ndarray) -> np.ndarray:
        """`noisy` of any shape, white 1, above no signal; its square where it is an amplitude. At least 0; float64."""
        signal = np.maximum(noisy.astype(np.float64) - self.noise.zero, 0)
        return signal**2 if self.noise.amplitude else signal

    def pixels(self, intensity: np.ndarray) -> np.ndarray:
        """What `intensity` undoes."""
        return (np.sqrt(intensity) if self.noise.amplitude else intensity) + self.noise.zero

    def gray(self, logarithm: np.ndarray) -> np.ndarray:
        """Logarithms of intensities as a picture whose noise has the level `sigma`."""
        return logarithm * self.contrast + WHITE

    def logarithm(self, gray: np.ndarray) -> np.ndarray:
        """What `gray` undoes."""
        return (gray.astype(np.float64) - WHITE) / self.contrast

    def forward(self, noisy: np.ndarray) -> np.ndarray:
        """`noisy` of any shape, white 1, as a picture whose noise has the level `sigma` everywhere; float64."""
        return self.gray(np.log(np.maximum(self.intensity(noisy), LEAST)) - self.bias)

    def inverse(self, stable: np.ndarray) -> np.ndarray:
        """The signal whose noisy values have the mean `stable` after `forward`; at least `zero`; float64."""
        return self.pixels(np.exp(self.logarithm(stable)))
