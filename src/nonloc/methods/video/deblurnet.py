"""DeblurNet (DBN): five shaken frames to the sharp one in the middle, by one U-Net with sums across.

Source: Su, Delbracio, Wang, Sapiro, Heidrich, Wang, "Deep Video Deblurring for Hand-held Cameras", CVPR 2017,
DOI 10.1109/CVPR.2017.33, table 1; the names F, D and U are its. Without the sigmoid: Gast, Roth, "Deep Video
Deblurring: The Devil is in the Details", ICCVW 2019, DOI 10.1109/ICCVW.2019.00475.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...degradation import Degradation
from ..base import NetworkMethod


class DeblurNet(nn.Module):
    """Sharpener of five frames (paper, table 1).

    width: of all layers, as a share of the paper's 64 to 512. frames: how many go in, odd; 1 is the twin that sees no
    neighbours. channels: 3. sigmoid: whether the sum of residual and middle frame goes through one, as in the
    paper; then a residual of zero does not give the frame back.
    """

    def __init__(self, width: float = 1.0, frames: int = 5, sigmoid: bool = True, channels: int = 3):
        super().__init__()
        self.sigmoid, self.frames = sigmoid, frames
        w = [max(1, round(width * features)) for features in (64, 128, 256, 512)]
        self.f0 = layer(3 * frames, w[0], 5)
        self.d1 = layer(w[0], w[0], stride=2)
        self.f1_2 = nn.Sequential(layer(w[0], w[1]), layer(w[1], w[1]))
        self.d2 = layer(w[1], w[2], stride=2)
        self.f3_5 = nn.Sequential(*(layer(w[2], w[2]) for _ in range(3)))
        self.d3 = layer(w[2], w[3], stride=2)
        self.f6_8 = nn.Sequential(*(layer(w[3], w[3]) for _ in range(3)))
        self.u1 = enlarge(w[3], w[2])
        self.f9_11 = nn.Sequential(*(layer(w[2], w[2]) for _ in range(3)))
        self.u2 = enlarge(w[2], w[1])
        self.f12_13 = nn.Sequential(layer(w[1], w[1]), layer(w[1], w[0]))
        self.u3 = enlarge(w[0], w[0])
        self.f14 = layer(w[0], 15)
        self.f15 = nn.Sequential(nn.Conv2d(15, 3, 3, padding=1), norm(3))

    def forward(self, y: Tensor) -> Tensor:
        """Sharp estimate (B, 3, H, W) of the middle of `y` (B, T, 3, H, W), white 1, H and W multiples of 8."""
        f0 = self.f0(y.flatten(1, 2))
        f2 = self.f1_2(self.d1(f0))
        f5 = self.f3_5(self.d2(f2))
        x = torch.relu(self.u1(self.f6_8(self.d3(f5))) + f5)
        x = torch.relu(self.u2(self.f9_11(x)) + f2)
        x = torch.relu(self.u3(self.f12_13(x)) + f0)
        x = self.f15(self.f14(x)) + y[:, y.shape[1] // 2]
        return torch.sigmoid(x) if self.sigmoid else x


def norm(features: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(features, eps=1e-3)  # the authors' code


def layer(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, stride, padding=size // 2), norm(outputs), nn.ReLU())


def enlarge(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1), norm(outputs))


class DeblurNetMethod(NetworkMethod):
    """A picture alone is taken as equal frames."""

    network = DeblurNet

    def restore(self, pixels: Tensor, degradation: Degradation | None) -> Tensor:
        frames = self.card.network.get("frames", 5)
        return self.module(pixels[:, None].expand(-1, frames, -1, -1, -1))
