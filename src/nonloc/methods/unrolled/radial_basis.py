"""Learned functions of one number, one for each channel, as mixtures of Gaussians.

Source: Schmidt, Roth, "Shrinkage Fields for Effective Image Restoration", CVPR 2014, DOI 10.1109/CVPR.2014.349,
equation 10: f(v) = sum_j w_j exp(-(v - mu_j)^2 / (2 s^2)). TNRD, NLNet and BM3D-Net have the same with other centres.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


class RadialBasis(nn.Module):
    """One mixture of Gaussians a channel, from a table with linear interpolation; all weights are 0 at the start.

    channels: how many functions. centres: the M means mu, ascending, shared by all functions. width: the standard
    deviation s of each Gaussian. low, high: the argument is clipped to them; where not given, two widths beyond the
    outermost centres. step: of the table; where not given, a twentieth of the width, which is within 3e-4 of the
    largest weight. The parameter `weights` is (channels, M); centres and table are not part of the state dict.
    """

    centres: Tensor
    gaussians: Tensor

    def __init__(
        self,
        channels: int,
        centres: Sequence[float] | Tensor,
        width: float,
        *,
        low: float | None = None,
        high: float | None = None,
        step: float | None = None,
    ):
        super().__init__()
        mu = torch.as_tensor(centres, dtype=torch.float64)
        self.width = float(width)
        self.low = float(mu[0]) - 2 * self.width if low is None else float(low)
        self.high = float(mu[-1]) + 2 * self.width if high is None else float(high)
        cells = math.ceil((self.high - self.low) / (self.width / 20 if step is None else step) - 1e-9)
        grid = torch.linspace(self.low, self.high, cells + 1, dtype=torch.float64)
        self.step = (self.high - self.low) / cells
        self.register_buffer("centres", mu.float(), persistent=False)
        self.register_buffer("gaussians", _gaussians(grid, mu, self.width).T.float().contiguous(), persistent=False)
        self.weights = nn.Parameter(torch.zeros(channels, len(mu)))

    def forward(self, v: Tensor) -> Tensor:
        """f_c(v) for `v` (B, channels, ...), the same shape; gradients go to the weights and to v, 0 where clipped."""
        with torch.autocast(v.device.type, enabled=False):  # half precision has too few digits for place and value
            weights = self.weights
            table, v = weights @ self.gaussians.to(weights.dtype), v.to(weights.dtype)
            if torch.is_grad_enabled() and (v.requires_grad or table.requires_grad):
                return _Lookup.apply(v, table, self.low, self.step)
            found = torch.empty_like(v)  # channel after channel, for a quarter of the memory
            for c in range(len(table)):
                one = slice(c, c + 1)
                found[:, one] = _look_up(v[:, one], table[one], self.low, self.step)[0]
            return found

    @torch.no_grad()
    def fit(self, function: Callable[[Tensor], Tensor]) -> None:
        """Set the weights of all channels so that they follow `function` between the outermost centres.

        function: of a float64 tensor of arguments, elementwise. By least squares.
        """
        mu = self.centres.double().cpu()
        v = torch.linspace(float(mu[0]), float(mu[-1]), 4 * len(mu) + 1, dtype=torch.float64)
        found = torch.linalg.lstsq(_gaussians(v, mu, self.width), function(v)[:, None], driver="gelsd").solution[:, 0]
        self.weights.copy_(found.to(self.weights).expand_as(self.weights))


def mixture(v: Tensor, weights: Tensor, centres: Tensor, width: float) -> Tensor:
    """The definition: sum_j w_cj exp(-(v - mu_j)^2 / (2 s^2)); v (B, C, ...), weights (C, M), centres (M,)."""
    return torch.einsum("bc...m,cm->bc...", _gaussians(v, centres, width), weights)


def potential(v: Tensor, weights: Tensor, centres: Tensor, width: float) -> Tensor:
    """The penalty whose derivative the mixture is, 0 at v = 0; shapes as in `mixture`.

    Of one Gaussian: s sqrt(pi / 2) (erf((v - mu) / (s sqrt 2)) + erf(mu / (s sqrt 2))).
    """
    scale = width * math.sqrt(2)
    rising = torch.erf((v[..., None] - centres) / scale) + torch.erf(centres / scale)
    return torch.einsum("bc...m,cm->bc...", width * math.sqrt(math.pi / 2) * rising, weights)


def _gaussians(v: Tensor, centres: Tensor, width: float) -> Tensor:
    """(..., M) for v (...)."""
    return torch.exp(-((v[..., None] - centres) ** 2) / (2 * width**2))


def _look_up(v: Tensor, table: Tensor, low: float, step: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """table_c at (v - low) / step, linear between its entries; v (B, C, ...), table (C, entries).

    Also, for the gradient: the place within the cell, 0 to 1; the cell, counted over all channels; the rise in it.
    """
    channels, entries = table.shape
    # value and rise side by side: one look-up fetches both
    cells = torch.stack([table[:, :-1], table.diff(dim=1)], -1).reshape(-1, 2)
    place = ((v - low) * (1 / step)).clamp_(0, entries - 1)
    cell = place.to(torch.int32).clamp_(max=entries - 2)
    place -= cell
    cell += (entries - 1) * torch.arange(channels, dtype=torch.int32, device=v.device).view(-1, *[1] * (v.ndim - 2))
    value, rise = F.embedding(cell, cells).unbind(-1)
    return torch.addcmul(value, place, rise), place, cell, rise


class _Lookup(torch.autograd.Function):
    """`_look_up` with the gradients of what it computes."""

    @staticmethod
    def forward(ctx: Any, v: Tensor, table: Tensor, low: float, step: float) -> Tensor:
        found, place, cell, rise = _look_up(v, table, low, step)
        ctx.save_for_backward(v, place, cell, rise)
        ctx.entries, ctx.low, ctx.step = table.shape[1], low, step
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        v, place, cell, slope = ctx.saved_tensors
        of_v = of_table = None
        if ctx.needs_input_grad[0]:
            inside = (v >= ctx.low) & (v <= ctx.low + (ctx.entries - 1) * ctx.step)
            of_v = gradient * slope * (1 / ctx.step) * inside
        if ctx.needs_input_grad[1]:
            channels, cells = v.shape[1], ctx.entries - 1
            flat = cell.reshape(-1).long()
            empty = gradient.new_zeros(channels * cells)
            rise = empty.scatter_add(0, flat, (gradient * place).reshape(-1)).view(channels, cells)
            value = empty.scatter_add(0, flat, gradient.reshape(-1)).view(channels, cells)
            of_table = gradient.new_zeros(channels, ctx.entries)
            of_table[:, :-1] = value - rise
            of_table[:, 1:] += rise
        return of_v, of_table, None, None
