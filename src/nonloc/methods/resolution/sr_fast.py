"""sr-fast: the default that enlarges, a plain network at the size of the small picture over a bicubic skip.

Source: our own design; its parts: convolutions before the pixel shuffle, Shi et al., "Real-Time Single Image and Video
Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network", CVPR 2016, DOI 10.1109/CVPR.2016.207; a
network that learns what interpolation lacks, Kim et al., "VDSR", CVPR 2016, DOI 10.1109/CVPR.2016.182.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .enlarging import EnlargingMethod, bicubic


class SrFast(nn.Module):
    """`depth` convolutions 3 x 3 at the size of the small picture, then a pixel shuffle; plus the bicubic picture.

    factor: 2, 3 or 4. features: channels inside; 3 x 3 with 32 and more is what a CPU does fastest. channels: 1, as it
    sees luminance only. The untrained network is bicubic interpolation.
    """

    def __init__(self, channels: int = 1, factor: int = 2, features: int = 48, depth: int = 7):
        super().__init__()
        self.factor = factor
        layers: list[nn.Module] = []
        for inputs in (channels, *[features] * (depth - 2)):
            layers += [nn.Conv2d(inputs, features, 3, padding=1), nn.ReLU(inplace=True)]
        self.features = nn.Sequential(*layers)
        self.last = nn.Conv2d(features, channels * factor**2, 3, padding=1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Luminance (B, 1, H, W) to (B, 1, f H, f W); not clipped."""
        z = self.features(x.contiguous(memory_format=torch.channels_last))
        return bicubic(x, self.factor) + F.pixel_shuffle(self.last(z).to(x.dtype), self.factor)


class SrFastMethod(EnlargingMethod):
    network = SrFast  # its arguments stand under `network` in the card, the factor under its weights
