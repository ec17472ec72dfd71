"""The non-local block: one module that lets any network look far, and that starts as the identity.

Source: Wang, Girshick, Gupta, He, "Non-local Neural Networks", CVPR 2018, arXiv 1711.07971, section 3.3 and equation
(6): z_i = W_z y_i + x_i, with y the non-local operation of equation (1).

    host = insert(DnCNN(), ["noise.4", "noise.22"], lambda: NonLocalBlock(64, window=15))
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from ..errors import UsageError
from .definition import AFFINITIES, EXPONENTIAL, PerAxis, in_window, keys_of, logits, per_axis, weights

CONVOLUTION = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
NORMALISATION = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
POOL = {1: (2,), 2: (2, 2), 3: (1, 2, 2)}  # section 3.3: pooled in space, never in time
LOGITS = 2**22  # at most so many of S at once, 16 MB in float32, and a few copies of them


class NonLocalBlock(nn.Module):
    """x (B, channels, *sides) -> z of the same shape, dtype and layout; at the start z is x, to the bit.

    channels: of x. dimensions: 1 for sequences (L), 2 for pictures (H, W), 3 for video (T, H, W).
    affinity: 'embedded' (the paper's default), 'gaussian', 'dot', 'concat', 'euclidean' or 'symmetric', as in
    `definition.non_local`; sums are divided by the softmax's, for 'dot' and 'concat' by the number of keys.
    inner: channels of theta, phi and g; None for half of x's.
    subsample: whether keys and values are max-pooled by 2 in space. None: without a window, as in the paper.
    normalise: batch normalisation after W_z, its scale zero at the start (the paper's), or else W_z zero at the start.
    window: None to see everything; an odd side, or one per axis. border: 'clamp' or 'mask'. scale: on the logits, 1 in
    the paper; 1 / sqrt(inner) keeps them small where x is large.

    Memory beyond the maps is bounded, in training too. Without a window time grows with the square of the positions;
    pictures with one window side and no pooled keys have a fast path. Convolutions are drawn as He et al., ICCV 2015
    (the paper's choice). UsageError for what does not fit together. Identity at the start is up to the sign of a zero:
    -0 becomes 0.
    """

    def __init__(
        self,
        channels: int,
        dimensions: int = 2,
        affinity: str = "embedded",
        inner: int | None = None,
        subsample: bool | None = None,
        normalise: bool = True,
        window: PerAxis | None = None,
        border: str = "clamp",
        scale: float = 1.0,
    ):
        super().__init__()
        _check(channels, dimensions, affinity, border)
        inner = inner or max(channels // 2, 1)
        self.channels, self.dimensions, self.affinity, self.border, self.scale = (
            channels,
            dimensions,
            affinity,
            border,
            scale,
        )
        self.window = None if window is None else per_axis(window, dimensions, "window")
        pooled = window is None if subsample is None else subsample
        self.pool = POOL[dimensions] if pooled else (1,) * dimensions
        for q, step in zip(self.window or (), self.pool, strict=False):
            in_window(1, q, border, step)  # refuses even windows and those too small for pooled keys
        # one embedding: 'gaussian' compares x itself, 'symmetric' theta with theta
        self.theta = self._map(channels, inner) if affinity != "gaussian" else nn.Identity()
        self.phi = self._map(channels, inner) if affinity not in ("gaussian", "symmetric") else None
        self.g = self._map(channels, inner)
        self.w = nn.Parameter(torch.randn(2, inner) / math.sqrt(inner)) if affinity == "concat" else None
        last = self._map(inner, channels, bias=not normalise)
        norm = [NORMALISATION[dimensions](channels)] if normalise else []
        self.W_z = nn.Sequential(last, *norm)
        for zero in self.W_z[-1].parameters():
            nn.init.zeros_(zero)

    def _map(self, inputs: int, outputs: int, bias: bool = True) -> nn.Module:
        """A 1 x 1 convolution."""
        made = CONVOLUTION[self.dimensions](inputs, outputs, kernel_size=1, bias=bias)
        nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
        if made.bias is not None:
            nn.init.zeros_(made.bias)
        return made

    def forward(self, x: Tensor) -> Tensor:
        """Equation (6)."""
        if x.dim() != self.dimensions + 2 or x.shape[1] != self.channels:
            raise UsageError(
                f"a non-local block on {tuple(x.shape)}",
                f"it was made for (B, {self.channels}, and {self.dimensions} sides)",
                "Give a batch, and make the block with the channels and dimensions of its place",
            )
        theta = self.theta(x)
        y = self._attend(theta, theta if self.phi is None else self.phi(x), self.g(x))
        return x + self.W_z(y)

    def _attend(self, theta: Tensor, phi: Tensor, g: Tensor) -> Tensor:
        """y (B, inner, *sides), what `definition.non_local` defines, by the cheapest way there is."""
        sides, steps = theta.shape[2:], self.pool
        theta, phi = theta.to(g.dtype), phi.to(g.dtype)  # autocast has rounded g, but not the x of 'gaussian'
        phi, g = keys_of(phi, steps), keys_of(g, steps)
        if self.affinity == "euclidean":
            # exp(-|a - b|^2 / 2) is, up to a factor that the softmax cancels, exp(a . b - |b|^2 / 2)
            theta = torch.cat([theta, torch.ones_like(theta[:, :1])], 1)
            phi = torch.cat([phi, -phi.square().sum(1, keepdim=True) / 2], 1)
        if side := self._one_side():
            from .window import window_attention

            return window_attention(theta, phi, g, side, border=self.border, scale=self.scale)[0]
        theta, phi, g = (maps.flatten(2) for maps in (theta, phi, g))
        if self.window is not None or self.affinity == "concat":
            y = self._in_chunks(theta, phi, g, sides)
        elif self.affinity == "dot":
            y = (g @ phi.mT) @ theta * (self.scale / phi.shape[-1])  # linear, so the sum over keys is done once
        else:
            y = _softmax_over_all(theta, phi, g, self.scale)
        return y.unflatten(2, sides)

    def _one_side(self) -> int | None:
        """The window's side where the fast path for windows can be taken."""
        square = self.window is not None and len(set(self.window)) == 1
        fits = square and self.dimensions == 2 and max(self.pool) == 1 and self.affinity in EXPONENTIAL
        return self.window[0] if self.window and fits else None

    def _in_chunks(self, theta: Tensor, phi: Tensor, g: Tensor, sides: torch.Size) -> Tensor:
        """Queries a few rows of S at a time."""
        masks = [
            in_window(side, q, self.border, step).bool().to(theta.device)
            for side, q, step in zip(sides, self.window or (None,) * len(sides), self.pool, strict=True)
        ]
        # a Euclidean distance has become a product with a biased key
        affinity = "embedded" if self.affinity == "euclidean" else self.affinity
        normaliser = "softmax" if affinity in EXPONENTIAL else "1/N"

        def attend(first: int, theta: Tensor, phi: Tensor, g: Tensor, *w: Tensor) -> Tensor:
            i = torch.arange(first, first + theta.shape[-1], device=theta.device)
            inside = [mask[at] for mask, at in zip(masks, torch.unravel_index(i, sides), strict=True)]
            seen = reduce(lambda outer, inner: (outer[:, :, None] & inner[:, None]).flatten(1), inside)
            S = self.scale * logits(theta, phi, affinity, (w[0], w[1]) if w else None)
            return g @ weights(S, seen, affinity, normaliser).mT

        rows = max(1, LOGITS // (len(g) * g.shape[-1]))
        w = () if self.w is None else self.w.to(theta.dtype)
        return Chunks.apply(attend, rows, theta, phi, g, *w)


class Chunks(torch.autograd.Function):
    """attend(first, theta[..., first : first + rows], phi, g, *w) for all queries, S made again on the way back.

    Not torch's checkpoint: what that keeps of each chunk lies between large blocks that come and go, and memory grew
    to 1.5 GB for 160 x 160 positions. Here everything that stays is made before the first chunk.
    """

    @staticmethod
    def forward(ctx: Any, attend: Callable[..., Tensor], rows: int, theta: Tensor, *others: Tensor) -> Tensor:
        ctx.attend, ctx.rows = attend, rows
        ctx.save_for_backward(theta, *others)
        y = torch.empty_like(theta[:, :1]).repeat(1, others[1].shape[1], 1)
        for first in range(0, theta.shape[-1], rows):
            y[..., first : first + rows] = attend(first, theta[..., first : first + rows], *others)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        theta, *others = (maps.detach().requires_grad_() for maps in ctx.saved_tensors)
        d_theta, *d_others = (torch.zeros_like(maps) for maps in (theta, *others))
        for first in range(0, theta.shape[-1], ctx.rows):
            some = slice(first, first + ctx.rows)
            with torch.enable_grad():
                query = theta[..., some]
                y = ctx.attend(first, query, *others)
            d_theta[..., some], *parts = torch.autograd.grad(y, [query, *others], dy[..., some].to(y.dtype))
            for total, part in zip(d_others, parts, strict=True):
                total += part
        return None, None, d_theta, *d_others


def insert(host: nn.Module, after: Iterable[str], make: Callable[[], nn.Module]) -> nn.Module:
    """Put a new block behind each named layer of `host`, in place; returns `host`.

    after: dotted names as in `host.named_modules()`, each a child of an nn.Sequential. make: gives one block a call.
    A block is called NAME_nonlocal; all other names stay, so weights of the host alone still load (strict=False).
    """
    for path in after:
        parent_path, _, name = path.rpartition(".")
        try:
            parent = host.get_submodule(parent_path)
        except AttributeError:
            parent = None
        if not isinstance(parent, nn.Sequential) or name not in parent._modules:
            raise UsageError(
                f"a block behind {path!r}",
                "that is no layer of an nn.Sequential",
                "Take a name from named_modules(), or call the block in your own forward",
            )
        layers = list(parent._modules.items())  # not named_children, which leaves out a layer that is there twice
        for key, layer in layers:
            delattr(parent, key)
            parent.add_module(key, layer)
            if key == name:
                parent.add_module(f"{name}_nonlocal", make())
    return host


def _softmax_over_all(theta: Tensor, phi: Tensor, g: Tensor, scale: float) -> Tensor:
    """y (B, m, N) of theta (B, l, N), phi (B, l, K), g (B, m, K), without S in memory."""
    wide = max(theta.shape[1], g.shape[1])  # PyTorch has its frugal way only for maps as wide, channels innermost
    Q, K, V = (functional.pad(maps.mT.contiguous(), (0, wide - maps.shape[1]))[:, None] for maps in (theta, phi, g))
    return functional.scaled_dot_product_attention(Q, K, V, scale=scale)[:, 0, :, : g.shape[1]].mT


def _check(channels: int, dimensions: int, affinity: str, border: str) -> None:
    for given, known, name in (
        (dimensions, tuple(POOL), "dimensions"),
        (affinity, AFFINITIES, "affinity"),
        (border, ("clamp", "mask"), "border"),
    ):
        if given not in known:
            raise UsageError(f"{name} {given!r}", "a block has no such", f"Take one of {', '.join(map(str, known))}")
    if channels < 1:
        raise UsageError(f"{channels} channels", "a block needs at least one", "Give the channels of its place")
