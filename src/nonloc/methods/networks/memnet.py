"""MemNet: memory blocks, each of which recurs and then chooses from all that was found before it.

Source: Tai, Yang, Liu, Xu, "MemNet: A Persistent Memory Network for Image Restoration", ICCV 2017,
DOI 10.1109/ICCV.2017.486, figure 2 and section 3; layers as in the authors' description, github.com/tyshiwo/MemNet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..base import NetworkMethod
from .plain import conv, silent


class MemNet(nn.Module):
    """Residual denoiser that finds the level of the noise by itself (M6R6 of the paper).

    channels: of the picture. features: channels inside. blocks: M, memory blocks. recursions: R, in each of them.
    A pixel sees 2 + 2 M R pixels each way.
    """

    def __init__(self, channels: int = 1, features: int = 64, blocks: int = 6, recursions: int = 6):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.feature = conv(channels, features)
        self.memory = nn.ModuleList(Memory(features, recursions, m) for m in range(1, blocks + 1))
        self.ends = nn.ModuleList(nn.BatchNorm2d(features) for _ in range(blocks))
        self.last = silent(conv(features, channels))  # one for all blocks
        self.weights = nn.Parameter(torch.full((blocks,), 1 / blocks))

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1; same shape, not clipped."""
        return sum(w * x for w, x in zip(self.weights, self.outputs(y), strict=True))

    def outputs(self, y: Tensor) -> list[Tensor]:
        """The clean estimate after each memory block, of which the learned sum is the network's; the paper's training
        asks each to be right."""
        long = [self.feature(F.relu(self.norm(y)))]
        for memory in self.memory:
            long.append(memory(long))
        return [y + self.last(F.relu(end(b))) for end, b in zip(self.ends, long[1:], strict=True)]


class Memory(nn.Module):
    """The m-th memory block: its recursions share two convolutions, not their normalisations; a gate follows."""

    def __init__(self, features: int, recursions: int, m: int):
        super().__init__()
        self.first, self.second = conv(features, features), conv(features, features)
        self.norms = nn.ModuleList(
            nn.ModuleList([nn.BatchNorm2d(features), nn.BatchNorm2d(features)]) for _ in range(recursions)
        )
        remembered = (recursions + m) * features
        self.gate = nn.Sequential(nn.BatchNorm2d(remembered), nn.ReLU(inplace=True), conv(remembered, features, side=1))

    def forward(self, long: Sequence[Tensor]) -> Tensor:
        """B_m of all before it, B_0 ... B_(m-1), each (B, C, H, W)."""
        x, short = long[-1], []
        for norms in self.norms:
            before, within = cast(nn.ModuleList, norms)
            x = x + self.second(F.relu(within(self.first(F.relu(before(x))))))
            short.append(x)
        return self.gate(torch.cat([*long, *short], 1))


class MemNetMethod(NetworkMethod):
    network = MemNet  # its arguments stand under `network` in the card; sigma picks the weights
