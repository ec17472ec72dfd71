"""Poisson-Gaussian noise told to a network as a map of its level, which is read off the noisy picture, smoothed.

Source: the map, Zhang, Zuo, Zhang, "FFDNet", IEEE TIP 27(9), 2018, DOI 10.1109/TIP.2018.2839891, section III; the
variance a x + b, Foi et al., IEEE TIP 17(10), 2008, DOI 10.1109/TIP.2008.2001399. That a lightly smoothed picture tells
the level best is ours: benchmarks/poisson_gaussian.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ...degradation import Degradation
from ...degradation.poisson_gaussian import PoissonGaussian
from ..base import NetworkMethod
from ..stabilise import levels
from .conditional import ConditionalMethod

RADIUS = 1.2  # standard deviation of the smoothing: 1 to 2 differ by 0.1 dB at most
REACH = 4  # pixels to each side


class MappedNetwork(NetworkMethod):
    """A network that is told a map of the noise where the noise depends on the signal, and else does as it did."""

    def __init__(self, inside: ConditionalMethod):
        card = inside.card
        wider = {name: value + REACH for name in ("halo_exact", "halo_8bit") if (value := getattr(card, name))}
        super().__init__(replace(card, title=f"{card.title}, with a noise map", **wider), inside.weights, inside.module)
        self.inside = inside

    def restore(self, pixels: Tensor, degradation: Degradation | None) -> Any:
        if not isinstance(degradation, PoissonGaussian):
            return self.inside.restore(pixels, degradation)
        strongest = levels(self.inside)[1] / 255
        # contrast is lowered until the noise on white is no more than the network knows
        white = float(degradation.variance(torch.ones(()))) ** 0.5
        contrast = min(1.0, strongest / white)
        level = contrast * level_map(pixels.float(), degradation)
        return (self.module((pixels - 0.5) * contrast + 0.5, level.clip(max=strongest)) - 0.5) / contrast + 0.5


def mapped(method: ConditionalMethod) -> MappedNetwork:
    """`method`, which knows one level of white noise, for noise whose level goes with the signal."""
    return MappedNetwork(method)


def level_map(noisy: Tensor, noise: PoissonGaussian) -> Tensor:
    """Standard deviation of `noise` in `noisy` (B, C, H, W) where white is 1: (B, 1, H, W), over all channels."""
    return noise.variance(smooth(noisy)).mean(1, keepdim=True) ** 0.5


def smooth(pixels: Tensor) -> Tensor:
    """`pixels` (B, C, H, W) under a Gaussian of RADIUS; the rim is repeated beyond the borders."""
    x = torch.arange(-REACH, REACH + 1, dtype=pixels.dtype, device=pixels.device)
    line = torch.exp(-(x**2) / (2 * RADIUS**2))
    line = (line / line.sum()).reshape(1, 1, -1)
    flat = F.pad(pixels, (REACH,) * 4, mode="replicate").flatten(0, 1)[:, None]
    smoothed = F.conv2d(F.conv2d(flat, line[:, :, None]), line[..., None])
    return smoothed[:, 0].unflatten(0, pixels.shape[:2])
