"""Structural similarity.

Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural
similarity", IEEE TIP 13(4), 2004, DOI 10.1109/TIP.2003.819861, equation 13, with the authors' constants:
Gaussian window 11 x 11 of sigma 1.5, K1 = 0.01, K2 = 0.03, population moments, the mean over the places where
the window fits (5 pixels fewer at each side), no down-sampling. Colour: the mean of the channels' values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ImageError
from .psnr import as_pair

RADIUS = 5
K1, K2 = 0.01, 0.03


def ssim(reference: ArrayLike, restored: ArrayLike, *, data_range: float) -> float:
    """Mean SSIM of two pictures (H, W) or (H, W, C), at most 1.

    data_range: the peak L, 255 for 8-bit samples, 1 for pixels in [0, 1]; never guessed. Raises ImageError
    for different shapes, for NaN, and for pictures smaller than the window of 11 x 11.
    """
    x, y = as_pair(reference, restored, data_range)
    if x.ndim not in (2, 3) or min(x.shape[:2]) < 2 * RADIUS + 1:
        raise ImageError(
            "structural similarity",
            f"the shape is {x.shape}",
            "Give (H, W) or (H, W, C) of at least 11 x 11 pixels",
        )
    C1, C2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    mu_x, mu_y = _window(x), _window(y)
    var_x = _window(x * x) - mu_x**2
    var_y = _window(y * y) - mu_y**2
    cov = _window(x * y) - mu_x * mu_y
    similarity = (2 * mu_x * mu_y + C1) * (2 * cov + C2) / ((mu_x**2 + mu_y**2 + C1) * (var_x + var_y + C2))
    return float(similarity.mean())


def _window(values: np.ndarray) -> np.ndarray:
    """The Gaussian-weighted mean around each pixel whose window lies inside the picture."""
    from scipy.ndimage import correlate1d

    weight = np.exp(-(np.arange(-RADIUS, RADIUS + 1) ** 2) / (2 * 1.5**2))
    weight /= weight.sum()
    for axis in (0, 1):
        values = correlate1d(values, weight, axis=axis)
    return values[RADIUS:-RADIUS, RADIUS:-RADIUS]
