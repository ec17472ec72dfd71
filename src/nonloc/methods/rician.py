"""Rician noise made white of one level, for any method that removes such noise, and brought back without bias.

Source: Foi, "Noise estimation and removal in MR imaging: the variance-stabilization approach", ISBI 2011, DOI
10.1109/ISBI.2011.5872758: stabilise, denoise, invert exactly and without bias. His transform is found by optimisation;
here f is the integral of 1 / std(m) over the mean of m, from the moments in closed form (Koay, Basser, J. Magn. Reson.
179(2), 2006, DOI 10.1016/j.jmr.2006.01.016, equations 2 and 3), and the inverse of E[f(m) | x] is tabulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..degradation.rician import Rician
from .base import Method
from .stabilise import stabilised

STRONG = 40.0  # signal in units of sigma from which mean and f have their asymptotes to 4e-4
DEVIATIONS = 8.0  # of the noise, for the integral over it


def mean(x: np.ndarray) -> np.ndarray:
    """E[m] for the signal `x` (any shape, at least 0), sigma 1: sqrt(pi/2) L_1/2(-x^2/2)."""
    from scipy.special import i0e, i1e

    t = x * x / 4
    return np.sqrt(np.pi / 2) * ((1 + 2 * t) * i0e(t) + 2 * t * i1e(t))


def deviation(x: np.ndarray) -> np.ndarray:
    """std(m) for the signal `x` (any shape, at least 0), sigma 1: from E[m^2] = x^2 + 2."""
    return np.sqrt(x * x + 2 - mean(x) ** 2)


@cache
def transform() -> tuple[np.ndarray, np.ndarray]:
    """m and f(m), both increasing, sigma 1, so that f(m) has the standard deviation 1; f(m) - m has the limit 0.

    Magnitudes below the mean of pure noise lie on the straight line with the slope there.
    """
    x = np.concatenate([np.linspace(0, 4, 2001), np.linspace(4, STRONG, 2001)[1:]])
    m, slope = mean(x), 1 / deviation(x)
    f = np.concatenate([[0], np.cumsum((slope[1:] + slope[:-1]) / 2 * np.diff(m))])
    f += m[-1] - f[-1]
    return np.concatenate([[0], m]), np.concatenate([[f[0] - slope[0] * m[0]], f])


def forward(m: np.ndarray) -> np.ndarray:
    """f of magnitudes `m`, sigma 1; the line f = m above the table."""
    table, f = transform()
    return np.where(m < table[-1], np.interp(m, table, f), m)


@cache
def inverse_table() -> tuple[np.ndarray, np.ndarray]:
    """E[f(m) | x], increasing, and x, for x from 0 to STRONG, sigma 1."""
    from scipy.special import i0e

    x = np.concatenate([np.linspace(0, 4, 401), np.linspace(4, STRONG, 721)[1:]])
    step = np.linspace(-DEVIATIONS, DEVIATIONS, 1601)
    m = np.maximum(x[:, None] + step, 0)
    density = m * np.exp(-((m - x[:, None]) ** 2) / 2) * i0e(m * x[:, None])
    return (forward(m) * density).sum(1) / density.sum(1), x


@dataclass(frozen=True)
class RicianStabiliser:
    """f and its inverse for one noise; levels: the lowest and highest sigma that may come out, 0-255 scale."""

    noise: Rician
    levels: tuple[float, float]

    @property
    def std(self) -> float:
        """Standard deviation of the noise in each part of the signal, white 1; where there is none, next to none."""
        return max(self.noise.std, 1e-9)

    @property
    def sigma(self) -> float:
        """The level of the noise after `forward`, 0-255 scale: that of the noise, where it is allowed."""
        return float(np.clip(self.noise.sigma, *self.levels))

    def forward(self, noisy: np.ndarray) -> np.ndarray:
        """`noisy` of any shape, white 1, as a picture whose noise has the level `sigma` everywhere; float64."""
        return forward((noisy.astype(np.float64) - self.noise.zero) / self.std) * self.sigma / 255

    def inverse(self, stable: np.ndarray) -> np.ndarray:
        """The signal whose noisy values have the mean `stable` after `forward`; float64.

        No signal has a mean below that of none. What a denoiser leaves scatters around it, and cut off there its mean
        would be a signal (2 % of white at sigma 30), so the inverse goes on below as an odd function.
        """
        d = stable.astype(np.float64) * 255 / self.sigma
        expected, x = inverse_table()
        none, last = expected[0], expected[-1] - x[-1]
        beyond = none + np.abs(d - none)
        signal = np.where(beyond < expected[-1], np.interp(beyond, expected, x), beyond - last)
        return self.noise.zero + self.std * np.copysign(signal, d - none)


def unbiased(method: Method) -> Method:
    """`method` for Rician noise: `stabilise.stabilised` by this transform; UsageError as there."""
    return stabilised(method, Rician, RicianStabiliser)
