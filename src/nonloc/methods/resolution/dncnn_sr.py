"""DnCNN-3 for resolution: the denoiser of DnCNN on the bicubic picture, one network for all factors.

Source: Zhang, Zuo, Chen, Meng, Zhang, "Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image Denoising",
IEEE TIP 26(7), 2017, DOI 10.1109/TIP.2017.2662206, section III.E. A review that speaks of "DnCNN-SR" and cites Zhang,
Zuo, Zhang, CVPR 2018 means SRMD there; this is the DnCNN that does resolution.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..networks.dncnn import DnCNN
from .enlarging import EnlargingMethod, bicubic


class DnCNNSR(nn.Module):
    """`depth` convolutions of `features` channels on the bicubic picture, whose error they predict; channels: 1."""

    def __init__(self, channels: int = 1, factor: int = 2, depth: int = 20, features: int = 64):
        super().__init__()
        self.factor = factor
        self.inside = DnCNN(channels, depth, features)

    def forward(self, x: Tensor) -> Tensor:
        """Luminance (B, 1, H, W) to (B, 1, f H, f W); not clipped."""
        return self.inside(bicubic(x, self.factor))


class DnCNNSRMethod(EnlargingMethod):
    network = DnCNNSR
