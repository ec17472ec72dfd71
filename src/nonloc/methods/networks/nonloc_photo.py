"""nonloc-photo: nonloc-s trained on simulated cameras; it is told nothing and finds the noise by itself.

Source: the network is nonloc-s's; the training pairs are those of `nonloc.degradation.camera`, after Brooks et al.,
"Unprocessing images for learned raw denoising", CVPR 2019, DOI 10.1109/CVPR.2019.01129.
"""

from __future__ import annotations

from torch import Tensor

from ..base import NetworkMethod
from .nonloc_s import NonlocS

USUAL = 8 / 255  # the level that the map of nonloc-s is held at, so that its weights are a start


class NonlocPhoto(NonlocS):
    """The residual U-Net of nonloc-s, blind: the map of the noise level is a constant.

    Its arguments are those of `NonlocS`.
    """

    def forward(self, y: Tensor, std: Tensor | float = USUAL) -> Tensor:
        """Clean estimate of `y` (B, C, H, W), H and W multiples of 8; not clipped."""
        return super().forward(y, std)


class NonlocPhotoMethod(NetworkMethod):
    network = NonlocPhoto
