"""What clipping to [0, 1] leaves of Poisson-Gaussian noise.

Source: Foi, Trimeche, Katkovnik, Egiazarian, IEEE TIP 17(10), 2008, DOI 10.1109/TIP.2008.2001399, section III, takes
the noise for normal before it is clipped. With a few tens of counts it is skewed, and at a gain of 0.1 that costs a
quarter of the gain: here each count is clipped with its read noise, and the counts are summed up. Many counts are
normal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..degradation.poisson_gaussian import PoissonGaussian
from .clipping import Ends, clipped_moments

NORMAL = 0.01  # gain below which the counts are taken for normal
BRIGHTEST = 1.5  # signal that is looked at
POINTS = 100
HALF_LEVEL = 0.5 / 255  # up to here 8 bits are black, and so is no count at all, without read noise
TINY = 1e-4  # standard deviation that stands for none


@dataclass(frozen=True)
class Seen:
    """What is seen of some noise through the clipping of `ends`, as functions of the mean that is seen, any shape."""

    noise: PoissonGaussian
    ends: Ends
    table: np.ndarray  # (3, POINTS) of clipped mean, variance and share of samples on black; empty where nothing clips

    def variance(self, mean: np.ndarray) -> np.ndarray:
        """The clipped variance."""
        return np.interp(mean, self.table[0], self.table[1]) if self.ends.any else self.noise.variance(mean)

    def left(self, mean: np.ndarray) -> np.ndarray:
        """The clipped variance as a share of the unclipped one."""
        if not self.ends.any:
            return np.ones_like(mean)
        share = self.table[1] / np.maximum(self.noise.variance(signals()), TINY**2)
        return np.interp(mean, self.table[0], share)

    def black(self, mean: np.ndarray) -> np.ndarray:
        """The share of samples that lie on black, which must clip."""
        return np.interp(mean, self.table[0], self.table[2])


def through(noise: PoissonGaussian, ends: Ends) -> Seen:
    """What is seen of `noise` through `ends`."""
    return Seen(noise, ends, moments(signals(), noise, ends) if ends.any else np.empty((3, 0)))


def signals() -> np.ndarray:
    return np.linspace(0, BRIGHTEST, POINTS)


def moments(signal: np.ndarray, noise: PoissonGaussian, ends: Ends) -> np.ndarray:
    """Of the clipped samples where the clean signal is `signal` (N,), at least 0: mean, variance, share on black.

    (3, N).
    """
    from scipy.special import gammaln, ndtr, xlogy

    if noise.gain < NORMAL:
        std = np.sqrt(np.maximum(noise.variance(signal), TINY**2))
        return np.stack([*clipped_moments(signal, std, ends), ndtr((HALF_LEVEL - signal) / std)])
    counts = signal[:, None] / noise.gain
    k = np.arange(int(counts.max() + 8 * np.sqrt(counts.max()) + 8))
    chance = np.exp(xlogy(k, counts) - counts - gammaln(k + 1))
    std = max(noise.std, TINY)
    mean, variance = clipped_moments(noise.gain * k, std, ends)
    black = ndtr((HALF_LEVEL - noise.gain * k) / std)
    total = chance @ mean
    return np.stack([total, np.maximum(chance @ (variance + mean**2) - total**2, 0), chance @ black])
