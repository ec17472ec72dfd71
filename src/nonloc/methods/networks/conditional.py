"""Networks that are told the level of noise, as a map beside the picture.

Source: Zhang, Zuo, Zhang, "FFDNet", IEEE TIP 27(9), 2018, DOI 10.1109/TIP.2018.2839891, section III.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ...degradation import Degradation
from ..base import NetworkMethod


class ConditionalMethod(NetworkMethod):
    """A network whose forward takes the picture and the standard deviation of its noise, where white is 1.

    maps: whether that may be a map (B, 1, H, W), beside a number or (B,).
    """

    maps = True

    def condition(self, pixels: Tensor, degradation: Degradation | None) -> tuple[Any, ...]:
        noise = degradation.noise if degradation is not None else None
        return (noise.std if noise is not None else 0.0,)

    @classmethod
    def conditions(cls, degradations: Sequence[Degradation]) -> tuple[Tensor, ...]:
        return (torch.tensor([one.noise.std if one.noise is not None else 0.0 for one in degradations]),)


def noise_map(std: Tensor | float, z: Tensor) -> Tensor:
    """`std` as a map (B, 1, h, w) on the grid of the unshuffled picture `z`; a full map is averaged over each 2 x 2."""
    level = torch.as_tensor(std, dtype=z.dtype, device=z.device)
    if level.ndim == 4:
        return F.avg_pool2d(level, 2)
    return level.reshape(-1, 1, 1, 1).expand(z.shape[0], 1, *z.shape[-2:])
