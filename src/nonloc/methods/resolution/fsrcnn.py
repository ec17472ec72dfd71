"""FSRCNN: SRCNN made fast: features are shrunk, mapped, expanded, and a deconvolution enlarges at the end.

Source: Dong, Loy, Tang, "Accelerating the Super-Resolution Convolutional Neural Network", ECCV 2016, DOI
10.1007/978-3-319-46475-6_25: Conv(5, d, 1) - Conv(1, s, d) - m Conv(3, s, s) - Conv(1, d, s) - DeConv(9, 1, d), PReLU.
"""

from __future__ import annotations

from torch import Tensor, nn

from .enlarging import EnlargingMethod, bicubic


class FSRCNN(nn.Module):
    """FSRCNN(d, s, m). factor: of enlargement. skip: the bicubic picture is added, which the paper has not; a CPU's
    training needs it. channels: 1, luminance."""

    def __init__(self, channels: int = 1, factor: int = 3, d: int = 56, s: int = 12, m: int = 4, skip: bool = True):
        super().__init__()
        self.factor, self.skip = factor, skip
        layers: list[nn.Module] = [nn.Conv2d(channels, d, 5, padding=2), nn.PReLU(d), nn.Conv2d(d, s, 1), nn.PReLU(s)]
        for _ in range(m):
            layers += [nn.Conv2d(s, s, 3, padding=1), nn.PReLU(s)]
        self.body = nn.Sequential(*layers, nn.Conv2d(s, d, 1), nn.PReLU(d))
        self.enlarge = nn.ConvTranspose2d(d, channels, 9, stride=factor, padding=4, output_padding=factor - 1)
        if skip:
            nn.init.zeros_(self.enlarge.weight)
            nn.init.zeros_(self.enlarge.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Luminance (B, 1, H, W) to (B, 1, f H, f W); not clipped."""
        out = self.enlarge(self.body(x)).to(x.dtype)
        return bicubic(x, self.factor) + out if self.skip else out


class FSRCNNMethod(EnlargingMethod):
    network = FSRCNN
