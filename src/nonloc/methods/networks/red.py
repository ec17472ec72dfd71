"""RED: as many convolutions as deconvolutions, with a skip from every second one to its counterpart.

Source: Mao, Shen, Yang, "Image Restoration Using Very Deep Convolutional Encoder-Decoder Networks with Symmetric Skip
Connections", NeurIPS 2016, arXiv 1603.09056, figure 1; widths and skips of the released RED30.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from ..base import NetworkMethod
from .plain import conv, silent


class RED(nn.Module):
    """Residual denoiser for one level of noise.

    channels: of the picture. depth: convolutions; half of them encode, an odd number. features: channels inside, 128 as
    released, 64 for a quarter of the work. A deconvolution without stride is a convolution with its filter turned over,
    so it is written as one. A pixel sees `depth` pixels each way.
    """

    def __init__(self, channels: int = 1, depth: int = 30, features: int = 128):
        super().__init__()
        half = depth // 2
        widths = [channels, *[features] * half]
        self.encode = nn.ModuleList(conv(widths[k], features) for k in range(half))
        self.decode = nn.ModuleList(conv(features, features) for _ in range(half - 1))
        self.last = silent(conv(features, channels))

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1; same shape, not clipped."""
        r, kept = y, []
        for k, layer in enumerate(self.encode, 1):
            r = F.relu(layer(r))
            if k % 2 == 0:
                kept.append(r)
        for k, layer in enumerate(self.decode, 1):
            r = F.relu(layer(r))
            if k % 2 == 1:
                r = F.relu(r + kept.pop())
        return y + self.last(r)


class REDMethod(NetworkMethod):
    network = RED  # its arguments stand under `network` in the card; sigma picks the weights
