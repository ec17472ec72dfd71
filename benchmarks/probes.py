"""What a denoising network does inside, one small function a question; test_probes.py asks where the answer is known.

Networks take pictures (B, 1, H, W), black 0 and white 1, and give the clean estimate of the same shape.

Source: input gradients as an effective receptive field: Luo, Li, Urtasun, Zemel, NeurIPS 2016, arXiv 1701.04128; mean
distance of attention: Raghu et al., NeurIPS 2021, arXiv 2108.08810; the rest by definition.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from nonloc.metrics import im2uint8, psnr
from nonloc.nonlocal_ops.definition import in_window, weights

Restore = Callable[[Tensor], Tensor]


def restored(restore: Restore, noisy: np.ndarray) -> np.ndarray:
    """A picture (H, W) through a network."""
    with torch.inference_mode():
        return restore(torch.from_numpy(np.ascontiguousarray(noisy, np.float32))[None, None])[0, 0].float().numpy()


def quality(restore: Restore, pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> float:
    """Mean PSNR in dB over pairs of clean uint8 and noisy float pictures, 8-bit rule."""
    found = [psnr(clean, im2uint8(restored(restore, noisy)), data_range=255) for clean, noisy in pairs]
    return float(np.mean(found))


# Memory


def by_step(module: Callable[..., Tensor], pairs: Sequence[tuple[np.ndarray, np.ndarray]], steps: int) -> list[float]:
    """PSNR where the network is left after 1 to `steps` steps; module(y, steps=t) does so."""
    return [quality(partial(module, steps=t), pairs) for t in range(1, steps + 1)]


def gains(values: Sequence[float]) -> list[float]:
    """What each step has over the one before."""
    return [later - earlier for earlier, later in pairwise(values)]


# Sharing of settings


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def kflop_per_pixel(module: Restore, side: int) -> float:
    """Thousands of operations a pixel, two for a multiplication with its addition, counted on a square picture.

    side: where windows span the picture exactly, the dense product of all pairs of positions is the windows' cost. With
    gradients, as without them a compiled kernel may run that nobody counts.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        module(torch.rand(1, 1, side, side, requires_grad=True))
    return counter.get_total_flops() / side**2 / 1e3


def uses_per_pixel(module: nn.Module, side: int) -> float:
    """How often a stored weight of a convolution takes part in a product, per pixel of a square picture, on average."""
    products = stored = 0

    def count(layer: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        nonlocal products
        placed = given[0] if isinstance(layer, nn.ConvTranspose2d) else made  # where the kernel is laid
        products += layer.weight.numel() * placed.shape[-2] * placed.shape[-1]  # type: ignore[operator]

    hooks = []
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            stored += layer.weight.numel()
            hooks.append(layer.register_forward_hook(count))
    with torch.inference_mode():
        module(torch.rand(1, 1, side, side))
    for hook in hooks:
        hook.remove()
    return products / stored / side**2


# Context and long-term dependencies


def gradient(module: Restore, noisy: np.ndarray, at: tuple[int, int]) -> np.ndarray:
    """|d restored[at] / d noisy| for each pixel (H, W), scaled to a sum of 1."""
    y = torch.from_numpy(np.ascontiguousarray(noisy, np.float32))[None, None].requires_grad_()
    (found,) = torch.autograd.grad(module(y)[0, 0, at[0], at[1]], y)
    share = found[0, 0].abs().double().numpy()
    return share / share.sum()


def radius_of(share: np.ndarray, at: tuple[int, int], held: float = 0.9) -> float:
    """The smallest distance in pixels from `at` within which at least `held` of `share` lies."""
    y, x = np.mgrid[: share.shape[0], : share.shape[1]]
    distance = np.hypot(y - at[0], x - at[1]).ravel()
    order = np.argsort(distance, kind="stable")
    within = np.cumsum(share.ravel()[order])
    return float(distance[order][np.searchsorted(within, held * within[-1] - 1e-12)])


def copy_errors(
    restore: Restore,
    clean: np.ndarray,
    noise: np.ndarray,
    at: tuple[int, int],
    size: tuple[int, int],
    distances: Sequence[int],
) -> list[tuple[float, float]]:
    """Squared errors of the rectangle `size` with its corner `at`, for each distance to the right at which something is
    planted in the clean picture: first the rectangle turned by 180 degrees, then an exact copy of it.

    Turned, it has the same brightness and edges around it, and is nothing to learn from unless it is symmetric. The
    noise is the same for both, and another one at the copy than at the rectangle.
    """
    (y, x), (h, w) = at, size
    here = (slice(y, y + h), slice(x, x + w))
    errors = []
    for distance in distances:
        both = []
        for detail in (np.rot90(clean[here], 2), clean[here]):
            planted = clean.copy()
            planted[y : y + h, x + distance : x + distance + w] = detail
            found = restored(restore, planted + noise)[here]
            both.append(float(np.mean((found - clean[here]) ** 2)))
        errors.append((both[0], both[1]))
    return errors


def decibels(errors: Iterable[float]) -> float:
    """PSNR in dB of the mean of squared errors, white 1."""
    return -10 * math.log10(float(np.mean(list(errors))))


# Attention


def logits_by_step(module: nn.Module, noisy: np.ndarray) -> tuple[list[Tensor], tuple[int, int]]:
    """The logits (N, N) of each step of a `Steps` with a non-local part, summed where it carries them; and its grid."""
    made: dict[str, list[Tensor]] = {"theta": [], "phi": []}
    hooks = [
        getattr(part, name).register_forward_hook(lambda _, __, out, to=to: to.append(out[0]))
        for part in module.far  # type: ignore[union-attr]
        for name, to in made.items()
    ]
    restored(module, noisy)
    for hook in hooks:
        hook.remove()
    found: list[Tensor] = []
    for theta, phi in zip(made["theta"], made["phi"], strict=True):
        S = theta.flatten(1).mT @ phi.flatten(1) * theta.shape[0] ** -0.5
        found.append(S + found[-1] if module.shared and found else S)
    return found, tuple(made["theta"][0].shape[-2:])  # type: ignore[return-value]


def spread_of_attention(S: Tensor, sides: tuple[int, int], window: int, cell: int) -> tuple[float, float]:
    """Mean entropy in nats and mean distance in pixels of softmax(S) over clamped windows; a cell is so many pixels."""
    inside = torch.kron(*(in_window(side, window, "clamp") for side in sides)).bool()
    P = weights(S[None].double(), inside, "embedded", "softmax")[0]
    place = torch.cartesian_prod(*(torch.arange(side, dtype=torch.double) for side in sides))
    entropy = -torch.special.xlogy(P, P).sum(1).mean()
    distance = (P * torch.cdist(place, place)).sum(1).mean() * cell
    return float(entropy), float(distance)


# Size


def core_errors(
    restore: Restore, clean: np.ndarray, noisy: np.ndarray, at: tuple[int, int], core: int, sides: Sequence[int]
) -> list[float]:
    """Squared error of the same `core` x `core` pixels with their corner `at`, restored as the middle of squares of
    `sides`."""
    errors = []
    for side in sides:
        rim = (side - core) // 2
        square = tuple(slice(a - rim, a - rim + side) for a in at)
        inner = (slice(rim, rim + core),) * 2
        errors.append(float(np.mean((restored(restore, noisy[square])[inner] - clean[square][inner]) ** 2)))
    return errors
