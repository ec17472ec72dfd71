"""Unsharp mask: what a blur takes away is added once more, where it is more than noise.

Source: Polesel, Ramponi and Mathews, "Image enhancement via adaptive unsharp masking", IEEE TIP 9(3), 2000, DOI
10.1109/83.826787, for sharpening that spares flat places; here by a threshold of three times the noise.
"""

from __future__ import annotations

import numpy as np

from ...degradation import Degradation
from ..base import ArrayMethod

REACH = 4  # standard deviations of the blur


class Unsharp(ArrayMethod):
    """Sharpens; in colour pictures the luminance alone, so that no colour turns at an edge.

    radius: standard deviation of the blur in pixels. amount: 0 leaves the picture, 1 doubles fine detail.
    threshold: in levels of 255; detail fainter than that stays. None: 3 sigma where noise is told, else 2.
    """

    def __init__(self, card, weights=None, radius: float = 1.0, amount: float = 0.7, threshold: float | None = None):
        super().__init__(card, weights)
        self.radius, self.amount, self.threshold = radius, amount, threshold

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """`pixels`, float32 (B, C, H, W), sharper."""
        from scipy.ndimage import gaussian_filter

        if self.amount == 0:
            return pixels.copy()
        noise = degradation.noise if degradation is not None else None
        threshold = self.threshold if self.threshold is not None else 3 * noise.sigma if noise is not None else 2
        y = pixels.mean(1, keepdims=True)
        detail = y - gaussian_filter(y, (0, 0, self.radius, self.radius), truncate=REACH, mode="nearest")
        detail -= np.clip(detail, -threshold / 255, threshold / 255)
        return pixels + np.float32(self.amount) * detail
