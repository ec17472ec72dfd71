"""The non-local operator: the coefficients of each patch, added up with those of the patches most like it; its adjoint.

Source: Lefkimmiatis, "Non-Local Color Image Denoising with Convolutional Neural Networks", CVPR 2017,
DOI 10.1109/CVPR.2017.623, section 3: L x = W F P x takes the patches P, their transform F and the sum W over the K
nearest, z_r = sum_k g_k f_(i_rk). There is one patch around each pixel, so R = H x W of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...nonlocal_ops.matching import match
from .filter_bank import adjoint, correlate, pad


class Neighbours(NamedTuple):
    """Which patches are alike, in both directions. Patches are counted through the R of each of B pictures.

    nearest: int32 (B R, K), of each patch the K most like it, the nearest, which is itself, first. The same from the
    other side: patch j stands in the lists of the patches `of[start[j] : start[j + 1]]`, at the places `rank` there.
    """

    nearest: Tensor
    of: Tensor
    rank: Tensor
    start: Tensor


def find(pictures: Tensor, patch: int, window: int, count: int) -> Neighbours:
    """The `count` patches that are most alike, for each pixel of `pictures` (B, C, H, W), by the mean of the channels.

    patch: odd side. window: odd side of the square around a pixel in which other patches may lie. A picture is mirrored
    at its border, as the patches are that the operator takes. Where there are fewer patches than `count`, the patch
    itself stands in for the rest.
    """
    rim, (height, width) = patch // 2, pictures.shape[-2:]
    guide = pad(pictures.detach().float().mean(1, keepdim=True), rim, "symmetric").cpu().numpy()
    places = match(guide, patch, window, count, np.arange(height), np.arange(width)).neighbours
    here = np.arange(height * width, dtype=np.int32).reshape(1, height, width, 1)
    y, x = np.divmod(places, width + 2 * rim)
    nearest = np.where(places < 0, here, y * width + x).reshape(len(pictures), -1, count)
    nearest += (height * width * np.arange(len(pictures))).astype(np.int32)[:, None, None]
    return both_ways(torch.from_numpy(nearest.reshape(-1, count)).to(pictures.device))


def both_ways(nearest: Tensor) -> Neighbours:
    """`Neighbours` from the lists alone, int32 (N, K)."""
    patches, count = nearest.shape
    order = nearest.flatten().argsort(stable=True)
    start = torch.bincount(nearest.flatten(), minlength=patches).cumsum(0).to(torch.int32)
    return Neighbours(
        nearest, (order // count).to(torch.int32), (order % count).to(torch.int32), F.pad(start[:-1], (1, 0))
    )


def weighted_sum(f: Tensor, g: Tensor, near: Neighbours) -> Tensor:
    """W f: z_r = sum_k g_k f_(nearest[r, k]), for `f` (N, F) and `g` (K,); a patch counts as often as it is listed."""
    each = g.to(f.dtype).expand(near.nearest.shape).contiguous()
    return F.embedding_bag(near.nearest, f, per_sample_weights=each, mode="sum")


def weighted_sum_adjoint(z: Tensor, g: Tensor, near: Neighbours) -> Tensor:
    """W' z, (N, F): each z_r goes back to where it was gathered from, undivided. No order is left to chance."""
    each = g.to(z.dtype).index_select(0, near.rank)
    return F.embedding_bag(near.of, z, near.start, per_sample_weights=each, mode="sum")


def analyse(x: Tensor, filters: Tensor, g: Tensor, near: Neighbours) -> Tensor:
    """L x of `x` (B, C, H, W), each channel with the same filters (F, 1, m, m): z (B, C F, H, W), channels in turn."""
    shape = x.shape
    f = correlate(x.flatten(0, 1)[:, None], filters, "symmetric")
    return _to_maps(weighted_sum(_to_patches(f.reshape(len(x), -1, *shape[-2:])), g, near), shape)


def synthesise(z: Tensor, filters: Tensor, g: Tensor, near: Neighbours) -> Tensor:
    """The adjoint of `analyse`, <L x, z> = <x, L' z>: `z` (B, C F, H, W) gives (B, C, H, W)."""
    f = _to_maps(weighted_sum_adjoint(_to_patches(z), g, near), z.shape)
    x = adjoint(f.reshape(-1, len(filters), *z.shape[-2:]), filters, "symmetric")
    return x.view(len(z), -1, *z.shape[-2:])


def _to_patches(maps: Tensor) -> Tensor:
    """(B, F, H, W) to (B H W, F): the coefficients of a patch side by side, to be fetched together."""
    return maps.flatten(2).transpose(1, 2).reshape(-1, maps.shape[1])


def _to_maps(patches: Tensor, shape: torch.Size) -> Tensor:
    """The way back, to (B, F, H, W) with B, H and W of `shape`."""
    batch, _, height, width = shape
    return patches.view(batch, height * width, -1).transpose(1, 2).contiguous().unflatten(2, (height, width))
