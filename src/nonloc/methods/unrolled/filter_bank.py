"""Learned filters that are mixtures of the cosine basis, and the linear operator that they make, with its adjoint.

Source: Chen, Pock, "Trainable Nonlinear Reaction Diffusion", IEEE TPAMI 39(6), 2017, DOI 10.1109/TPAMI.2016.2596743,
section 3: each filter is a mixture of the cosine basis without its constant, divided by its norm; so its mean is 0.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PADDINGS = ("symmetric", "replicate", "circular")


class FilterBank(nn.Module):
    """The filters of one stage; at the start, the cosine basis itself.

    size: side m of a filter. filters: how many; where not given, m^2 - 1, all of the basis without its constant.
    turning: the norm of a row of `mixing` at the start. Filters have norm 1 whatever it is; the larger it is, the
    slower a common learning rate turns them.
    """

    basis: Tensor

    def __init__(self, size: int, filters: int | None = None, turning: float = 1.0):
        super().__init__()
        basis = dct_filters(size)
        self.size, self.count = size, len(basis) if filters is None else filters
        self.register_buffer("basis", basis, persistent=False)
        self.mixing = nn.Parameter(turning * torch.eye(self.count, len(basis)))

    def forward(self) -> Tensor:
        """The filters, (count, 1, m, m), each of mean 0 and norm 1."""
        return torch.einsum("fb,bchw->fchw", unit_rows(self.mixing), self.basis.to(self.mixing.dtype))


def dct_filters(size: int) -> Tensor:
    """The two-dimensional orthonormal cosine basis without its constant, (m^2 - 1, 1, m, m), float32.

    Horizontal frequencies run fastest: (0, 1), (0, 2), ..., (1, 0), (1, 1), ... as (vertical, horizontal).
    """
    place, frequency = torch.arange(size, dtype=torch.float64), torch.arange(size, dtype=torch.float64)[:, None]
    waves = math.sqrt(2 / size) * torch.cos(math.pi / size * (place + 0.5) * frequency)
    waves[0] /= math.sqrt(2)
    products = torch.einsum("ah,bw->abhw", waves, waves).reshape(size**2, 1, size, size)
    return products[1:].float()


def unit_rows(mixing: Tensor) -> Tensor:
    """`mixing` (F, M) with each row divided by its norm."""
    return F.normalize(mixing, dim=1)


def correlate(x: Tensor, filters: Tensor, padding: str) -> Tensor:
    """z_f = k_f * x without turning k_f over, the picture continued beyond its border.

    x (B, 1, H, W), filters (F, 1, m, m) with odd m; (B, F, H, W). padding: 'symmetric' (mirrored, the border twice, as
    in MATLAB), 'replicate' (the border again and again) or 'circular' (the other side).
    """
    return within(pad(x, filters.shape[-1] // 2, padding), filters)


def adjoint(z: Tensor, filters: Tensor, padding: str) -> Tensor:
    """The adjoint of `correlate`: <correlate(x), z> = <x, adjoint(z)>; z (B, F, H, W) gives (B, 1, H, W)."""
    return pad_adjoint(spread(z, filters), filters.shape[-1] // 2, padding)


def within(x: Tensor, filters: Tensor) -> Tensor:
    """Correlation where a filter lies wholly in the picture: (B, 1, H, W) gives (B, F, H - m + 1, W - m + 1).

    By a product of matrices, which trains twice as fast as torch's convolution with one channel in or out.
    """
    m = filters.shape[-1]
    patches = x.unfold(2, m, 1).unfold(3, m, 1).permute(0, 1, 4, 5, 2, 3)
    height, width = patches.shape[-2:]
    k = filters.flatten(1).expand(len(x), -1, -1)  # a batch of products, since torch would turn the patches for one
    return torch.bmm(k, patches.reshape(len(x), m * m, height * width)).unflatten(2, (height, width))


def spread(z: Tensor, filters: Tensor) -> Tensor:
    """The adjoint of `within`: each of `z` (B, F, H, W) lays down its filter; (B, 1, H + m - 1, W + m - 1)."""
    m = filters.shape[-1]
    patches = torch.bmm(filters.flatten(1).T.expand(len(z), -1, -1), z.flatten(2))
    return F.fold(patches, (z.shape[-2] + m - 1, z.shape[-1] + m - 1), m)


def pad(x: Tensor, rim: int, padding: str) -> Tensor:
    """`x` (..., H, W) with `rim` more pixels on each side, by the rule; any rim, however small the picture."""
    rows, columns = (_source(side, rim, padding, x.device) for side in x.shape[-2:])
    return x.index_select(-2, rows).index_select(-1, columns)


def pad_adjoint(y: Tensor, rim: int, padding: str) -> Tensor:
    """The adjoint of `pad`: each pixel of the rim is added to the one that it was copied from."""
    for axis in (-2, -1):
        side = y.shape[axis] - 2 * rim
        shape = list(y.shape)
        shape[axis] = side
        y = y.new_zeros(shape).index_add(axis, _source(side, rim, padding, y.device), y)
    return y


def _source(side: int, rim: int, padding: str, device: torch.device) -> Tensor:
    """For each place from -rim to side + rim - 1, the place inside that it is a copy of."""
    place = torch.arange(-rim, side + rim, device=device)
    if padding == "symmetric":
        place = place % (2 * side)
        return torch.where(place < side, place, 2 * side - 1 - place)
    if padding == "replicate":
        return place.clamp(0, side - 1)
    if padding == "circular":
        return place % side
    raise ValueError(f"padding {padding!r}: use one of {', '.join(PADDINGS)}")
