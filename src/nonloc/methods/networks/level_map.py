"""The level of noise as a plane beside the picture, of the picture's own size.

Source: Zhang et al., github.com/cszn/DnCNN, FDnCNN: one plane that holds sigma / 255 everywhere.
"""

from __future__ import annotations

import torch
from torch import Tensor


def level_map(std: Tensor | float, y: Tensor) -> Tensor:
    """`std`, a number, (B,) or a map (B, 1, H, W), as a map for the pictures `y` (B, C, H, W)."""
    level = torch.as_tensor(std, dtype=y.dtype, device=y.device)
    if level.ndim != 4:
        level = level.reshape(-1, 1, 1, 1)
    return level.expand(y.shape[0], 1, *y.shape[-2:])
