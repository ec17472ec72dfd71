"""What clipping to [0, 1] does to Gaussian noise, and how much of its variance is left.

Source: Foi, "Clipped noisy images: heteroskedastic modeling and practical denoising", Signal Processing 89(12), 2009,
DOI 10.1016/j.sigpro.2009.04.035: mean and variance of a clipped normal. A clipped pixel shows the clipped mean, so
the remaining variance is read off at the mean that is seen, not at the true one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TOUCH = 1e-6  # 255 * float32(1/255) need not be 1 to the last bit
PILED = 1e-4  # fewer samples than this at an end change no variance that could be measured
FAR = 40.0  # in standard deviations; stands for an end that does not clip


@dataclass(frozen=True)
class Ends:
    """Which ends of [0, 1] clipped the picture, and the fraction of samples that lie on either end."""

    low: bool
    high: bool
    fraction: float

    @property
    def any(self) -> bool:
        return self.low or self.high


def find_ends(pixels: np.ndarray) -> Ends:
    """The ends at which the samples of `pixels` (C, H, W) pile up.

    A sample beyond an end shows that this end did not clip.
    """
    at_low = at_high = 0
    below = above = False
    for channel in pixels:  # one channel at a time keeps the masks small
        at_low += int(np.count_nonzero(np.abs(channel) <= TOUCH))
        at_high += int(np.count_nonzero(np.abs(channel - 1) <= TOUCH))
        below = below or bool((channel < -TOUCH).any())
        above = above or bool((channel > 1 + TOUCH).any())
    enough = PILED * pixels.size
    return Ends(not below and at_low > enough, not above and at_high > enough, (at_low + at_high) / pixels.size)


def clipped_moments(mu: np.ndarray, std: float, ends: Ends) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of a normal (mu, std) after the clipping of `ends`; both shaped as `mu`."""
    from scipy.special import ndtr

    def density(z: np.ndarray) -> np.ndarray:
        return np.exp(-z * z / 2) / np.sqrt(2 * np.pi)

    a = -mu / std if ends.low else np.full_like(mu, -FAR)
    b = (1 - mu) / std if ends.high else np.full_like(mu, FAR)
    inside, at_one = ndtr(b) - ndtr(a), ndtr(-b)
    slope = density(a) - density(b)
    mean = mu * inside + std * slope + at_one
    square = (
        (mu * mu + std * std) * inside + 2 * mu * std * slope + std * std * (a * density(a) - b * density(b)) + at_one
    )
    return mean, np.maximum(square - mean * mean, 0)


def variance_left(seen: np.ndarray, std: float, ends: Ends) -> np.ndarray:
    """The share of std^2 that clipping leaves where the clipped mean is `seen`; the same shape, in [0, 1]."""
    if not ends.any:
        return np.ones_like(seen)
    around = std * np.linspace(-4, 4, 161)  # where the curve bends
    mu = np.unique(np.concatenate([around, np.linspace(0, 1, 101), 1 + around]))
    mean, variance = clipped_moments(mu, std, ends)
    return np.interp(seen, mean, variance / std**2).astype(seen.dtype)
