"""EEDN: a residual network that is shown only the edges of the picture, what a blur takes out of it.

Source: Chen, Zhan, Ji, Xu, Wu, Li, "Image denoising via deep network based on edge enhancement", Journal of Ambient
Intelligence and Humanized Computing, 2018, DOI 10.1007/s12652-018-1036-4. The high-frequency layer as input and the
residual are the paper's; the blur and the layers are ours, and so is the plain squared error in place of the paper's
joint loss with a perceptual term.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..base import NetworkMethod
from .plain import conv, conv_relu, silent

BLUR, RADIUS = 2.0, 6  # pixels


class EEDN(nn.Module):
    """Residual denoiser that finds the level of the noise by itself.

    channels: of the picture. blocks: residual blocks. features: channels inside. A pixel sees 8 + 2 `blocks` pixels
    each way, six of them by the blur.
    """

    def __init__(self, channels: int = 1, blocks: int = 8, features: int = 64):
        super().__init__()
        self.noise = nn.Sequential(
            *conv_relu(channels, features), *(Block(features) for _ in range(blocks)), silent(conv(features, channels))
        )

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1, H and W at least 7; same shape, not clipped."""
        return y - self.noise(y - blurred(y))


class Block(nn.Module):
    """x + two convolutions of x, each normalised."""

    def __init__(self, features: int):
        super().__init__()
        self.layers = nn.Sequential(
            conv(features, features, bias=False),
            nn.BatchNorm2d(features),
            nn.ReLU(inplace=True),
            conv(features, features, bias=False),
            nn.BatchNorm2d(features),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def blurred(y: Tensor) -> Tensor:
    """`y` (B, C, H, W) under a Gaussian of 2 pixels, cut at 6; the picture is mirrored beyond its border."""
    t = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float32, device=y.device)
    g = torch.exp(-t.square() / (2 * BLUR**2))
    g = (g / g.sum()).to(y.dtype).expand(y.shape[1], 1, -1)
    with torch.autocast(y.device.type, enabled=False):  # the difference to `y` would keep few of bfloat16's 8 bits
        padded = F.pad(y, [RADIUS] * 4, mode="reflect")
        return F.conv2d(F.conv2d(padded, g[..., None, :], groups=len(g)), g[..., None], groups=len(g))


class EEDNMethod(NetworkMethod):
    network = EEDN  # its arguments stand under `network` in the card; sigma picks the weights
