"""DWDN: residual blocks on the Haar sub-bands of the picture, trained in steps that deepen it.

Source: Li, Wu, Jin, "CNN denoising for medical image based on wavelet domain", ITME 2018. The
transform, the residual blocks and the training in steps are the paper's; depth and widths are ours.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from ..base import NetworkMethod
from .haar import haar, inverse
from .plain import conv, silent

SMALL = 0.1  # of what a block adds, so that many of them can be trained without normalisation


class DWDN(nn.Module):
    """Residual denoiser for one level of noise.

    channels: of the picture. features: channels inside. blocks: residual blocks in each stage. stages: how often the
    network is deepened. depth: as many stages as run; a training may begin with fewer, since a new one changes nothing
    at first. A 2 x 2 block sees 2 (3 + 2 `stages` `blocks`) pixels each way.
    """

    def __init__(self, channels: int = 1, features: int = 96, blocks: int = 4, stages: int = 2):
        super().__init__()
        self.first = conv(4 * channels, features)
        self.stages = nn.ModuleList(nn.Sequential(*(Block(features) for _ in range(blocks))) for _ in range(stages))
        self.depth = stages
        self.after = conv(features, features)
        self.last = silent(conv(features, 4 * channels))

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1, H and W even; same shape, not clipped."""
        s = haar(y)
        first = r = F.relu(self.first(s))
        for stage in self.stages[: self.depth]:
            r = stage(r)
        return inverse(s - self.last(first + self.after(r)))


class Block(nn.Module):
    """x + conv(relu(conv(x))) / 10; the identity until it is trained."""

    def __init__(self, features: int):
        super().__init__()
        self.first, self.second = conv(features, features), silent(conv(features, features))

    def forward(self, x: Tensor) -> Tensor:
        return x + SMALL * self.second(F.relu(self.first(x), inplace=True))


class DWDNMethod(NetworkMethod):
    network = DWDN  # its arguments stand under `network` in the card; sigma picks the weights
