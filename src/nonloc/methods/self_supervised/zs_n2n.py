"""Zero-Shot Noise2Noise: a tiny network learns from one noisy picture, whose two halves are each other's target.

Source: Mansour, Heckel, "Zero-Shot Noise2Noise: Efficient Image Denoising without any Data", CVPR 2023, DOI
10.1109/CVPR52729.2023.01347. D1 and D2 average the diagonals of each 2 x 2; f predicts the noise. The loss is the mean
of |D1 y - f(D1 y) - D2 y|^2 and the same with D1 and D2 changed, plus the mean of |D1 y - f(D1 y) - D1(y - f(y))|^2 and
the same with D2.

Ours: a tenth of the pixels takes no part in the loss and says when to stop, as strong noise is learned by heart.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...degradation import Degradation
from ..base import ArrayMethod
from ..card import Card, Weights

RATE = 1e-3
KEPT = 0.1  # part of the pixels by which the end is chosen
LOOKS = 20  # so often, over all steps, the network is compared with its best so far
SMALLEST = 8  # pixels: of less there is nothing to learn from


class ZSN2N(nn.Module):
    """f of the paper: the noise in `y` (B, C, H, W), by two convolutions 3 x 3 and one 1 x 1."""

    def __init__(self, channels: int = 3, features: int = 48):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, features, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(features, features, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(features, channels, 1),
        )

    def forward(self, y: Tensor) -> Tensor:
        return self.layers(y)


def halves(y: Tensor) -> tuple[Tensor, Tensor]:
    """D1 y and D2 y, each (B, C, H/2, W/2): means of the two diagonals of each 2 x 2."""
    a, b, c, d = y[..., ::2, ::2], y[..., ::2, 1::2], y[..., 1::2, ::2], y[..., 1::2, 1::2]
    return (b + c) / 2, (a + d) / 2


def errors(network: nn.Module, y: Tensor) -> Tensor:
    """The loss of each pixel of the halves, (B, C, H/2, W/2)."""
    first, second = halves(y)
    one, other = first - network(first), second - network(second)
    whole_one, whole_other = halves(y - network(y))
    noise2noise = ((one - second) ** 2 + (other - first) ** 2) / 2
    consistent = ((one - whole_one) ** 2 + (other - whole_other) ** 2) / 2
    return noise2noise + consistent


class ZSN2NMethod(ArrayMethod):
    """steps: of training on each picture. seed: of the network's first numbers."""

    def __init__(self, card: Card, weights: Weights | None = None, steps: int = 500, seed: int = 0):
        super().__init__(card, weights)
        self.steps, self.seed = int(steps), int(seed)

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """`pixels` (B, C, H, W) without their noise; nothing need be told."""
        return np.stack([self._one(torch.from_numpy(np.ascontiguousarray(p))[None]) for p in pixels])

    def _one(self, y: Tensor) -> np.ndarray:
        height, width = y.shape[-2:]
        if min(height, width) < SMALLEST:
            return y[0].numpy().copy()
        even = F.pad(y, (0, width % 2, 0, height % 2), mode="replicate")
        with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad():
            torch.manual_seed(self.seed)
            network = trained(even.clone(), self.steps)
        with torch.no_grad():
            return (y - network(y))[0].numpy()


def trained(y: Tensor, steps: int) -> nn.Module:
    """The network after learning from `y` (1, C, H, W), as it was when it did best on the pixels kept from it."""
    network = ZSN2N(y.shape[1])
    kept = torch.rand(1, 1, y.shape[-2] // 2, y.shape[-1] // 2) < KEPT
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, max(1, steps // 2), 0.5)
    best, least = copy.deepcopy(network), float("inf")
    every = max(1, steps // LOOKS)
    for step in range(1, steps + 1):
        found = errors(network, y)
        if step % every == 0 or step == steps:
            score = float((found.detach() * kept).sum())
            if score < least:
                best, least = copy.deepcopy(network), score
        optimizer.zero_grad()
        (found * ~kept).mean().backward()
        optimizer.step()
        schedule.step()
    return best
