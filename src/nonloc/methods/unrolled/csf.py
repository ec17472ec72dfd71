"""CSF: a cascade of shrinkage fields, half-quadratic optimisation with a learned shrinkage for each filter.

Source: Schmidt, Roth, "Shrinkage Fields for Effective Image Restoration", CVPR 2014, DOI 10.1109/CVPR.2014.349. Stage
(equation 11, for white noise): x = F^-1[(lambda F(y) + sum_i conj(F_i) F(f_i(F_i x))) / (lambda + sum_i |F_i|^2)].
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import UsageError
from ..base import NetworkMethod
from .filter_bank import FilterBank, adjoint, correlate, pad
from .radial_basis import RadialBasis

RIM = 10  # pixels that the authors' code adds on each side, before a stage wraps the picture round
CENTRES = range(-260, 261, 10)


class CSF(nn.Module):
    """Denoiser of gray pictures for one level of noise (paper, section 3).

    filters: 'pairwise', the two differences of neighbours, which stay as they are; or '3x3', '5x5', '7x7', learned.
    stages: how many. channels: 1, there is no other. depth: as many stages as run; a training begins with fewer.
    """

    def __init__(self, channels: int = 1, filters: str = "5x5", stages: int = 5):
        super().__init__()
        if channels != 1:
            raise UsageError(f"CSF with {channels} channels", "it is for gray pictures", "Give 1")
        self.stages = nn.ModuleList(ShrinkageField(filters) for _ in range(stages))
        self.depth = stages

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, 1, H, W), black 0, white 1; same shape, not clipped."""
        height, width = y.shape[-2:]
        with torch.autocast(y.device.type, enabled=False):  # transforms know no bfloat16
            y = x = pad(255 * y.float(), RIM, "replicate")
            for stage in self.stages[: self.depth]:
                x = stage(x, y)[..., RIM : RIM + height, RIM : RIM + width]
                x = pad(x, RIM, "replicate")
            return x[..., RIM : RIM + height, RIM : RIM + width] / 255


class ShrinkageField(nn.Module):
    """One stage; at the start it gives back y."""

    def __init__(self, filters: str):
        super().__init__()
        self.filters: FilterBank | Differences
        self.filters = Differences() if filters == "pairwise" else FilterBank(_side(filters), turning=20)
        self.shrinkage = RadialBasis(self.filters.count, CENTRES, 10)
        self.shrinkage.fit(lambda v: v)
        self.log_strength = nn.Parameter(torch.tensor(math.log(0.1)))  # of lambda, the trust in y

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The next x of `x`, with noisy `y`; both (B, 1, H, W), 0 to 255, at least 13 pixels high and wide."""
        k, strength = self.filters(), self.log_strength.exp()
        z = adjoint(self.shrinkage(correlate(x, k, "circular")), k, "circular")
        solved = torch.fft.rfft2(strength * y + z) / (strength + power(k, y.shape[-2:]))
        return torch.fft.irfft2(solved, s=y.shape[-2:])


class Differences(nn.Module):
    """The pairwise filters: each pixel less its left, and less its upper neighbour; nothing to learn."""

    kernels: Tensor

    def __init__(self) -> None:
        super().__init__()
        across = torch.tensor([[0, 0, 0], [-1, 1, 0], [0, 0, 0]], dtype=torch.float32)
        self.register_buffer("kernels", torch.stack([across, across.T])[:, None], persistent=False)
        self.count = 2

    def forward(self) -> Tensor:
        """(2, 1, 3, 3)."""
        return self.kernels


def power(k: Tensor, shape: tuple[int, ...]) -> Tensor:
    """sum_i |F_i|^2 of filters `k` (F, 1, m, m) on the frequencies of `rfft2` of a picture (H, W).

    By the transform of the sum of their autocorrelations: one instead of one for each filter.
    """
    m = k.shape[-1]
    bank = k.transpose(0, 1)
    around = F.conv2d(F.pad(bank, [m - 1] * 4), bank)
    spread = F.pad(around, (0, shape[-1] - (2 * m - 1), 0, shape[-2] - (2 * m - 1)))
    return torch.fft.rfft2(spread.roll((1 - m, 1 - m), (-2, -1))).real.clamp_min(0)


def _side(filters: str) -> int:
    sides = {"3x3": 3, "5x5": 5, "7x7": 7}
    if filters not in sides:
        raise UsageError(f"CSF with filters {filters!r}", "there are none", f"Give pairwise, {', '.join(sides)}")
    return sides[filters]


class CSFMethod(NetworkMethod):
    network = CSF  # its arguments stand under `network` in the card; sigma picks the weights
