"""nonloc-s: the default denoiser, a small residual U-Net on the unshuffled picture that is told the noise level.

Source: our own design; its parts: pixel unshuffle and a noise map, Zhang, Zuo, Zhang, "FFDNet", IEEE TIP 2018,
DOI 10.1109/TIP.2018.2839891; a U-Net of residual blocks without normalisation, Zhang et al., "Plug-and-Play Image
Restoration with Deep Denoiser Prior", IEEE TPAMI 2022, DOI 10.1109/TPAMI.2021.3088914 (DRUNet).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .conditional import ConditionalMethod, noise_map


class NonlocS(nn.Module):
    """Residual U-Net with three levels, at 1/2, 1/4 and 1/8 of the picture's sides.

    channels: of the picture, 1 gray, 3 colour. widths: features on each level. blocks: residual blocks on the way
    down, at the bottom and up: full, half, bottom, half, full.
    """

    def __init__(
        self,
        channels: int = 3,
        widths: Sequence[int] = (48, 96, 128),
        blocks: Sequence[int] = (1, 2, 4, 2, 1),
    ):
        super().__init__()
        w0, w1, w2 = widths
        # four sub-pictures and one map of the noise level
        self.head = nn.Conv2d(4 * channels + 1, w0, 3, padding=1)
        self.encode0, self.down0 = residual_blocks(w0, blocks[0]), nn.Conv2d(w0, w1, 2, stride=2)
        self.encode1, self.down1 = residual_blocks(w1, blocks[1]), nn.Conv2d(w1, w2, 2, stride=2)
        self.bottom = residual_blocks(w2, blocks[2])
        self.refine: nn.Module = nn.Identity()  # for networks that add something at 1/4 of the sides
        self.up1, self.decode1 = nn.ConvTranspose2d(w2, w1, 2, stride=2), residual_blocks(w1, blocks[3])
        self.up0, self.decode0 = nn.ConvTranspose2d(w1, w0, 2, stride=2), residual_blocks(w0, blocks[4])
        self.tail = nn.Conv2d(w0, 4 * channels, 3, padding=1)
        for parameter in self.tail.parameters():
            nn.init.zeros_(parameter)  # the untrained network gives its input back

    def forward(self, y: Tensor, std: Tensor | float) -> Tensor:
        """Clean estimate of `y` (B, C, H, W), H and W multiples of 8; not clipped.

        std: standard deviation of the noise where white is 1, a number, (B,), or a map (B, 1, H, W).
        """
        z = F.pixel_unshuffle(y, 2)
        z = torch.cat([z, noise_map(std, z)], 1).contiguous(memory_format=torch.channels_last)
        head = self.head(z)
        level0 = self.encode0(head)
        level1 = self.encode1(self.down0(level0))
        level2 = self.bottom(self.down1(level1))
        level1 = self.refine(self.decode1(self.up1(level2) + level1))
        level0 = self.decode0(self.up0(level1) + level0)
        return y - F.pixel_shuffle(self.tail(level0 + head).to(y.dtype), 2)


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(x))), without normalisation: it would mix the levels of noise in a batch."""

    def __init__(self, features: int):
        super().__init__()
        self.first = nn.Conv2d(features, features, 3, padding=1)
        self.second = nn.Conv2d(features, features, 3, padding=1)
        with torch.no_grad():
            self.second.weight.mul_(0.2)  # near the identity at the start, so that depth does no harm

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x), inplace=True))


def residual_blocks(features: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(features) for _ in range(count)))


class NonlocSMethod(ConditionalMethod):
    network = NonlocS  # its arguments stand under `network` in the card
