"""DDRNet: a plain residual network of ten layers, whose middle ones are dilated.

Source: Wang, Sun, Hu, "Dilated Deep Residual Network for Image Denoising", ICTAI 2017, arXiv 1708.05473 (DDRN in some
tables). That every middle layer is normalised follows its successor, ELDRN.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..base import NetworkMethod
from .plain import conv, conv_bn_relu, conv_relu, silent


class DDRNet(nn.Module):
    """Residual denoiser for one level of noise.

    channels: of the picture. depth: convolutions; all but the first and the last have dilation 2, so that a pixel sees
    2 (`depth` - 1) pixels each way. features: channels inside.
    """

    def __init__(self, channels: int = 1, depth: int = 10, features: int = 64):
        super().__init__()
        layers = conv_relu(channels, features)
        for _ in range(depth - 2):
            layers += conv_bn_relu(features, features, dilation=2)
        self.noise = nn.Sequential(*layers, silent(conv(features, channels)))

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1; same shape, not clipped."""
        return y - self.noise(y)


class DDRNetMethod(NetworkMethod):
    network = DDRNet  # its arguments stand under `network` in the card; sigma picks the weights
