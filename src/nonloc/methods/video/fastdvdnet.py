"""FastDVDnet: five frames to the clean one in the middle, by two small U-Nets one after the other, without motion.

Source: Tassano, Delon, Veit, "FastDVDnet: Towards Real-Time Deep Video Denoising Without Flow Estimation", CVPR 2020,
DOI 10.1109/CVPR42600.2020.00143, figures 2 and 3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...degradation import Degradation
from ...errors import UsageError
from ..base import NetworkMethod

FRAMES = 5


class FastDVDnet(nn.Module):
    """Denoiser of five frames (paper, figure 2). channels: of a frame. A frame is seen 80 pixels each way."""

    def __init__(self, channels: int = 3):
        super().__init__()
        self.first, self.second = DenoisingBlock(channels), DenoisingBlock(channels)

    def forward(self, y: Tensor, std: Tensor | float) -> Tensor:
        """Clean estimate (B, C, H, W) of the middle of `y` (B, 5, C, H, W), H and W multiples of 4; not clipped.

        std: standard deviation of the noise where white is 1, a number, (B,), or a map (B, 1, H, W).
        """
        level = torch.as_tensor(std, dtype=y.dtype, device=y.device)
        level = level if level.ndim == 4 else level.reshape(-1, 1, 1, 1)
        m = level.expand(y.shape[0], 1, *y.shape[-2:])
        return self.second(torch.stack([self.first(y[:, i : i + 3], m) for i in range(3)], 1), m)


class DenoisingBlock(nn.Module):
    """Three frames and the map of the noise to the middle frame: a U-Net that gives the noise (figure 3)."""

    def __init__(self, channels: int):
        super().__init__()
        # each frame and its map alone, then together
        self.head = nn.Sequential(*layer(3 * (channels + 1), 90, groups=3), *layer(90, 32))
        self.down0 = nn.Sequential(*layer(32, 64, stride=2), *layer(64, 64), *layer(64, 64))
        self.down1 = nn.Sequential(*layer(64, 128, stride=2), *layer(128, 128), *layer(128, 128))
        self.up1 = nn.Sequential(*layer(128, 128), *layer(128, 128), *shuffle(128, 64))
        self.up0 = nn.Sequential(*layer(64, 64), *layer(64, 64), *shuffle(64, 32))
        self.tail = nn.Sequential(*layer(32, 32), conv(32, channels))

    def forward(self, y: Tensor, m: Tensor) -> Tensor:
        """`y` (B, 3, C, H, W), `m` (B, 1, H, W) to (B, C, H, W)."""
        x0 = self.head(torch.cat([part for i in range(3) for part in (y[:, i], m)], 1))
        x1 = self.down0(x0)
        x1 = x1 + self.up1(self.down1(x1))
        return y[:, 1] - self.tail(x0 + self.up0(x1))


def conv(inputs: int, outputs: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, groups=groups, bias=False)


def layer(inputs: int, outputs: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    return [conv(inputs, outputs, stride, groups), nn.BatchNorm2d(outputs), nn.ReLU()]


def shuffle(inputs: int, outputs: int) -> list[nn.Module]:
    return [conv(inputs, 4 * outputs), nn.PixelShuffle(2)]


class FastDVDnetMethod(NetworkMethod):
    """A picture alone is taken as five equal frames."""

    network = FastDVDnet

    def restore(self, pixels: Tensor, degradation: Degradation | None) -> Tensor:
        noise = degradation.noise if degradation is not None else None
        if noise is None:
            raise UsageError(f"{self.card.name} without a noise level", "its network is told one", "Give sigma")
        return self.module(pixels[:, None].expand(-1, FRAMES, -1, -1, -1), noise.std)
