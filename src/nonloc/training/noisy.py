"""Learning from noisy pictures alone: what the network is shown, and what it is asked for.

Source: pairs, Lehtinen et al., "Noise2Noise", ICML 2018, arXiv 1803.04189; masked, Krull, Buchholz, Jug, "Noise2Void",
CVPR 2019, DOI 10.1109/CVPR.2019.00223; neighbours, Huang et al., "Neighbor2Neighbor", CVPR 2021, DOI
10.1109/CVPR46437.2021.01454, equation 6. All rest on noise that is each pixel's own and has no mean.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .data import Batch, TorchRandom

WAYS = ("neighbours", "masked", "pairs")
MASKED = 1 / 16  # part of the pixels that are hidden; the paper has up to 0.02, which learns 0.7 dB less in a minute
REACH = 2  # a hidden pixel takes the value of one of the 5 x 5 around it
GAMMA = 2.0  # of equation 6; the paper's for synthetic noise
# ordered pairs of pixels of a 2 x 2, numbered in reading order, that touch at a side
PAIRS = ((0, 1), (1, 0), (0, 2), (2, 0), (1, 3), (3, 1), (2, 3), (3, 2))


def lesson(way: str, noisy: Tensor, other: Tensor | None, noise: TorchRandom) -> Batch:
    """What the network is shown and asked for, of crops `noisy` (B, C, P, P) and, of pairs, the `other` ones."""
    std = torch.zeros(len(noisy), device=noisy.device)
    if way == "pairs":
        assert other is not None
        return Batch(other, noisy, std)
    if way == "masked":
        shown, hidden = masked(noisy, noise)
        return Batch(noisy, shown, std, mask=hidden)
    cells = noise.random((len(noisy), 1, noisy.shape[-2] // 2, noisy.shape[-1] // 2)).mul(len(PAIRS)).long()
    first, second = neighbours(noisy, cells)
    return Batch(second, first, std, whole=noisy, cells=cells)


def noisy_loss(module: nn.Module, batch: Batch, contrast: float, precision: str) -> Tensor:
    """Mean squared error, in units of `contrast` squared, against what is noisy itself."""
    autocast = torch.autocast(batch.noisy.device.type, torch.bfloat16, enabled=precision == "bf16")
    with autocast:
        restored = module(batch.noisy)
    error = (restored.float() - batch.clean) / contrast
    if batch.mask is not None:
        return (error.square() * batch.mask).sum() / (batch.mask.sum() * error.shape[1]).clamp_min(1)
    loss = error.square().mean()
    if batch.whole is None or batch.cells is None:
        return loss
    with torch.no_grad(), autocast:
        whole = module(batch.whole)
    first, second = neighbours(whole.float(), batch.cells)
    return loss + GAMMA * (error - (first - second) / contrast).square().mean()


def neighbours(y: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
    """g1(y) and g2(y), (B, C, H/2, W/2): two pixels of each 2 x 2 that touch, as `cells` (B, 1, H/2, W/2) says."""
    b, c, h, w = y.shape
    parts = F.pixel_unshuffle(y, 2).reshape(b, c, 4, h // 2, w // 2)
    order = torch.tensor(PAIRS, device=y.device)[cells[:, 0]].movedim(-1, 0)[:, :, None, None]
    first, second = (parts.gather(2, one.expand(b, c, 1, h // 2, w // 2))[:, :, 0] for one in order)
    return first, second


def masked(y: Tensor, noise: TorchRandom, part: float = MASKED) -> tuple[Tensor, Tensor]:
    """`y` with a `part` of its pixels replaced by one near them, and (B, 1, H, W) where that is, 1 or 0."""
    b, c, h, w = y.shape
    hidden = noise.random((b, 1, h, w)) < part
    side = 2 * REACH + 1
    near = noise.random((b, 1, h, w)).mul(side * side - 1).long()
    near = near + (near >= side * side // 2).long()  # never the pixel itself
    offset_y, offset_x = near // side - REACH, near % side - REACH
    rows, columns = torch.arange(h, device=y.device)[:, None], torch.arange(w, device=y.device)
    from_y, from_x = mirrored(rows + offset_y, rows, h), mirrored(columns + offset_x, columns, w)
    there = (from_y * w + from_x).expand(b, c, h, w)
    taken = y.flatten(2).gather(2, there.flatten(2)).reshape(y.shape)
    return torch.where(hidden, taken, y), hidden.to(y.dtype)


def mirrored(index: Tensor, centre: Tensor, size: int) -> Tensor:
    """`index` where it lies in the picture, else as far to the other side of `centre`."""
    return torch.where((index < 0) | (index >= size), 2 * centre - index, index)
