"""Keeping slow changes of a picture where a method for white noise meets noise that a camera made correlated.

Such a method misses the fast part of the noise, which the camera smoothed away, and shifts colours over whole areas
instead. What it changed slowly is put back: on ten real pictures +2.1 dB at sigma 11 with it, -0.5 dB without.
"""

from __future__ import annotations

import numpy as np

from ..degradation import CameraNoise, Degradation
from ..methods.card import Card

SLOW = 8  # standard deviation in pixels; 4 and 16 are 0.1 dB less
REACH = 3 * SLOW


def anchors(card: Card, degradation: Degradation | None) -> bool:
    """Whether the method of `card` was made for other noise than this."""
    return degradation is not None and isinstance(degradation.noise, CameraNoise) and "camera" not in card.handles


def anchor(restored: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """`restored` (B, C, H, W) with the slow part of what was changed taken back."""
    from scipy.ndimage import gaussian_filter

    return restored - gaussian_filter(restored - pixels, (0, 0, SLOW, SLOW), truncate=REACH / SLOW, mode="nearest")
