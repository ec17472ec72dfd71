"""TNRD: trainable non-linear reaction diffusion, a few steps with filters and influence functions of their own.

Source: Chen, Pock, "Trainable Nonlinear Reaction Diffusion: A Flexible Framework for Fast and Effective Image
Restoration", IEEE TPAMI 39(6), 2017, DOI 10.1109/TPAMI.2016.2596743. Step (equation 4, for white noise):
u <- u - (sum_i k_i^T phi_i(k_i u) + lambda (u - f)), with f the noisy picture.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...errors import UsageError
from ..base import NetworkMethod
from .filter_bank import FilterBank, pad, spread, within
from .radial_basis import RadialBasis

CENTRES = range(-310, 311, 10)


class TNRD(nn.Module):
    """Denoiser of gray pictures for one level of noise (paper, section 3).

    size: side m of the filters, 5 or 7 in the paper. stages: how many, 5 or 8 in the paper. A pixel sees m - 1 pixels
    each way in each stage. channels: 1, there is no other. depth: as many stages as run; a training begins with fewer.
    """

    def __init__(self, channels: int = 1, size: int = 5, stages: int = 5):
        super().__init__()
        if channels != 1:
            raise UsageError(f"TNRD with {channels} channels", "it is for gray pictures", "Give 1")
        self.stages = nn.ModuleList(Diffusion(size, first=t == 0) for t in range(stages))
        self.depth = stages

    def forward(self, f: Tensor) -> Tensor:
        """Clean estimate of noisy `f` (B, 1, H, W), black 0, white 1; same shape, not clipped."""
        with torch.autocast(f.device.type, enabled=False):  # steps of 1 in 255 are too coarse to add up
            u = f = 255 * f.float()
            for stage in self.stages[: self.depth]:
                u = stage(u, f)
            return u / 255


class Diffusion(nn.Module):
    """One step.

    At the start a smoothing that leaves large responses alone: phi(v) = a v exp(-v^2 / 5000) / m^2, which for a = 1
    would take all detail out of where nothing exceeds the noise. first: the step that meets the noise in full.
    """

    def __init__(self, size: int, *, first: bool):
        super().__init__()
        self.filters = FilterBank(size, turning=4)
        self.influence = RadialBasis(self.filters.count, CENTRES, 10)
        amount = (0.7 if first else 0.2) / size**2
        self.influence.fit(lambda v: amount * v * torch.exp(-(v**2) / 5000))
        self.log_reaction = nn.Parameter(torch.tensor(math.log(0.1)))  # of lambda, the pull towards f

    def forward(self, u: Tensor, f: Tensor) -> Tensor:
        """The next u of `u`, with noisy `f`; both (B, 1, H, W), 0 to 255.

        The picture is mirrored as far as both convolutions see, anew in each step. The authors' code mirrors a little
        further and crops; what is left is the same.
        """
        k, rim = self.filters(), self.filters.size - 1
        v = within(pad(u, rim, "symmetric"), k)
        diffusion = spread(self.influence(v), k)[..., rim:-rim, rim:-rim]
        return u - diffusion - self.log_reaction.exp() * (u - f)


class TNRDMethod(NetworkMethod):
    network = TNRD  # its arguments stand under `network` in the card; sigma picks the weights
