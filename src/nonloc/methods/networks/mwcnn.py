"""MWCNN: a U-Net that goes down and up by the Haar transform, so that nothing is lost on the way.

Source: Liu, Zhang, Zhang, Lin, Zuo, "Multi-level Wavelet-CNN for Image Restoration", CVPRW 2018,
DOI 10.1109/CVPRW.2018.00121, figure 3; layers as in the authors' code, github.com/lpj0/MWCNN.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ..base import NetworkMethod
from .haar import haar, inverse
from .plain import conv, conv_bn_relu, conv_relu, silent


class MWCNN(nn.Module):
    """Residual denoiser for one level of noise.

    channels: of the picture. widths: features where the sides are 1/2, 1/4 and 1/8 of the picture's, multiples of
    4. Each level adds, to what comes up to it, the sub-bands that it sent down. An 8 x 8 block sees 112 pixels each
    way.
    """

    def __init__(self, channels: int = 1, widths: Sequence[int] = (160, 256, 256)):
        super().__init__()
        w1, w2, w3 = widths
        self.down1 = nn.Sequential(*conv_relu(4 * channels, w1), *_layers([w1] * 4))
        self.down2 = nn.Sequential(*_layers([4 * w1, *[w2] * 4]))
        self.bottom = nn.Sequential(*_layers([4 * w2, *[w3] * 7, 4 * w2]))
        self.up2 = nn.Sequential(*_layers([*[w2] * 4, 4 * w1]))
        self.up1 = nn.Sequential(*_layers([w1] * 4), silent(conv(w1, 4 * channels)))

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1, sides multiples of 8; same shape, not clipped."""
        s1 = haar(4 * y - 2)  # the authors' range
        s2 = haar(self.down1(s1))
        s3 = haar(self.down2(s2))
        s2 = s2 + self.up2(inverse(s3 + self.bottom(s3)))
        return (inverse(s1 + self.up1(inverse(s2))) + 2) / 4


def _layers(widths: Sequence[int]) -> list[nn.Module]:
    """Normalised convolutions from each width to the next; with a bias, as in the authors' code."""
    return [layer for ends in pairwise(widths) for layer in conv_bn_relu(*ends, bias=True)]


class MWCNNMethod(NetworkMethod):
    network = MWCNN  # its arguments stand under `network` in the card; sigma picks the weights
