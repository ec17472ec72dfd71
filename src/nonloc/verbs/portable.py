"""Our networks in operations that ONNX has, with height and width left open.

Source: ONNX operators, opset 17. The numbers of the networks, by other means where theirs end in a compiled kernel or
read sizes as plain numbers: window attention, TNRD's tables and adjoint filters, bicubic enlarging.
"""

from __future__ import annotations

import copy
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..methods.base import NetworkMethod
from ..methods.networks.conditional import ConditionalMethod
from ..methods.networks.nlrn_fast import NlrnFast, Recurrence
from ..methods.resolution.enlarging import LUMA
from ..methods.resolution.sr_fast import SrFast
from ..methods.unrolled.filter_bank import pad
from ..methods.unrolled.radial_basis import RadialBasis
from ..methods.unrolled.tnrd import TNRD


class Portable(nn.Module):
    """A network with the mirrored rim that the engine gives it, and its level on the 0-255 scale.

    inside: from (B, C, H, W), H and W multiples of `multiple`, to the same size times a factor. told: whether it takes
    the standard deviation of the noise, where white is 1, as a second argument.
    """

    def __init__(self, inside: nn.Module, multiple: int, minimum: int, told: bool):
        super().__init__()
        self.inside, self.multiple, self.minimum, self.told = inside, multiple, minimum, told

    def forward(self, pixels: Tensor, sigma: Tensor | None = None) -> Tensor:
        """`pixels` (B, C, H, W), black 0, white 1, any size; sigma (B,), 0 to 255. Not clipped."""
        padded = pixels
        if self.multiple > 1 or self.minimum > 1:
            for axis in (-2, -1):
                padded = padded.index_select(axis, self._places(pixels.shape[axis], pixels.device))
        restored = self.inside(padded, sigma / 255) if self.told and sigma is not None else self.inside(padded)
        if self.multiple > 1 or self.minimum > 1:
            restored = restored[..., : pixels.shape[-2], : pixels.shape[-1]]
        return restored

    def _places(self, side: int, device: torch.device) -> Tensor:
        """For each place of a padded axis, the one that it is mirrored from."""
        least = torch.as_tensor(side, device=device).clamp(min=self.minimum)
        due: Any = (least + self.multiple - 1) // self.multiple * self.multiple
        place = torch.arange(due, device=device) % (2 * side)
        return torch.where(place < side, place, 2 * side - 1 - place)


def portable(method: NetworkMethod, channels: int) -> Portable:
    """The network of `method` for pictures of so many channels, on the CPU, ready to be traced."""
    module = copy.deepcopy(method.module).cpu().float().eval()
    inside: nn.Module = module
    if isinstance(module, NlrnFast):
        setattr(module.refine, "_attend", MethodType(attend, module.refine))  # noqa: B010
    elif isinstance(module, TNRD):
        inside = PortableTNRD(module)
    elif isinstance(module, SrFast):
        inside = PortableSrFast(module, channels)
    told = isinstance(method, ConditionalMethod)
    return Portable(inside, method.card.multiple, method.card.minimum, told).requires_grad_(False)


def attend(self: Recurrence, r: Tensor, logits: list[Tensor] | None, *, keep: bool) -> tuple[Tensor, list[Tensor]]:
    """`Recurrence._attend` with the rows of the window one after the other; logits (B, h, q, w) for each of them.

    Windows are moved inside the map; where a side of it is shorter than the window, keys beyond it have no weight.
    """
    theta, phi, g = self.theta(r) * self.theta.out_channels**-0.5, self.phi(r), self.g(r)
    q = self.window
    rows, no_row = _window(r.shape[-2], q, r.device)  # (q, h)
    columns, no_column = _window(r.shape[-1], q, r.device)  # (q, w)
    made = []
    for dy in range(q):
        S = (theta[:, :, :, None] * _keys_of(phi, rows[dy], columns)).sum(1)
        S = S + no_row[dy][None, :, None, None] + no_column[None, None]
        made.append(S if logits is None else S + logits[dy])
    # one softmax over the whole window: its largest logit first
    largest = torch.stack([S.amax(2) for S in made]).amax(0)[:, :, None]
    weights = [torch.exp(S - largest) for S in made]
    total = torch.stack([weight.sum(2) for weight in weights]).sum(0)[:, None]
    parts = [(w[:, None] * _keys_of(g, rows[dy], columns)).sum(3) for dy, w in enumerate(weights)]
    return torch.stack(parts).sum(0) / total, made


