"""ELDRN: DDRNet with exponential linear units, each followed by a 1 x 1 convolution and a normalisation.

Source: Panda, Naskar, Pal, "Exponential linear unit dilated residual network for digital image denoising", Journal of
Electronic Imaging 27(5), 2018, DOI 10.1117/1.JEI.27.5.053024; layers as in the authors' code,
github.com/AditiPanda/dconv-elunn, whose noise is not Gaussian: docs/eldrn.md.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from ...errors import UsageError
from ..base import NetworkMethod
from ..card import Card, Weights
from .plain import conv, silent

STATISTICS = ("running", "batch")
WHOLE = "its normalisations take mean and variance over the whole picture"


class ELDRN(nn.Module):
    """Residual denoiser for one level of noise.

    channels: of the picture. depth: convolutions of 3 x 3, 10 or, the paper's small one, 5; all but the first and the
    last have dilation 2, so that a pixel sees 2 (`depth` - 1) pixels each way. features: channels inside. statistics:
    what the normalisations use where nothing is trained: 'running' means of the training, or 'batch', those of the
    pictures at hand, as the authors' code does; then all pixels see all others.
    """

    def __init__(self, channels: int = 1, depth: int = 10, features: int = 64, statistics: str = "running"):
        super().__init__()
        if statistics not in STATISTICS:
            raise UsageError(
                f"statistics {statistics!r} of ELDRN", "there are none", f"Take one of {', '.join(STATISTICS)}"
            )
        self.statistics = statistics
        layers: list[nn.Module] = [conv(channels, features), nn.ELU(inplace=True)]
        for _ in range(depth - 2):
            # the normalisation is last: a unit right behind it does worse, which is the point of the paper
            layers += [
                conv(features, features, dilation=2),
                nn.ELU(inplace=True),
                conv(features, features, 1, bias=False),
            ]
            layers.append(nn.BatchNorm2d(features, track_running_stats=statistics == "running"))
        self.noise = nn.Sequential(*layers, silent(conv(features, channels)))

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1; same shape, not clipped."""
        return y - self.noise(y)


class ELDRNMethod(NetworkMethod):
    network = ELDRN  # its arguments stand under `network` in the card; sigma picks the weights
    module: ELDRN

    def __init__(self, card: Card, weights: Weights | None = None, module: ELDRN | None = None):
        super().__init__(card, weights, module)
        if self.module.statistics == "batch":
            self.card = replace(card, tiles=False, tiles_why=WHOLE, halo_exact=None, halo_8bit=None)
