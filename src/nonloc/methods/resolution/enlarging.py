"""What networks that enlarge share: they see luminance, and colour follows by bicubic interpolation.

Source: Dong, Loy, He, Tang, "Image Super-Resolution Using Deep Convolutional Networks", IEEE TPAMI 38(2), 2016, DOI
10.1109/TPAMI.2015.2439281, section 4.5, and with it the field: only Y is enlarged by the network.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...degradation import Degradation
from ...image.resize import resize
from ..base import NetworkMethod
from .interpolation import factor_of

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, in its full range


class EnlargingMethod(NetworkMethod):
    """A network from luminance (B, 1, H, W) to luminance (B, 1, f H, f W).

    Adding to Y adds the same to R, G and B. So colour is the bicubic picture, plus what the network has beyond the
    bicubic luminance.
    """

    def restore(self, pixels: Tensor, degradation: Degradation | None) -> Tensor:
        factor_of(self.card.name, degradation)  # the engine chose the weights by it
        if pixels.shape[1] == 1:
            return self.module(pixels, *self.condition(pixels, degradation))
        y = torch.einsum("bchw,c->bhw", pixels, pixels.new_tensor(LUMA))[:, None]
        large = self.module(y, *self.condition(y, degradation)).to(pixels.dtype)
        times = large.shape[-1] // y.shape[-1]
        return bicubic(pixels, times) + large - bicubic(y, times)


def bicubic(x: Tensor, factor: int) -> Tensor:
    """`x` (B, C, H, W) `factor` times as large, in its own precision: under autocast a picture would lose levels."""
    with torch.autocast(x.device.type, enabled=False):
        return resize(x, factor)
