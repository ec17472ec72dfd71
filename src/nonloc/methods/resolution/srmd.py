"""SRMD: one network for many ways of losing resolution, told the blur and the level of the noise as maps.

Source: Zhang, Zuo, Zhang, "Learning a Single Convolutional Super-Resolution Network for Multiple Degradations", CVPR
2018, DOI 10.1109/CVPR.2018.00344: y = (x * k) made smaller + n; k, 15 x 15, as its 15 numbers by principal components,
not centred. It is the paper that a review cites for "DnCNN-SR".
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...degradation import Degradation, TurnedGaussianBlur, TurnedGaussians
from ...errors import UsageError
from .enlarging import EnlargingMethod, bicubic

SIDE = 15  # of a kernel, pixels
POINT = TurnedGaussianBlur(0.01, 0.01)  # no blur beside the interpolation's own


@cache
def principal_components(count: int = 15, kernels: int = 10_000) -> np.ndarray:
    """P of the paper, (count, 225): what random Gaussian kernels have in common, the most of it first."""
    rng = np.random.default_rng(0)
    any_of_them = TurnedGaussians(0.1, 10)
    drawn = np.stack([any_of_them.sample(rng).kernel.ravel() for _ in range(kernels)])
    _, vectors = np.linalg.eigh(drawn.T @ drawn)
    return np.ascontiguousarray(vectors[:, ::-1][:, :count].T)


class SRMD(nn.Module):
    """`depth` convolutions on the small picture and its maps, then a pixel shuffle.

    channels: 1, luminance. factor: of enlargement. features: 128 in the paper. skip: the bicubic picture is added,
    which the paper has not; a CPU's training needs it. The projection lies with the weights: its signs are arbitrary.
    """

    project: Tensor

    def __init__(self, channels: int = 1, factor: int = 2, features: int = 128, depth: int = 12, skip: bool = True):
        super().__init__()
        self.factor, self.skip = factor, skip
        self.register_buffer("project", torch.from_numpy(principal_components()).float())
        layers: list[nn.Module] = []
        for inputs in (channels + len(self.project) + 1, *[features] * (depth - 2)):
            layers += [nn.Conv2d(inputs, features, 3, padding=1), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*layers)
        self.last = nn.Conv2d(features, channels * factor**2, 3, padding=1)
        if skip:
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, kernels: Tensor, std: Tensor) -> Tensor:
        """Luminance (B, 1, H, W), kernels (B, 15, 15) and noise (B,), white 1, to (B, 1, f H, f W); not clipped."""
        with torch.autocast(x.device.type, enabled=False):
            code = kernels.flatten(1).to(x) @ self.project.T.to(x)
        told = torch.cat([code, std.to(x).reshape(-1, 1)], 1)
        maps = told[:, :, None, None].expand(len(x), -1, *x.shape[-2:])
        z = self.body(torch.cat([x, maps], 1).contiguous(memory_format=torch.channels_last))
        large = F.pixel_shuffle(self.last(z).to(x.dtype), self.factor)
        return bicubic(x, self.factor) + large if self.skip else large


class SRMDMethod(EnlargingMethod):
    """Is told the blur before the picture was made smaller (none: plain bicubic) and the noise after."""

    network = SRMD

    def condition(self, pixels: Tensor, degradation: Degradation | None) -> tuple[Any, ...]:
        assert degradation is not None  # the engine asks for a factor
        return tuple(part.to(pixels.device) for part in self.conditions([degradation]))

    @classmethod
    def conditions(cls, degradations: Sequence[Degradation]) -> tuple[Tensor, ...]:
        kernels = [fitted((one.blur or POINT).kernel) for one in degradations]
        std = [one.noise.std if one.noise is not None else 0.0 for one in degradations]
        return torch.from_numpy(np.stack(kernels)).float(), torch.tensor(std)


def fitted(kernel: np.ndarray) -> np.ndarray:
    """`kernel` (k, k), k odd, on 15 x 15; UsageError where that would lose some of it."""
    beyond = (SIDE - len(kernel)) // 2
    if beyond >= 0:
        return np.pad(kernel, beyond)
    inside = kernel[-beyond:beyond, -beyond:beyond]
    if inside.sum() < 0.98:
        found = f"the kernel has {len(kernel)} pixels a side"
        raise UsageError("srmd with this blur", found, f"It knows kernels of {SIDE}; take pnp-upscale")
    return inside / inside.sum()
