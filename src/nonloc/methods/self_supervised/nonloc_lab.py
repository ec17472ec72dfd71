"""nonloc-lab: a small blind network for a laboratory's own pictures, learned from noisy ones alone.

Source: the body is ours, that of nonloc-s, told nothing. How it learns without a clean picture: `training.noisy`, after
Lehtinen et al., "Noise2Noise", ICML 2018, arXiv 1803.04189; Krull, Buchholz, Jug, "Noise2Void", CVPR 2019, DOI
10.1109/CVPR.2019.00223; Huang et al., "Neighbor2Neighbor", CVPR 2021, DOI 10.1109/CVPR46437.2021.01454.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ..base import NetworkMethod
from ..networks.nonloc_s import NonlocS


class NonlocLab(nn.Module):
    """The U-Net of nonloc-s on pictures brought to zero mean and unit spread, as counts may have any range.

    channels: of the picture, 1 gray, 3 colour. widths, blocks: as in nonloc-s. black, contrast: mean and standard
    deviation of the pictures that it learned from, where white is 1.
    """

    def __init__(
        self,
        channels: int = 1,
        widths: Sequence[int] = (32, 64, 96),
        blocks: Sequence[int] = (1, 1, 2, 1, 1),
        black: float = 0.0,
        contrast: float = 1.0,
    ):
        super().__init__()
        self.black, self.contrast = black, contrast
        self.inside = NonlocS(channels, widths, blocks)

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), H and W multiples of 8; same shape, not clipped."""
        z = (y - self.black) / self.contrast
        return self.inside(z, 0.0) * self.contrast + self.black


class NonlocLabMethod(NetworkMethod):
    network = NonlocLab  # its arguments stand under `network` in the card, black and contrast with the weights
