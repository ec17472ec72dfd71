"""Scratches: finds the scratches and the dust of a scan, and fills them from what is around.

Source: found as in `scratch_mask` (Soille and Talbot, DOI 10.1109/34.969120; Meyer 1977), filled as in `smooth_fill`
(Damelin and Hoang, DOI 10.1155/2018/3950312).
"""

from __future__ import annotations

import numpy as np

from ...degradation import Degradation
from ..base import ArrayMethod
from .inpaint import fill
from .scratch_mask import scratch_mask


class Scratches(ArrayMethod):
    """Repairs what it takes for damage, in all channels together; all other pixels stay bit for bit.

    polarity: 'bright', 'dark' or 'both'. sensitivity: thresholds are divided by it; 2 finds more,
    and more that is none.
    """

    def __init__(self, card, weights=None, polarity: str = "both", sensitivity: float = 1.0):
        super().__init__(card, weights)
        self.polarity, self.sensitivity = polarity, sensitivity

    def restore(self, pixels: np.ndarray, degradation: Degradation | None):
        """`pixels`, float32 (B, C, H, W), repaired, and {'mask': bool (B, C, H, W), what was taken for damage}."""
        pixels = np.asarray(pixels, np.float32)
        masks = [scratch_mask(picture, self.polarity, self.sensitivity) for picture in pixels]
        out = np.stack([fill(picture, mask, "smooth") for picture, mask in zip(pixels, masks, strict=True)])
        return out, {"mask": np.broadcast_to(np.stack(masks)[:, None], pixels.shape).copy()}
