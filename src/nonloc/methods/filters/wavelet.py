"""Wavelet shrinkage: the picture in bands of three scales, small coefficients drawn to zero, averaged over all shifts.

Source: Chang, Yu and Vetterli, "Adaptive wavelet thresholding for image denoising and compression", IEEE TIP 9(9),
2000, DOI 10.1109/83.862633: soft threshold T = s2 / sqrt(max(v - s2, 0)), v the variance of the noisy coefficients;
cycle spinning of Coifman and Donoho, "Translation-invariant de-noising", 1995, DOI 10.1007/978-1-4612-2544-7_9. The
wavelet is Daubechies' orthonormal least asymmetric one of 8 taps ("Ten Lectures on Wavelets", 1992, table 6.3). Two
choices are ours: the mean over all 64 shifts is had at once, from the transform without decimation, and v is
measured around each coefficient, which gives 0.3 to 0.7 dB up to sigma 25 and leaves no threshold that depends on
the whole picture.
"""

from __future__ import annotations

import numba
import numpy as np

from ...degradation import Degradation
from .rows import add_scaled
from .sigma_driven import SigmaDriven

SYM4 = (
    -0.07576571478927333, -0.02963552764599851, 0.49761866763201545, 0.8037387518059161,
    0.29785779560527736, -0.09921954357684722, -0.012603967262037833, 0.0322231006040427,
)  # fmt: skip
# divided by sqrt 2, so that the transform without decimation keeps the energy
LOW = (np.array(SYM4) / np.sqrt(2)).astype(np.float32)
HIGH = (LOW[::-1] * np.array([1, -1] * 4)).astype(np.float32)
LEVELS = 3  # a fourth gives 0.07 dB at sigma 50 and nothing below, and doubles the halo


class Wavelet(SigmaDriven):
    """Wavelet shrinkage of every channel by itself; the border is mirrored, its edge pixels repeated.

    window: side of the square of coefficients in which the variance is measured, odd, in steps of the band; None takes
    `rule`.
    """

    def __init__(self, card, weights=None, window: int | None = None):
        super().__init__(card, weights)
        self.window = window

    @staticmethod
    def rule(sigma: float) -> int:
        """The window for noise of `sigma` (0-255 scale): best on gray training pictures at 5 to 100."""
        return 2 * round(3 + 0.125 * sigma) + 1

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Restored copy of `pixels`, float32 (B, C, H, W). UsageError when sigma is not known."""
        sigma = self.sigma(degradation)
        if sigma == 0:
            return pixels.copy()
        window = self.window or self.rule(sigma)
        return np.stack([[shrink(plane, sigma / 255, window) for plane in picture] for picture in pixels])


def shrink(u: np.ndarray, std: float, window: int) -> np.ndarray:
    """`u`, float32 (H, W), shrunk for noise of standard deviation std > 0 in its units."""
    half = window // 2
    reach = ((1 << LEVELS) - 1) * (len(LOW) - 1) + (half << (LEVELS - 1))
    mean = np.full(window, 1 / window, np.float32)
    a = np.pad(np.ascontiguousarray(u), reach, mode="symmetric")
    bands = []
    for level in range(LEVELS):
        d = 1 << level
        low, high = down(a, LOW, d), down(a, HIGH, d)
        a, details = across(low, LOW, d), [across(low, HIGH, d), across(high, LOW, d), across(high, HIGH, d)]
        s2 = np.float32(std * std / 4 ** (level + 1))  # the noise in a band of this level
        for band in details:
            _soft(band, across(down(band * band, mean, d, -half * d), mean, d, -half * d), s2)
        bands.append(details)
    for level in reversed(range(LEVELS)):
        d = -(1 << level)  # the adjoint, which is the inverse
        details = bands.pop()
        low, high = across(a, LOW, d), across(details[1], LOW, d)
        low += across(details[0], HIGH, d)
        high += across(details[2], HIGH, d)
        a = down(low, LOW, d)
        a += down(high, HIGH, d)
    return a[reach:-reach, reach:-reach]


@numba.njit(nogil=True, cache=True)
def down(a, taps, step, first=0):
    """sum_k taps[k] a[y + first + k step, x]; nothing is outside `a`."""
    out = np.zeros(a.shape, np.float32)
    for y in range(len(a)):
        for k in range(len(taps)):
            row = y + first + k * step
            if 0 <= row < len(a):
                add_scaled(out[y], a[row], taps[k])
    return out


@numba.njit(nogil=True, cache=True)
def across(a, taps, step, first=0):
    """sum_k taps[k] a[y, x + first + k step]; nothing is outside `a`."""
    width = a.shape[1]
    out = np.zeros(a.shape, np.float32)
    for y in range(len(a)):
        for k in range(len(taps)):
            dx = first + k * step
            left, right = max(0, -dx), min(width, width - dx)
            if left < right:
                add_scaled(out[y, left:right], a[y, left + dx : right + dx], taps[k])
    return out


@numba.njit(nogil=True, cache=True)
def _soft(band, variance, s2):
    """Soft threshold of BayesShrink, in place."""
    for y in range(len(band)):
        b, v = band[y], variance[y]
        for x in range(len(b)):
            t = s2 / np.sqrt(max(v[x] - s2, np.float32(1e-20)))  # where there is no signal, beyond any coefficient
            b[x] -= min(max(b[x], -t), t)
