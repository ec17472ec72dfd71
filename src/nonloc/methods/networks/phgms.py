"""PHGMS: a wide residual network on the Haar sub-bands of the picture.

Source: Bae, Yoo, Ye, "Beyond Deep Residual Learning for Image Restoration: Persistent Homology-Guided Manifold
Simplification", CVPRW 2017, DOI 10.1109/CVPRW.2017.152. The transform, the residual on its sub-bands and modules with a
bypass are the paper's; how many layers of which width is ours.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..base import NetworkMethod
from .haar import haar, inverse
from .plain import conv, conv_bn_relu, conv_relu, silent


class PHGMS(nn.Module):
    """Residual denoiser for one level of noise.

    channels: of the picture. features: channels inside, 160, or 320 for four times the work. modules: bypassed runs of
    three convolutions. A 2 x 2 block sees 2 (4 + 3 `modules`) pixels each way.
    """

    def __init__(self, channels: int = 1, features: int = 160, modules: int = 6):
        super().__init__()
        self.noise = nn.Sequential(
            *conv_relu(4 * channels, features),
            *conv_bn_relu(features, features),
            *(Bypassed(features) for _ in range(modules)),
            *conv_bn_relu(features, features),
            silent(conv(features, 4 * channels)),
        )

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1, H and W even; same shape, not clipped."""
        s = haar(y)
        return inverse(s - self.noise(s))


class Bypassed(nn.Module):
    """x + three normalised convolutions of x."""

    def __init__(self, features: int):
        super().__init__()
        self.layers = nn.Sequential(*(layer for _ in range(3) for layer in conv_bn_relu(features, features)))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class PHGMSMethod(NetworkMethod):
    network = PHGMS  # its arguments stand under `network` in the card; sigma picks the weights
