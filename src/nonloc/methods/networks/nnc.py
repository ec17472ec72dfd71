"""NNC, neural network convolution: a small network says one pixel from a window, and is moved over the picture.

Source: Zarshenas, Suzuki, "Deep Neural Network Convolution for Natural Image Denoising", IEEE SMC 2018, pp. 2534-2539.
Its layers are not public: these are of the family that Suzuki's work describes, a regression on all pixels of a window
with a linear output; the residual and ReLU in place of sigmoids are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import UsageError
from ..base import NetworkMethod
from ..card import Card, Weights
from .plain import conv, silent


class NNC(nn.Module):
    """Residual denoiser for one level of noise.

    channels: of the picture. window: odd side of the square that a pixel is told from. widths: of the hidden layers.
    The first layer is a convolution with the window, the others, of 1 x 1, are the rest of the network at each pixel.
    """

    def __init__(self, channels: int = 1, window: int = 17, widths: Sequence[int] = (96, 96, 96, 64)):
        super().__init__()
        if window < 1 or window % 2 == 0:
            raise UsageError(f"an NNC with a window of {window}", "a window has a middle", f"Take {window | 1}")
        self.window = window
        first = conv(channels, widths[0], window)
        first.padding = (0, 0)  # mirrored instead, see `forward`
        layers: list[nn.Module] = [first, nn.ReLU(inplace=True)]
        for inputs, outputs in pairwise(widths):
            layers += [conv(inputs, outputs, 1), nn.ReLU(inplace=True)]
        self.noise = nn.Sequential(*layers, silent(conv(widths[-1], channels, 1)))

    @property
    def reach(self) -> int:
        """How many pixels each way a pixel sees."""
        return self.window // 2

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1; same shape, not clipped.

        Mirrored beyond the border, without the border itself. UsageError when no side is longer than `reach`.
        """
        if min(y.shape[-2:]) <= self.reach:
            asked, found = f"an NNC that sees {self.reach} pixels far", f"the picture has {tuple(y.shape[-2:])}"
            raise UsageError(asked, found, "Pad the picture")
        return y - self.noise(F.pad(y, [self.reach] * 4, mode="reflect"))


class NNCMethod(NetworkMethod):
    network = NNC  # its arguments stand under `network` in the card; sigma picks the weights
    module: NNC

    def __init__(self, card: Card, weights: Weights | None = None, module: NNC | None = None):
        super().__init__(card, weights, module)
        own = self.module  # others than the card's may see further
        self.card = replace(card, halo_exact=own.reach, minimum=own.reach + 1)
