"""SRCNN: three convolutions on the bicubic picture, the first network for resolution.

Source: Dong, Loy, He, Tang, "Image Super-Resolution Using Deep Convolutional Networks", IEEE TPAMI 38(2), 2016, DOI
10.1109/TPAMI.2015.2439281: patches, a mapping, reconstruction; 9-1-5 and, better, 9-5-5, with 64 and 32 features.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .enlarging import EnlargingMethod, bicubic


class SRCNN(nn.Module):
    """factor: of enlargement. sides: of the three kernels. skip: the bicubic picture is added to what comes out, which
    the paper has not; without it a CPU's training stays below the bicubic picture. channels: 1, luminance."""

    def __init__(self, channels: int = 1, factor: int = 3, sides: Sequence[int] = (9, 5, 5), skip: bool = True):
        super().__init__()
        self.factor, self.skip = factor, skip
        a, b, c = sides
        self.patches = nn.Conv2d(channels, 64, a, padding=a // 2, padding_mode="replicate")
        self.mapping = nn.Conv2d(64, 32, b, padding=b // 2, padding_mode="replicate")
        self.reconstruction = nn.Conv2d(32, channels, c, padding=c // 2, padding_mode="replicate")
        if skip:
            nn.init.zeros_(self.reconstruction.weight)
            nn.init.zeros_(self.reconstruction.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Luminance (B, 1, H, W) to (B, 1, f H, f W); not clipped."""
        large = bicubic(x, self.factor)
        out = self.reconstruction(self.mapping(self.patches(large).relu()).relu()).to(x.dtype)
        return large + out if self.skip else out


class SRCNNMethod(EnlargingMethod):
    network = SRCNN
