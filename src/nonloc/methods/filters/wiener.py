"""Local Wiener filter: each pixel is drawn to its local mean by as much of the local variance as is noise.

Source: Lee, "Digital image enhancement and noise filtering by use of local statistics", IEEE TPAMI 2(2), 1980, DOI
10.1109/TPAMI.1980.4766994; with mean m and variance v over a square around the pixel, and s2 the variance of the
noise,

    out = m + max(v - s2, 0) / max(v, s2) (y - m)

"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ...degradation import Degradation
from .sigma_driven import SigmaDriven


class Wiener(SigmaDriven):
    """The filter on every channel by itself; the border is mirrored, its edge pixels repeated.

    window: side of the square in pixels, odd; None takes `rule`.
    """

    def __init__(self, card, weights=None, window: int | None = None):
        super().__init__(card, weights)
        self.window = window

    @staticmethod
    def rule(sigma: float) -> int:
        """The window for noise of `sigma` (0-255 scale): best on gray training pictures at 5 to 100."""
        return 3 if sigma <= 14 else 5 if sigma <= 35 else 7 if sigma <= 60 else 9 if sigma <= 85 else 11

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Restored copy of `pixels`, float32 (B, C, H, W). UsageError when sigma is not known."""
        sigma = self.sigma(degradation)
        if sigma == 0:
            return pixels.copy()
        s2, n = (sigma / 255) ** 2, self.window or self.rule(sigma)
        # plane after plane: the sums in float64 are nine times as large as a plane
        return np.stack([[wiener(plane, s2, n) for plane in picture] for picture in pixels])


def wiener(y: np.ndarray, s2: float, n: int) -> np.ndarray:
    """The local Wiener filter of `y` (H, W) for noise of variance s2 > 0, window n."""
    # in float64: the variance is a small difference of large numbers, and a running sum forgets where it began
    m = _mean(y, n)
    v = _mean(np.square(y, dtype=np.float64), n)
    v -= m * m
    gain = np.maximum(v - s2, 0) / np.maximum(v, s2)
    return (m + gain * (y - m)).astype(np.float32)


def _mean(y: np.ndarray, n: int) -> np.ndarray:
    return ndimage.uniform_filter(y, n, output=np.float64, mode="reflect")
