"""Top-hat: what is smaller than a disk and stands out stays, the background under it goes.

Source: Meyer, "Contrast feature extraction", 1977; Sternberg, "Grayscale morphology", CVGIP 35(3), 1986, DOI
10.1016/0734-189X(86)90004-6. White: u - opening(u). Black, for dark things on a bright ground: 1 - (closing(u) -
u), so that they stay dark and the ground becomes white.
"""

from __future__ import annotations

import numpy as np

from ...degradation import Degradation
from ..base import ArrayMethod
from .structuring import closing, disk, opening


class TopHat(ArrayMethod):
    """Takes the background away from every channel by itself; positions outside the picture do not exist.

    objects: 'bright' or 'dark'. radius: of the disk in pixels, larger than the things that shall stay.
    """

    def __init__(self, card, weights=None, objects: str = "bright", radius: int = 15):
        super().__init__(card, weights)
        self.objects, self.radius = objects, radius

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """`pixels`, float32 (B, C, H, W), without their background; the degradation is not looked at."""
        offsets = disk(self.radius)
        background = opening if self.objects == "bright" else closing
        ground = np.stack([[background(plane, offsets) for plane in picture] for picture in pixels])
        return pixels - ground if self.objects == "bright" else 1 - (ground - pixels)
