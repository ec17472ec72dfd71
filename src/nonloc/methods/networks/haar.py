"""The Haar transform of pictures, one level: four sub-bands of half the size, and back.

Source: Liu et al., "Multi-level Wavelet-CNN", CVPRW 2018, DOI 10.1109/CVPRW.2018.00121, section 3.1: of each 2 x 2
block a, b, c, d, (a + b + c + d) / 2 and the differences. It is orthonormal: white noise keeps its level in each
sub-band.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def haar(x: Tensor) -> Tensor:
    """(B, C, H, W), H and W even -> (B, 4 C, H / 2, W / 2).

    All C means come first, then bottom less top, right less left, and the diagonal.
    """
    a, b, c, d = F.pixel_unshuffle(x, 2).unflatten(1, (-1, 4)).unbind(2)
    return torch.cat([a + b + c + d, c + d - a - b, b + d - a - c, a + d - b - c], 1) / 2


def inverse(s: Tensor) -> Tensor:
    """The picture whose `haar` is `s`."""
    low, down, right, cross = s.chunk(4, 1)
    blocks = [
        low - down - right + cross,
        low - down + right - cross,
        low + down - right - cross,
        low + down + right + cross,
    ]
    return F.pixel_shuffle(torch.stack(blocks, 2).flatten(1, 2) / 2, 2)
