"""FFDNet: a plain convolutional network on four half-size sub-pictures, told the level of the noise as a map.

Source: Zhang, Zuo, Zhang, "FFDNet: Toward a Fast and Flexible Solution for CNN-based Image Denoising", IEEE TIP
27(9), 2018, DOI 10.1109/TIP.2018.2839891. Section III: x = F(y, M), where M is the map of the noise level.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .conditional import ConditionalMethod, noise_map


class FFDNet(nn.Module):
    """Denoiser for any level of noise (paper, figure 1). It gives the picture itself, not the noise.

    channels: of the picture, 1 gray, 3 colour. depth: number of 3 x 3 convolutions at half size, 15 for gray, 12
    for colour; a 2 x 2 block sees 2 `depth` pixels each way. features: channels inside, 64 for gray, 96 for colour.
    The paper trains with batch normalisation and merges it; the authors' code leaves it out, and so do we.
    """

    def __init__(self, channels: int = 1, depth: int = 15, features: int = 64):
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 4 * channels + 1  # four sub-pictures and M
        for _ in range(depth - 1):
            layers += [conv(inputs, features), nn.ReLU(inplace=True)]
            inputs = features
        self.features = nn.Sequential(*layers)
        self.last = conv(features, 4 * channels)

    def forward(self, y: Tensor, std: Tensor | float) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1, H and W even; same shape, not clipped.

        std: standard deviation of the noise where white is 1: a number, (B,), or a map (B, 1, H, W).

        The sub-pictures are in torch's order, colour after colour, in each of them (0, 0), (0, 1), (1, 0), (1, 1) as
        (row, column). The authors' weights want (0, 0), (1, 0), (0, 1), (1, 1).
        """
        z = F.pixel_unshuffle(y, 2)
        z = torch.cat([z, noise_map(std, z)], 1).contiguous(memory_format=torch.channels_last)
        z = self.features(z)
        # the picture itself leaves here, so in full precision: bfloat16 has 8 bits
        with torch.autocast(z.device.type, enabled=False):
            return F.pixel_shuffle(self.last(z.to(y.dtype)), 2)


def conv(inputs: int, outputs: int) -> nn.Conv2d:
    """3 x 3, zeros beyond the border, orthogonal at the start, as in the paper and the authors' code."""
    made = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)
    nn.init.orthogonal_(made.weight)
    nn.init.zeros_(made.bias)  # type: ignore[arg-type]
    return made


class FFDNetMethod(ConditionalMethod):
    network = FFDNet  # its arguments stand under `network` in the card, those of colour under its weights
