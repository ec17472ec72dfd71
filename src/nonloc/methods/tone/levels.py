"""Levels: the darkest and the brightest of the picture become black and white.

Source: Limare, Lisani, Morel, Petro and Sbert, "Simplest color balance", IPOL 1, 2011, DOI 10.5201/ipol.2011.llmps-scb,
section 2; here one line for all channels, so that no colour turns, and a gamma behind it.
"""

from __future__ import annotations

import numpy as np

from ...degradation import Degradation
from ..base import ArrayMethod


class Levels(ArrayMethod):
    """Stretches the range of the picture, all channels by the same curve.

    cut: percent of the samples that may become black, and white. gamma: above 1 brightens the middle. amount: 0 leaves
    the picture, 1 stretches it fully.
    """

    def __init__(self, card, weights=None, cut: float = 0.5, gamma: float = 1.0, amount: float = 1.0):
        super().__init__(card, weights)
        self.cut, self.gamma, self.amount = cut, gamma, amount

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """`pixels`, float32 (B, C, H, W), stretched; the degradation is not looked at."""
        if self.amount == 0:
            return pixels.copy()
        return np.stack([self._one(picture) for picture in pixels])

    def _one(self, picture: np.ndarray) -> np.ndarray:
        low, high = np.percentile(picture, (self.cut, 100 - self.cut))
        if high - low < 1 / 255:  # one tone: there is nothing to stretch
            return picture.copy()
        new = np.clip((picture - low) / (high - low), 0, 1) ** (1 / self.gamma)
        return (picture + self.amount * (new - picture)).astype(np.float32)
