"""PSN-K: a few iterations of half-quadratic splitting, each with a small network in place of the proximal operator.

Source: Aljadaany, Pal, Savvides, "Proximal Splitting Networks for Image Restoration", arXiv 1903.07154, 2019. The
iteration and a network of its own in each step are the paper's; their number and layers are ours. K: the level is
known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .conditional import ConditionalMethod
from .level_map import level_map
from .plain import conv, conv_relu, silent

LEVEL = 25 / 255


class PSNK(nn.Module):
    """Residual denoiser for any level of noise.

    channels: of the picture. depth: convolutions in each iteration; a pixel sees that many pixels each way in each.
    features: channels inside. trust: for each iteration, how much of its x is the network's and not the noisy
    picture's, at sigma 25 and before anything is trained.
    """

    def __init__(
        self,
        channels: int = 1,
        depth: int = 7,
        features: int = 64,
        trust: Sequence[float] = (0.5, 0.7, 0.9, 0.98),
    ):
        super().__init__()
        self.steps = nn.ModuleList(Proximal(channels, depth, features, part) for part in trust)

    def forward(self, y: Tensor, std: Tensor | float) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1; same shape, not clipped.

        std: standard deviation of the noise where white is 1: a number, (B,), or a map (B, 1, H, W).
        """
        return self.outputs(y, std)[-1]

    def outputs(self, y: Tensor, std: Tensor | float) -> list[Tensor]:
        """The clean estimate after each iteration."""
        level, x, found = level_map(std, y), y, []
        for step in self.steps:
            x = step(x, y, level)
            found.append(x)
        return found


class Proximal(nn.Module):
    """One iteration: z = x - CNN(x, M), then the x between y and z that minimises |x - y|^2 + b |x - z|^2.

    b = softplus(a) (sigma / 25)^(2 p), with a and p learned: the less noise, the more y is trusted.
    """

    def __init__(self, channels: int, depth: int, features: int, trust: float):
        super().__init__()
        layers = conv_relu(channels + 1, features)
        for _ in range(depth - 2):
            layers += conv_relu(features, features)
        self.noise = nn.Sequential(*layers, silent(conv(features, channels)))
        self.a = nn.Parameter(torch.tensor(math.log(math.expm1(trust / (1 - trust)))))  # b / (1 + b) = trust
        self.p = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor, y: Tensor, level: Tensor) -> Tensor:
        """x, y: (B, C, H, W); level: (B, 1, H, W), sigma / 255."""
        z = x - self.noise(torch.cat([x, level], 1))
        b = F.softplus(self.a) * (level / LEVEL).clamp_min(1e-6) ** (2 * self.p)  # 0 has no gradient in p
        return (y + b * z) / (1 + b)


class PSNKMethod(ConditionalMethod):
    network = PSNK  # its arguments stand under `network` in the card
