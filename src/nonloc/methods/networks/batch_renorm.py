"""Batch renormalisation: normalised by the batch, then corrected towards the running statistics.

Source: Ioffe, "Batch Renormalization", NeurIPS 2017, arXiv 1702.03275, algorithm 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class BatchRenorm2d(nn.BatchNorm2d):
    """y = gamma ((x - mu_B) / sigma_B r + d) + beta, with r and d taken as constants on the way back.

    ramp: in as many batches the bounds of r and d grow from 1 and 0, which is plain batch normalisation, to the paper's
    3 and 5. Where nothing is trained it is batch normalisation.
    """

    def __init__(self, features: int, eps: float = 1e-3, momentum: float = 0.01, ramp: int = 5000):
        super().__init__(features, eps=eps, momentum=momentum)
        self.ramp = ramp

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W)."""
        if not self.training:
            return super().forward(x)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        r, d = self.correction(x.detach().float())
        self.num_batches_tracked.add_(1)
        # momentum None: the mean over all batches, as torch has it
        momentum = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        weight, bias = self.weight * r, self.weight * d + self.bias
        return F.batch_norm(x, self.running_mean, self.running_var, weight, bias, True, momentum, self.eps)

    @torch.no_grad()
    def correction(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """r = sigma_B / sigma and d = (mu_B - mu) / sigma of the batch `x`, within their bounds; each (C,)."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        grown = min(float(self.num_batches_tracked) / self.ramp, 1.0)
        r_max, d_max = 1 + 2 * grown, 5 * grown
        variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
        sigma = (self.running_var + self.eps).sqrt()
        r = ((variance + self.eps).sqrt() / sigma).clamp(1 / r_max, r_max)
        d = ((mean - self.running_mean) / sigma).clamp(-d_max, d_max)
        return r, d
