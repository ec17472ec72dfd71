"""BRDNet: two residual networks side by side, one plain and one dilated, and a convolution that joins them.

Source: Tian, Xu, Zuo, "Image denoising using deep CNN with batch renormalization", Neural Networks 121, 2020,
DOI 10.1016/j.neunet.2019.08.022; layers as in the authors' code, github.com/hellloxiaotian/BRDNet.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from ...errors import UsageError
from ..base import NetworkMethod
from .batch_renorm import BatchRenorm2d
from .plain import conv, conv_relu

PLAIN, DILATED = 16, (7, 6)  # layers of the upper network; runs of dilated layers in the lower one
NORMS = ("batch", "renorm")


class BRDNet(nn.Module):
    """Residual denoiser for one level of noise (paper, figure 1).

    channels: of the picture. features: channels inside. norm: 'batch', or 'renorm' as the paper has it; in the authors'
    code the bounds of the correction stay where they begin, which makes it batch normalisation. A pixel sees 31 pixels
    each way, by the lower network.
    """

    def __init__(self, channels: int = 1, features: int = 64, norm: str = "batch"):
        super().__init__()
        if norm not in NORMS:
            raise UsageError(f"norm {norm!r} of BRDNet", "there is none", f"Take one of {', '.join(NORMS)}")
        upper = _normalised([channels, *[features] * PLAIN], norm)
        lower = _normalised([channels, features], norm)
        for run in DILATED:
            for _ in range(run):
                lower += conv_relu(features, features, dilation=2)
            lower += _normalised([features, features], norm)
        self.upper = nn.Sequential(*upper, conv(features, channels))
        self.lower = nn.Sequential(*lower, conv(features, channels))
        self.join = conv(2 * channels, channels)
        nn.init.normal_(self.join.weight, std=0.05)  # zeros would leave both networks without a gradient

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1; same shape, not clipped.

        What both networks give are pictures; of these the last convolution finds the noise again.
        """
        u, l = y - self.upper(y), y - self.lower(y)  # noqa: E741 the paper's branches
        return y - self.join(torch.cat([u, l], 1))


def _normalised(widths: Sequence[int], norm: str) -> list[nn.Module]:
    """Convolution, normalisation and ReLU from each width to the next, with the authors' constants."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        made = BatchRenorm2d(outputs) if norm == "renorm" else nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)
        layers += [conv(inputs, outputs), made, nn.ReLU(inplace=True)]
    return layers


class BRDNetMethod(NetworkMethod):
    network = BRDNet  # its arguments stand under `network` in the card; sigma picks the weights
