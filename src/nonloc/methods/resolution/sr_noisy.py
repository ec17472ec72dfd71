"""sr-noisy: noise and lost resolution undone together, nonloc-s before sr-fast, trained on as one network.

Source: our own design; that one network for both is better than one after the other: Zhang, Zuo, Zhang, "Learning a
Single Convolutional Super-Resolution Network for Multiple Degradations", CVPR 2018, DOI 10.1109/CVPR.2018.00344.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...degradation import Degradation
from ..networks.conditional import ConditionalMethod
from ..networks.nonloc_s import NonlocS
from .enlarging import LUMA, bicubic
from .interpolation import factor_of
from .sr_fast import SrFast


class SrNoisy(nn.Module):
    """The denoised picture made larger by sr-fast, whose first layer is also shown the noisy one and its level.

    channels: 1 gray, 3 colour. factor: 2, 3 or 4. widths, blocks: of nonloc-s. features, depth: of sr-fast. With the
    weights of both, and before it is trained on, it is the one after the other.
    """

    def __init__(
        self,
        channels: int = 3,
        factor: int = 2,
        widths: Sequence[int] = (48, 96, 128),
        blocks: Sequence[int] = (1, 2, 4, 2, 1),
        features: int = 48,
        depth: int = 7,
    ):
        super().__init__()
        self.denoiser = NonlocS(channels, widths, blocks)
        self.enlarger = SrFast(1, factor, features, depth)
        self.shown = nn.Conv2d(channels + 1, features, 3, padding=1)
        for parameter in self.shown.parameters():
            nn.init.zeros_(parameter)
        self.factor = factor

    def forward(self, y: Tensor, std: Tensor) -> Tensor:
        """`y` (B, C, H, W), H and W multiples of 8, with noise of `std` (B,), white 1, to (B, C, f H, f W)."""
        x = self.denoiser(y, std)
        luma = x if x.shape[1] == 1 else torch.einsum("bchw,c->bhw", x, x.new_tensor(LUMA))[:, None]
        level = torch.as_tensor(std, dtype=y.dtype, device=y.device).reshape(-1, 1, 1, 1)
        shown = torch.cat([y, level.expand(len(y), 1, *y.shape[-2:])], 1)
        first, *others = self.enlarger.features
        z = first(luma.contiguous(memory_format=torch.channels_last)) + self.shown(shown)
        for layer in others:
            z = layer(z)
        # as in sr-fast: what is added to luminance is added to each colour
        return bicubic(x, self.factor) + F.pixel_shuffle(self.enlarger.last(z).to(x.dtype), self.factor)


class SrNoisyMethod(ConditionalMethod):
    network = SrNoisy  # its arguments stand under `network` in the card, the factor under its weights

    def restore(self, pixels: Tensor, degradation: Degradation | None) -> Tensor:
        factor_of(self.card.name, degradation)  # the engine chose the weights by it
        return super().restore(pixels, degradation)
