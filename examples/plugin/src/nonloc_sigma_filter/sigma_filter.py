"""Sigma filter: the mean of those pixels in the window that differ from the centre by no more than twice the noise.

Source: Lee, "Digital image smoothing and the sigma filter", Computer Vision, Graphics, and Image Processing 24(2),
1983, DOI 10.1016/0734-189X(83)90047-6.
"""

from __future__ import annotations

import numpy as np

from nonloc.degradation import Degradation
from nonloc.methods.base import ArrayMethod


class SigmaFilter(ArrayMethod):
    """size: side of the window in pixels, odd."""

    def __init__(self, card, weights=None, size: int = 7):
        super().__init__(card, weights)
        self.size = size

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Filtered copy of `pixels`, float32 (B, C, H, W); each channel alone, borders mirrored."""
        near = 2 * degradation.noise.std if degradation is not None and degradation.noise else 0.0
        radius = self.size // 2
        height, width = pixels.shape[-2:]
        padded = np.pad(pixels, [(0, 0), (0, 0), (radius, radius), (radius, radius)], mode="symmetric")
        total, count = np.zeros_like(pixels), np.zeros_like(pixels)
        for dy in range(self.size):
            for dx in range(self.size):
                shifted = padded[..., dy : dy + height, dx : dx + width]
                alike = np.abs(shifted - pixels) <= near
                total += np.where(alike, shifted, 0)
                count += alike
        return total / count  # the centre is always alike
