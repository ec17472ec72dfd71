"""Window attention as matrix products of overlapping blocks: any size, memory bounded, no compiler.

Source: Liu, Wen, Fan, Loy, Huang, "Non-Local Recurrent Network for Image Restoration", NeurIPS 2018, arXiv 1806.02919,
equation (2) with logits that are carried from step to step. A block of b x b queries shares the (b + q - 1)^2 keys that
its windows touch, so that one product serves all, and each window is a strided view of its block of logits.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

# Queries of a block, y and x, for windows of at least that side. Microseconds per pixel and step, one core of a Zen 4
# server, 48 x 96 pixels, blocks of 8 x 8, 8 x 16, 12 x 12, 16 x 16: for q = 45, l = 64, m = 128 18.7, 19.3, 17.9, 17.9;
# for q = 15, l = 16, m = 48 2.57, 2.34, 2.34, 2.49 (benchmarks/window_attention.py --blocks).
BLOCKS = ((31, (12, 12)), (0, (8, 16)))


class Span(NamedTuple):
    """A run of queries along one axis, and the keys that it needs.

    begin, end: the queries. first, keys: where the keys begin, and how many there are. moving: whether the window moves
    on with the query (1), or stands still because the border holds it (0).
    """

    begin: int
    end: int
    first: int
    keys: int
    moving: int


class Axis(NamedTuple):
    """How the windows lie along one axis: q keys each, after `pad` positions were put before and after the side."""

    side: int
    q: int
    pad: int
    spans: list[Span]


def lay_out(side: int, window: int, border: str, block: int) -> Axis:
    """The windows of one axis of `side` positions, cut in blocks of at most `block` queries.

    'clamp': no padding, and the runs of queries whose windows the border holds are blocks of their own, as all their
    queries have the same keys. 'mask': the side is padded, and every window moves.
    """
    if border == "mask":
        r = min(window // 2, side - 1)  # no key is further away than that
        return Axis(side, 2 * r + 1, r, [Span(b, e, b, e - b + 2 * r, 1) for b, e in _cut(0, side, block)])
    q = min(window, side)
    still = min(window // 2 + 1, side) if q < side else side  # queries at the low border with window start 0
    high = max(still, side - window // 2 - 1)
    spans = [Span(b, e, 0, q, 0) for b, e in _cut(0, still, block)]
    spans += [Span(b, e, b - window // 2, e - b + q - 1, 1) for b, e in _cut(still, high, block)]
    spans += [Span(b, e, side - q, q, 0) for b, e in _cut(high, side, block)]
    return Axis(side, q, 0, spans)


def plan(sides: tuple[int, int], window: int, border: str) -> tuple[Axis, Axis]:
    """The windows of both axes, in blocks of the measured size."""
    block = next(block for least, block in BLOCKS if window >= least)
    y, x = (lay_out(side, window, border, b) for side, b in zip(sides, block, strict=True))
    return y, x


def attend(
    theta: Tensor,
    phi: Tensor,
    g: Tensor,
    axes: tuple[Axis, Axis],
    held: list[Tensor] | None,
    keep: bool,
    products: torch.dtype,
    held_as: torch.dtype,
) -> tuple[Tensor, list[Tensor] | None]:
    """z (B, m, H, W) and the held logits, one block row after the other; without autograd.

    theta (already scaled), phi (B, l, H, W), g (B, m, H, W), float32 or float64. held: from the step before, changed in
    place: for each block its S minus the row maximum, (queries, keys of a window), held_as that dtype.
    products: what the inputs of both products are rounded to; torch rounds the result of a bfloat16 product, too.
    """
    ay, ax = axes
    rounded = products != g.dtype
    # rows of P sum to 1, so the mean can wait outside the product: only what varies is rounded
    mean = g.mean((2, 3), keepdim=True) if rounded else g.new_zeros(1, 1, 1, 1)
    Q = theta.permute(0, 2, 3, 1).to(products)
    K, V = (_padded(keys, axes) for keys in (phi, g - mean if rounded else g))
    z = g.new_empty(len(g), ay.side, ax.side, g.shape[1])
    logits, rounded_logits = (g.new_empty(_largest(axes), dtype=d) for d in (g.dtype, products))
    windows = logits.new_empty(_largest(axes))
    new: list[Tensor] = []
    for b, sy in product(range(len(g)), ay.spans):
        Kx, Vx = (_strip(keys[b], sy).to(products) for keys in (K, V))
        for sx in ax.spans:
            here = slice(sx.first * sy.keys, (sx.first + sx.keys) * sy.keys)
            at = (b, slice(sy.begin, sy.end), slice(sx.begin, sx.end))
            rows = Q[at].flatten(0, 1)
            full, band = _views(logits, axes, sy, sx)
            P, band_of_P = _views(rounded_logits, axes, sy, sx) if rounded else (full, band)
            torch.mm(rows, Kx[here].mT, out=P)
            if rounded:
                full.copy_(P)
            # where the border holds both sides of a window, all keys of the block are in it
            S = band if band.is_contiguous() else windows[: band.numel()].view(band.shape)
            flat = S.flatten(2).flatten(0, 1)
            if held is None:
                if S is not band:
                    S.copy_(band)
                _exclude_outside(S, axes, sy, sx)
                old = torch.empty_like(flat, dtype=held_as) if keep else None
            else:
                old = held[len(new)]
                torch.add(band, old.to(g.dtype).view(band.shape), out=S)
            if keep and old is not None:
                flat -= flat.amax(1, keepdim=True)
                old.copy_(flat)
            new.append(old if keep and old is not None else flat[:0])
            torch.softmax(flat, 1, out=flat)
            if band_of_P is not S:
                P.zero_()
                band_of_P.copy_(S)
            z[at] = torch.mm(P, Vx[here]).view(z[at].shape).to(g.dtype)
    return z.permute(0, 3, 1, 2).add_(mean), new if keep else None


def attend_with_gradient(
    theta: Tensor, phi: Tensor, g: Tensor, axes: tuple[Axis, Axis], held: list[Tensor] | None
) -> tuple[Tensor, list[Tensor]]:
    """`attend` for autograd: the logits of each block are kept raw, (B, queries, all keys of the block)."""
    ay, ax = axes
    Q = theta.permute(0, 2, 3, 1)
    K, V = (_padded(keys, axes) for keys in (phi, g))
    rows: list[Tensor] = []
    new: list[Tensor] = []
    for sy in ay.spans:
        Kx, Vx = (_strip(keys, sy) for keys in (K, V))
        row = []
        for sx in ax.spans:
            here = slice(sx.first * sy.keys, (sx.first + sx.keys) * sy.keys)
            old = _outside(axes, sy, sx, theta) if held is None else held[len(new)]
            queries = Q[:, sy.begin : sy.end, sx.begin : sx.end]
            # minus infinity stays where it was put at the first step
            S = torch.baddbmm(old, queries.flatten(1, 2), Kx[:, here].mT)
            row.append((S.softmax(2) @ Vx[:, here]).view(*queries.shape[:3], -1))
            new.append(S)
        rows.append(torch.cat(row, 2))
    return torch.cat(rows, 1).permute(0, 3, 1, 2), new


def held_numbers(axes: tuple[Axis, Axis]) -> int:
    """How many logits `attend` holds for one picture."""
    return axes[0].side * axes[1].side * axes[0].q * axes[1].q


def _cut(begin: int, end: int, block: int) -> Iterator[tuple[int, int]]:
    """Blocks of nearly equal size, none larger than `block`."""
    count = -(-(end - begin) // block)
    edges = [begin + (end - begin) * i // count for i in range(count + 1)] if count else []
    return pairwise(edges)


def _padded(keys: Tensor, axes: tuple[Axis, Axis]) -> Tensor:
    """Keys (B, channels, H, W) as (B, W, H, channels), with zeros around them where windows reach outside."""
    y, x = (axis.pad for axis in axes)
    return functional.pad(keys, (x, x, y, y)).permute(0, 3, 2, 1) if x or y else keys.permute(0, 3, 2, 1)


def _strip(keys: Tensor, sy: Span) -> Tensor:
    """The keys of one block row, (W * rows, channels): column after column, so that a block's are one slice."""
    return keys[..., sy.first : sy.first + sy.keys, :].contiguous().flatten(-3, -2)


