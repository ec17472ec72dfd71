"""White balance: takes away a colour cast, by what the light must have been.

Source: Finlayson and Trezzi, "Shades of gray and colour constancy", CIC 12, 2004, DOI
10.2352/CIC.2004.12.1.art00008: the light is the Minkowski mean of the picture, of order 1 (gray world, Buchsbaum 1980,
DOI 10.1016/0016-0032(80)90058-7), 6, or infinite (white patch, Land and McCann 1971, DOI 10.1364/JOSA.61.000001; here
the 99 % quantile). Channels are scaled in linear light, as von Kries did.
"""

from __future__ import annotations

import numpy as np

from ...degradation import Degradation
from ..base import ArrayMethod
from .lab import MATRIX, encoded, linear

CLIPPED = 0.98  # what is white in a channel says nothing of the light's colour
DARK = 0.02


class WhiteBalance(ArrayMethod):
    """Scales red, green and blue so that the light becomes white; the luminance of the light stays.

    light: 'shades-of-gray', 'gray-world' or 'white-patch'. amount: 0 leaves the picture, 1 corrects fully.
    """

    def __init__(self, card, weights=None, light: str = "shades-of-gray", amount: float = 1.0):
        super().__init__(card, weights)
        self.light, self.amount = light, amount

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """`pixels`, float32 (B, 3, H, W), without the cast; the degradation is not looked at."""
        if self.amount == 0:
            return pixels.copy()
        return np.stack([self._one(picture) for picture in pixels])

    def _one(self, picture: np.ndarray) -> np.ndarray:
        e = light(picture, self.light)
        gain = (MATRIX[1] @ e / e) ** self.amount
        return encoded(linear(picture) * gain[:, None, None]).astype(np.float32)


def light(picture: np.ndarray, rule: str) -> np.ndarray:
    """The colour of the light on `picture` (3, H, W), linear (3,); gray where the picture says nothing of it."""
    told = (picture.max(0) < CLIPPED) & (picture.max(0) > DARK)
    if not told.any():
        return np.ones(3)
    values = np.maximum(linear(picture[:, told]), 0)
    if rule == "white-patch":
        e = np.quantile(values, 0.99, axis=1)
    else:
        p = 1 if rule == "gray-world" else 6
        e = np.mean(values**p, axis=1) ** (1 / p)
    return np.maximum(e, 0.02 * e.max())  # a channel that is all black stays so
