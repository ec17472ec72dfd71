"""ECNDNet: a plain residual network, four of whose layers are dilated.

Source: Tian, Xu, Fei, Wang, Wen, Luo, "Enhanced CNN for image denoising", CAAI Transactions on Intelligence Technology
4(1), 2019, DOI 10.1049/trit.2018.1054; layers as in the authors' code, github.com/hellloxiaotian/ECNDNet.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...errors import UsageError
from ..base import NetworkMethod
from .plain import conv, conv_bn_relu, silent

DEPTH = 15  # normalised layers
DILATED = (2, 5, 9, 12)
VARIANTS = ("released", "plain")


class ECNDNet(nn.Module):
    """Residual denoiser for one level of noise.

    channels: of the picture. features: channels inside. variant: 'released', whose noise passes a ReLU at the picture's
    own width before the last convolution, as in the authors' code; 'plain' ends in front of that ReLU. A pixel sees 21
    pixels each way, in 'plain' 20.

    What that ReLU cuts off learns nothing. In the authors' trained networks it cuts off nothing: what comes to it is
    above zero, and the last convolution takes the mean away again. Ours begin like that.
    """

    def __init__(self, channels: int = 1, features: int = 64, variant: str = "released"):
        super().__init__()
        if variant not in VARIANTS:
            raise UsageError(f"variant {variant!r} of ECNDNet", "there is none", f"Take one of {', '.join(VARIANTS)}")
        layers: list[nn.Module] = []
        for k in range(1, DEPTH + 1):
            layers += conv_bn_relu(channels if k == 1 else features, features, dilation=2 if k in DILATED else 1)
        self.features = nn.Sequential(*layers)
        released = variant == "released"
        self.narrow = conv(features, channels, bias=not released)
        self.end: nn.Module = nn.Identity()
        if released:
            self.end = nn.Sequential(nn.ReLU(), start_high(self.narrow, silent(conv(channels, channels))))
        else:
            silent(self.narrow)

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1; same shape, not clipped."""
        return y - self.end(self.narrow(self.features(y)))


def start_high(narrow: nn.Conv2d, last: nn.Conv2d) -> nn.Conv2d:
    """`last`, a convolution of zeros, as a thirtieth of what `narrow` gives less its mean, with `narrow` lifted to 3.

    The features are normal numbers cut at zero: a sum of 8 over all weights gives a mean of 3, beside a spread of 1.
    """
    with torch.no_grad():
        narrow.weight += 8 / narrow.weight[0].numel()
        for c in range(last.out_channels):
            last.weight[c, c, 1, 1] = 1 / 30
            last.bias[c] = -3 / 30  # type: ignore[index]
    return last


class ECNDNetMethod(NetworkMethod):
    network = ECNDNet  # its arguments stand under `network` in the card; sigma picks the weights
