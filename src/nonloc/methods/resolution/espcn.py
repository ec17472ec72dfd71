"""ESPCN: convolutions on the small picture, and the pixel shuffle that makes it large.

Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
Network", CVPR 2016, DOI 10.1109/CVPR.2016.207: 5 x 5 x 64, 3 x 3 x 32, 3 x 3 x r^2, tanh between.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from .enlarging import EnlargingMethod, bicubic


class ESPCN(nn.Module):
    """factor: r of the paper. skip: the bicubic picture is added, which the paper has not; a CPU's training needs it.
    channels: 1, luminance."""

    def __init__(self, channels: int = 1, factor: int = 3, skip: bool = True):
        super().__init__()
        self.factor, self.skip = factor, skip
        self.body = nn.Sequential(
            nn.Conv2d(channels, 64, 5, padding=2), nn.Tanh(), nn.Conv2d(64, 32, 3, padding=1), nn.Tanh()
        )
        self.last = nn.Conv2d(32, channels * factor**2, 3, padding=1)
        if skip:
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Luminance (B, 1, H, W) to (B, 1, r H, r W); not clipped."""
        out = F.pixel_shuffle(self.last(self.body(x)).to(x.dtype), self.factor)
        return bicubic(x, self.factor) + out if self.skip else out


class ESPCNMethod(EnlargingMethod):
    network = ESPCN
