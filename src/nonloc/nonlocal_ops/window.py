"""Window attention: each position attends to the q x q positions around it, for maps of any size.

Source: Liu, Wen, Fan, Loy, Huang, "Non-Local Recurrent Network for Image Restoration", NeurIPS 2018, arXiv 1806.02919,
equation (2) and section 3.3. It means what `definition.non_local` means with affinity 'embedded'; here it is fast.

    S_ij = scale * theta_i . phi_j + carried_ij,   P_i = softmax of S_i over the window of i,   z_i = sum_j P_ij g_j

Four ways to the same numbers: 'dense', one masked product of all positions; 'blocked', overlapping blocks; 'native', a
compiled kernel where there is a compiler; 'triton', on a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import UsageError
from . import window_blocked as blocked
from . import window_native as native
from . import window_triton as triton
from .definition import in_window

PATHS = ("auto", "dense", "blocked", "native", "triton")
BORDERS = ("clamp", "mask")
DENSE_ON_A_GPU = 4096  # positions; beyond, blocks: their many small calls cost more there than waste (not measured)
# of one multiplication and addition, and of all else that a key costs; fitted to results/window_attention.csv
NANOSECONDS = {"native": (0.014, 2.4), "blocked": (0.0225, 3.2)}


@dataclass
class Logits:
    """The logits of one step, for `carried` of the next one. Only the path that made them can read them.

    path: which one. of: (batch, H, W, window, border). differentiable: whether autograd runs through them. held: the
    path's own; None when they were used up, as without autograd the next step writes its logits over these.
    """

    path: str
    of: tuple[int, int, int, int, str]
    differentiable: bool
    held: Any


def window_attention(
    theta: Tensor,
    phi: Tensor,
    g: Tensor,
    window: int,
    *,
    carried: Logits | None = None,
    keep: bool = False,
    border: str = "clamp",
    scale: float = 1.0,
    path: str = "auto",
    products: torch.dtype | None = None,
    held_as: torch.dtype | None = None,
) -> tuple[Tensor, Logits | None]:
    """z (B, m, H, W) of queries theta, keys phi (B, l, H, W) and values g (B, m, H, W), and the logits if `keep`.

    window: odd side of the square of keys. border: 'clamp' moves windows inside the picture (an axis shorter than the
    window is seen whole), 'mask' leaves out what lies outside. carried: the logits of the step before, None at the
    first; without autograd they are used up, as the next are written over them. path: 'auto' stays with the path that
    carried came from, else takes the fastest, see `choose`.
    Autograd runs, on every path but 'native', when it is enabled and something requires it. Without it the memory used
    beyond maps and logits is bounded ('dense' apart), half precision is computed in float32, and rounding may be
    allowed, which a path uses where that gains:
    products: torch.bfloat16 for what both products are made of, sums stay float32; NLRN loses 0.005 dB.
    held_as: dtype of the logits held, minus their row maximum. None is float16 for float32 maps, which moves NLRN by
    0.0002 of 255 gray levels; with few keys and sharp weights it is 0.001 of g after several steps.
    UsageError when shapes, window, border, path, dtypes and carried do not fit together.
    """
    _check(theta, phi, g, window, border, path)
    _check_rounding(products, held_as)
    differentiable = torch.is_grad_enabled() and (
        any(maps.requires_grad for maps in (theta, phi, g)) or (carried is not None and carried.differentiable)
    )
    of = (len(theta), theta.shape[2], theta.shape[3], window, border)
    path = _path(path, carried, of, theta, g, differentiable)
    held = None if carried is None else carried.held
    if carried is not None and not differentiable:
        carried.held = None
    S: Any
    if path == "triton":
        z, S = triton.window_attention_triton(
            theta, phi, g, window, carried=held, keep=keep, border=border, scale=scale, held_as=held_as
        )
        return z, Logits(path, of, differentiable, S) if keep else None
    exact = theta.dtype if differentiable or theta.dtype == torch.float64 else torch.float32
    Q, K, V = (maps.to(exact) for maps in (theta * scale if scale != 1 else theta, phi, g))
    products = exact if products is None or exact == torch.float64 else products
    if exact == torch.float64 or held_as is None:
        held_as = torch.float16 if exact == torch.float32 else exact
    if path == "native" and not native.holds(held_as):
        held_as = torch.float32
    axes = blocked.plan(of[1:3], window, border)
    if path == "dense":
        z, S = _dense(Q, K, V, window, border, held, differentiable)
    elif path == "native":
        z, S = native.attend(Q, K, V, window, border, held, keep, products, held_as)
    elif differentiable:
        z, S = blocked.attend_with_gradient(Q, K, V, axes, held)
    else:
        with torch.no_grad():
            z, S = blocked.attend(Q, K, V, axes, held, keep, products, held_as)
    return z.to(g.dtype), Logits(path, of, differentiable, S) if keep else None


def choose(theta: Tensor, g: Tensor, differentiable: bool) -> str:
    """The fastest path for these maps; depends on their shape, dtype and device, and on there being a compiler.

    Inference: see results/window_attention.csv. Training on a CPU, forward and backward, milliseconds a step, dense
    and blocked: q = 15, l = 16, m = 48, batch 8: 16 x 16 positions 5.5, 5.7; 24 x 24 24, 17; 32 x 32 174, 38;
    q = 45, l = 64, m = 128, batch 4: 43 x 43 425, 302.
    """
    device, positions = theta.device.type, theta.shape[2] * theta.shape[3]
    if device == "cuda":
        if triton.available() and theta.dtype in triton.DTYPES and max(theta.shape[1], g.shape[1]) <= triton.CHANNELS:
            return "triton"
        return "dense" if positions <= DENSE_ON_A_GPU else "blocked"
    compiled = device == "cpu" and not differentiable and theta.dtype != torch.float64 and native.load() is not None
    return "native" if compiled else "blocked"


def logits_bytes(
    height: int,
    width: int,
    window: int,
    path: str = "auto",
    *,
    batch: int = 1,
    border: str = "clamp",
    number: int = 2,
) -> int:
    """Memory in bytes that `keep` holds from step to step without autograd; number: bytes of one logit.

    'auto' is 'native' where that is compiled, else 'blocked'; 'dense' holds 4 bytes for each pair of positions.
    """
    if path == "auto":
        path = "blocked" if native.load() is None else "native"
    if path == "triton":
        return triton.logits_bytes(height, width, window, border=border, batch=batch, number=number)
    if path == "dense":
        return batch * (height * width) ** 2 * 4
    if path == "native":
        return batch * native.held_numbers(height, width, window, border) * number
    return batch * blocked.held_numbers(blocked.plan((height, width), window, border)) * number


def seconds(height: int, width: int, window: int, channels: int, path: str = "auto", *, border: str = "clamp") -> float:
    """Core seconds of one step that carries logits, within a factor of two on a server core; 'native' or 'blocked'.

    channels: l + m, of keys and values together.
    """
    if path == "auto":
        path = "blocked" if native.load() is None else "native"
    if path == "native":
        keys = native.held_numbers(height, width, window, border) / (height * width)
    else:
        y, x = (
            sum((span.end - span.begin) * span.keys for span in axis.spans) / axis.side
            for axis in blocked.plan((height, width), window, border)
        )
        keys = y * x
    per_product, per_key = NANOSECONDS[path]
    return height * width * keys * (channels * per_product + per_key) * 1e-9


def _dense(
    Q: Tensor, K: Tensor, V: Tensor, window: int, border: str, held: Tensor | None, differentiable: bool
) -> tuple[Tensor, Tensor]:
    """One product of all positions with all; the logits (B, HW, HW) are held raw, minus infinity outside windows."""
    old = _outside(Q, window, border) if held is None else held
    into = None if differentiable or held is None else held
    S = torch.baddbmm(old, Q.flatten(2).mT, K.flatten(2), out=into)
    return (V.flatten(2) @ S.softmax(2).mT).view(*V.shape), S


def _outside(Q: Tensor, window: int, border: str) -> Tensor:
    """0 where a key is in the query's window, else minus infinity: (1, HW, HW)."""
    inside = [in_window(side, window, border) for side in Q.shape[2:]]
    both = torch.kron(*inside).bool().to(Q.device)
    return Q.new_zeros(both.shape).masked_fill_(~both, -torch.inf)[None]