def _keys_of(maps: Tensor, row: Tensor, columns: Tensor) -> Tensor:
    """`maps` (B, C, h, w) where one row of each position's window lies, (B, C, h, q, w)."""
    found = maps.index_select(2, row).index_select(3, columns.flatten())
    return found.reshape(maps.shape[0], maps.shape[1], maps.shape[2], columns.shape[0], maps.shape[3])


def _window(side: int, q: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """(q, side): place of each key of each position along an axis, and -1e9 where there is none."""
    place = torch.arange(side, device=device)
    last = torch.as_tensor(side - q, device=device).clamp(min=0)
    keys = torch.minimum((place - q // 2).clamp(min=0), last)[None] + torch.arange(q, device=device)[:, None]
    return torch.minimum(keys, torch.as_tensor(side - 1, device=device)), (keys >= side).float() * -1e9


class PortableTNRD(nn.Module):
    """The stages of a TNRD with its filters written out."""

    def __init__(self, network: TNRD):
        super().__init__()
        self.network = network
        self.filters = [stage.filters().detach() for stage in self._stages()]

    def _stages(self) -> list[Any]:
        return list(self.network.stages)[: self.network.depth]

    def forward(self, f: Tensor) -> Tensor:
        u = f = 255 * f
        for stage, k in zip(self._stages(), self.filters, strict=True):
            rim = k.shape[-1] - 1
            v = F.conv2d(pad(u, rim, "symmetric"), k)
            diffusion = F.conv_transpose2d(_look_up(stage.influence, v), k)[..., rim:-rim, rim:-rim]
            u = u - diffusion - stage.log_reaction.exp() * (u - f)
        return u / 255


def _look_up(influence: RadialBasis, v: Tensor) -> Tensor:
    """f_c(v), linear between the entries of a table, as `RadialBasis` does it."""
    table = influence.weights @ influence.gaussians  # (C, entries)
    channels, entries = table.shape
    place = ((v - influence.low) * (1 / influence.step)).clamp(0, entries - 1)
    cell = place.floor().clamp(max=entries - 2)
    first = cell.long() + entries * torch.arange(channels).view(-1, 1, 1)
    flat = table.flatten()
    return flat[first] + (place - cell) * (flat[first + 1] - flat[first])


class PortableSrFast(nn.Module):
    """sr-fast on luminance, or on colour with the bicubic picture as the rest."""

    def __init__(self, network: SrFast, channels: int):
        super().__init__()
        self.network, self.channels, self.factor = network, channels, network.factor

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.channels == 1 else (x * torch.tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
        beyond = F.pixel_shuffle(self.network.last(self.network.features(y)), self.factor)
        return bicubic(x, self.channels, self.factor) + beyond


def bicubic(x: Tensor, channels: int, factor: int) -> Tensor:
    """`x` (B, channels, H, W) enlarged as MATLAB's imresize does: Keys' cubic with a = -1/2, borders mirrored."""
    t = (torch.arange(factor).double() + 0.5) / factor - 0.5  # where the new samples lie, from the nearest old one
    taps = _keys((t[:, None] - torch.arange(-2, 3)).abs()).float()
    kernel = (taps[:, None, :, None] * taps[None, :, None, :]).reshape(factor**2, 1, 5, 5).repeat(channels, 1, 1, 1)
    return F.pixel_shuffle(F.conv2d(pad(x, 2, "symmetric"), kernel, groups=channels), factor)


def _keys(d: Tensor) -> Tensor:
    near = 1.5 * d**3 - 2.5 * d**2 + 1
    far = -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return torch.where(d <= 1, near, torch.where(d < 2, far, torch.zeros_like(d)))
