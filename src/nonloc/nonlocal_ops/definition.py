"""The non-local operation in all its variants, dense and slow: the truth that every fast path is held to.

Source: Wang, Girshick, Gupta, He, "Non-local Neural Networks", CVPR 2018, arXiv 1711.07971, equation (1),
y_i = 1/C_i sum_j f(x_i, x_j) g(x_j), and its sections 3.2 and 3.3; carried logits and the window after Liu, Wen, Fan,
Loy, Huang, "Non-Local Recurrent Network for Image Restoration", NeurIPS 2018, arXiv 1806.02919.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import UsageError

AFFINITIES = ("gaussian", "embedded", "dot", "concat", "euclidean", "symmetric")
EXPONENTIAL = ("gaussian", "embedded", "euclidean", "symmetric")  # f = exp(S); of the others f = S
ONE_EMBEDDING = ("gaussian", "symmetric")  # queries and keys are the same map
NORMALISERS = ("softmax", "1/N")
BORDERS = ("clamp", "mask", "zero")

PerAxis = int | Sequence[int]


def non_local(
    theta: Tensor,
    phi: Tensor | None,
    g: Tensor,
    *,
    affinity: str = "embedded",
    normaliser: str | None = None,
    scale: float = 1.0,
    window: PerAxis | None = None,
    border: str = "clamp",
    key_stride: PerAxis = 1,
    key_pool: PerAxis = 1,
    concat: tuple[Tensor, Tensor] | None = None,
    carried: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """z_i = sum over the keys j of i's window of P_ij g_j, and the logits S = scale * affinity + carried.

    theta, phi: queries and keys (B, l, *sides), one to three sides. phi is None, or theta itself, for the affinities
    of one embedding, 'gaussian' (x, x) and 'symmetric'. g: values (B, m, *sides). Any float dtype, any device.
    affinity: S_ij before scale and carrying, see `logits`; concat: the two halves (w_theta, w_phi) of its vector w.
    normaliser: 'softmax', P = softmax_j(S); '1/N', P = f / N with f = exp(S) for the exponential affinities and f = S
    for 'dot' and 'concat', and N the keys that i really has. None: softmax for the exponential affinities, else 1/N.
    window: None for all positions, or the odd side of the window, or one per axis.
    border: 'clamp', the window is moved inside, so all windows have equally many positions (an axis shorter than it is
    seen whole); 'mask', what lies outside does not exist; 'zero', outside there are keys and values of zeros, which
    take weight and count in N (kept as the literature's variant, not for use: it is wrong near borders).
    key_stride, key_pool: keys and values only at every n-th position, or their maximum over cells of n positions
    (the last cell may be cut), an int or one per axis. Windows are laid out on the full grid, as without: key number k
    of an axis stands at position k n, for a cell its first one, and it is in the window when that position is.
    carried: S of the step before, None at the first; it is the S that this function gave, masked nowhere.

    Returns z (B, m, *sides) and S (B, positions, keys). UsageError when arguments contradict each other.
    """
    phi, normaliser = _checked(theta, phi, g, affinity, normaliser, border, concat)
    sides = theta.shape[2:]
    windows = (None,) * len(sides) if window is None else per_axis(window, len(sides), "window")
    strides, cells = (per_axis(n, len(sides), "keys") for n in (key_stride, key_pool))
    phi, g, inside = keys_of(phi, cells, strides), keys_of(g, cells, strides), []
    for axis, (side, width) in enumerate(zip(sides, windows, strict=True)):
        step = strides[axis] * cells[axis]
        beyond = width // (2 * step) + 1 if border == "zero" and width is not None else 0
        phi, g = (_with_zeros(keys, axis, beyond) for keys in (phi, g))
        inside.append(in_window(side, width, border, step, beyond))
    S = scale * logits(theta.flatten(2), phi.flatten(2), affinity, concat)
    S = S if carried is None else S + carried
    # kron: a key is inside when it is inside along each axis, positions and keys in reading order
    P = weights(S, reduce(torch.kron, inside).bool().to(S.device), affinity, normaliser)
    return (g.flatten(2) @ P.mT).unflatten(2, sides), S


def logits(theta: Tensor, phi: Tensor, affinity: str, concat: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """S_ij (B, N, K) of queries theta (B, l, N) and keys phi (B, l, K); Wang et al., equations (2) to (5)."""
    if concat is not None:
        w_theta, w_phi = concat
        # w . [theta_i, phi_j] is a sum of two parts, so that no pairs are built
        return ((w_theta @ theta)[..., :, None] + (w_phi @ phi)[..., None, :]).relu()
    if affinity == "euclidean":
        return -(theta[..., :, None] - phi[..., None, :]).square().sum(1) / 2
    return theta.mT @ phi


def weights(S: Tensor, inside: Tensor, affinity: str, normaliser: str) -> Tensor:
    """P_ij of logits S (B, N, K), zero where `inside` (N, K) is false."""
    if normaliser == "softmax":
        return S.masked_fill(~inside, -torch.inf).softmax(-1)
    f = S.masked_fill(~inside, -torch.inf).exp() if affinity in EXPONENTIAL else S.masked_fill(~inside, 0)
    return f / inside.sum(-1, keepdim=True)


def in_window(side: int, window: int | None, border: str, step: int = 1, beyond: int = 0) -> Tensor:
    """Which keys of one axis are in each position's window: int (side, keys), 1 or 0.

    Keys stand at every `step`-th of `side` positions, and `beyond` of them before the first and after the last.
    """
    i = torch.arange(side)[:, None]
    j = step * torch.arange(-beyond, -(-side // step) + beyond)
    if window is None:
        return torch.ones(side, len(j), dtype=torch.int8)
    if window < 1 or window % 2 == 0 or window < 2 * step - 1:
        least = f"at least {2 * step - 1}, so that each window has a key" if step > 1 else "has a centre"
        nearest = max(window // 2, step - 1) * 2 + 1
        raise UsageError(f"window {window}", f"a window is odd and {least}", f"Take {nearest}")
    start = i - window // 2
    if border == "clamp":
        start = start.clamp(0, max(side - window, 0))
    return ((start <= j) & (j < start + window)).to(torch.int8)


def keys_of(phi: Tensor, cells: Sequence[int], strides: Sequence[int] | None = None) -> Tensor:
    """Keys or values (B, channels, *sides) thinned to the maximum of cells of n, or to every n-th position."""
    axes = len(cells)
    if max(cells) > 1:
        pool = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)[axes - 1]
        phi = pool(phi, tuple(cells), ceil_mode=True)  # a side of 1 keeps its key
    for axis, n in enumerate(strides or (), start=2):
        if n > 1:
            phi = phi.index_select(axis, torch.arange(0, phi.shape[axis], n, device=phi.device))
    return phi


def per_axis(number: PerAxis, axes: int, name: str) -> tuple[int, ...]:
    """One number for each axis, from one for all or one for each; all at least 1."""
    numbers = (number,) * axes if isinstance(number, int) else tuple(number)
    if len(numbers) != axes or min(numbers) < 1:
        raise UsageError(f"{name} {number}", f"there are {axes} axes", f"Give one positive number, or {axes} of them")
    return numbers


def _with_zeros(keys: Tensor, axis: int, count: int) -> Tensor:
    """Zero vectors before the first and after the last key of one axis."""
    behind = keys.dim() - 3 - axis  # `pad` counts axes from the last one
    return functional.pad(keys, (*(0, 0) * behind, count, count)) if count else keys


def _checked(
    theta: Tensor,
    phi: Tensor | None,
    g: Tensor,
    affinity: str,
    normaliser: str | None,
    border: str,
    concat: tuple[Tensor, Tensor] | None,
) -> tuple[Tensor, str]:
    """phi and the normaliser with their defaults filled in; UsageError for what cannot be."""
    for given, known, name in ((affinity, AFFINITIES, "affinity"), (border, BORDERS, "border")):
        if given not in known:
            raise UsageError(f"{name} {given!r}", "there is no such one", f"Take one of {', '.join(known)}")
    normaliser = normaliser or ("softmax" if affinity in EXPONENTIAL else "1/N")
    if normaliser not in NORMALISERS:
        raise UsageError(f"normaliser {normaliser!r}", "there is no such one", f"Take one of {', '.join(NORMALISERS)}")
    if (affinity == "concat") != (concat is not None):
        raise UsageError(f"affinity {affinity!r}", f"concat is {concat!r}", "Give w_theta and w_phi for 'concat' alone")
    if affinity in ONE_EMBEDDING:
        if phi is not None and phi is not theta:
            raise UsageError(f"affinity {affinity!r}", "phi is not theta", "Give None as phi, or take 'embedded'")
        phi = theta
    if phi is None or phi.shape != theta.shape or g.shape[2:] != theta.shape[2:] or not 3 <= theta.dim() <= 5:
        shapes = [None if t is None else tuple(t.shape) for t in (theta, phi, g)]
        raise UsageError(
            f"a non-local operation on {shapes}",
            "theta and phi have one shape (B, l, *sides), and g the same sides, one to three",
            "Give maps of one size; keys are thinned by key_stride or key_pool",
        )
    return phi, normaliser
