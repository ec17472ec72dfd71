"""NLRN for resolution: the non-local recurrent network on the bicubic picture, one network for all factors.

Source: Liu, Wen, Fan, Loy, Huang, "Non-Local Recurrent Network for Image Restoration", NeurIPS 2018, arXiv 1806.02919,
section 4.2: the network of the denoiser, trained on pictures made smaller by 2, 3 and 4.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..networks.nlrn import NLRN
from .enlarging import EnlargingMethod, bicubic


class NLRNSR(nn.Module):
    """NLRN, whose arguments the rest are, on the bicubic picture; channels: 1, luminance."""

    def __init__(
        self,
        channels: int = 1,
        factor: int = 2,
        steps: int = 12,
        features: int = 128,
        embedding: int = 64,
        window: int = 45,
    ):
        super().__init__()
        self.factor = factor
        self.inside = NLRN(channels, steps=steps, features=features, embedding=embedding, window=window)

    def forward(self, x: Tensor) -> Tensor:
        """Luminance (B, 1, H, W) to (B, 1, f H, f W); not clipped."""
        return self.inside(bicubic(x, self.factor))


class NLRNSRMethod(EnlargingMethod):
    network = NLRNSR