def _path(
    path: str,
    carried: Logits | None,
    of: tuple[int, int, int, int, str],
    theta: Tensor,
    g: Tensor,
    differentiable: bool,
) -> str:
    """The path to take; UsageError when it cannot be taken."""
    if carried is not None and carried.held is None:
        raise UsageError(
            "window attention with logits carried", "they were used before", "Carry those of the last step"
        )
    if carried is not None and (carried.of != of or carried.differentiable != differentiable):
        raise UsageError(
            f"window attention over (batch, H, W, window, border) {of}",
            f"the logits carried are of {carried.of}, made with{'' if carried.differentiable else 'out'} autograd",
            "Carry logits from step to step of one network, without changing these or torch.no_grad in between",
        )
    if carried is not None and path not in ("auto", carried.path):
        raise UsageError(f"path {path!r}", f"the logits carried are {carried.path!r}'s", "Stay with one path")
    if path == "auto":
        return choose(theta, g, differentiable) if carried is None else carried.path
    if path == "native" and (differentiable or theta.device.type != "cpu" or theta.dtype == torch.float64):
        raise UsageError("path 'native'", "it is for inference on a CPU, in float32", "Take 'blocked'")
    if path == "native" and native.load() is None:
        raise UsageError("path 'native'", native.status(), "Take 'blocked', which needs no compiler")
    return path


def _check(theta: Tensor, phi: Tensor, g: Tensor, window: int, border: str, path: str) -> None:
    if window < 1 or window % 2 == 0:
        raise UsageError(f"a window of {window}", "a window has a middle, so its side is odd", f"Take {window | 1}")
    for given, known, name in ((path, PATHS, "path"), (border, BORDERS, "border")):
        if given not in known:
            raise UsageError(f"{name} {given!r}", "there is no such one", f"Take one of {', '.join(known)}")
    shapes = [tuple(maps.shape) for maps in (theta, phi, g)]
    if (
        theta.dim() != 4
        or phi.shape != theta.shape
        or g.dim() != 4
        or g.shape[::2] != theta.shape[::2]
        or g.shape[3] != theta.shape[3]
        or theta.numel() * g.numel() == 0
    ):
        raise UsageError(
            f"window attention on {shapes}",
            "theta and phi have one shape (B, l, H, W), and g (B, m, H, W) the same pictures and sides",
            "Give maps of one size",
        )


def _check_rounding(products: torch.dtype | None, held_as: torch.dtype | None) -> None:
    if products not in (None, torch.float32, torch.bfloat16):
        raise UsageError(f"products of {products}", "paths round to bfloat16 or not", "Take torch.bfloat16 or None")
    if held_as not in (None, torch.float32, torch.float16):
        raise UsageError(
            f"logits held as {held_as}", "paths hold them in 16 or 32 bits", "Take torch.float16, float32 or None"
        )