def _largest(axes: tuple[Axis, Axis]) -> int:
    y, x = (max((span.end - span.begin) * span.keys for span in axis.spans) for axis in axes)
    return y * x


def _views(scratch: Tensor, axes: tuple[Axis, Axis], sy: Span, sx: Span) -> tuple[Tensor, Tensor]:
    """A block's logits (queries, keys), and in them each query's window, (query y, query x, key x, key y)."""
    h, w, keys = sy.end - sy.begin, sx.end - sx.begin, sy.keys * sx.keys
    full = scratch[: h * w * keys].view(h * w, keys)
    strides = (w * keys + sy.moving, keys + sx.moving * sy.keys, sy.keys, 1)
    return full, full.as_strided((h, w, axes[1].q, axes[0].q), strides)


def _in_picture(axis: Axis, span: Span) -> Tensor:
    """Which keys of a span are positions of the picture, and not padding."""
    place = torch.arange(span.first, span.first + span.keys)
    return (place >= axis.pad) & (place < axis.pad + axis.side)


def _exclude_outside(S: Tensor, axes: tuple[Axis, Axis], sy: Span, sx: Span) -> None:
    """Give keys outside the picture no weight, in logits (query y, query x, key x, key y)."""
    real = [_in_picture(axis, span) for axis, span in zip(axes, (sy, sx), strict=True)]
    if not all(bool(keys.all()) for keys in real):
        # only padded windows come here, and these all move: window i begins at key i
        y, x = (keys.unfold(0, axis.q, 1) for keys, axis in zip(real, axes, strict=True))
        S.masked_fill_(~(y[:, None, None, :] & x[None, :, :, None]).to(S.device), -torch.inf)


def _outside(axes: tuple[Axis, Axis], sy: Span, sx: Span, like: Tensor) -> Tensor:
    """0 for the keys of each query's window, minus infinity for the block's others: (1, queries, keys)."""
    inside = []
    for axis, span in zip(axes, (sy, sx), strict=True):
        start = span.moving * torch.arange(span.end - span.begin)[:, None]
        key = torch.arange(span.keys)
        inside.append((start <= key) & (key < start + axis.q) & _in_picture(axis, span))
    y, x = inside
    both = (y[:, None, None, :] & x[None, :, :, None]).flatten(2).flatten(0, 1)
    return like.new_zeros(both.shape).masked_fill_(~both.to(like.device), -torch.inf)[None]
