"""Pixels made more or fewer, exactly as MATLAB's `imresize` does it, which all figures for super-resolution rest on.

Source: Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 29(6), 1981, DOI
10.1109/TASSP.1981.1163711 (a = -1/2); the rules for borders, antialiasing and rounding are those of `imresize`, checked
against its files: eight-bit samples are rounded, halves up, after each axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import UsageError


def nearest(x: np.ndarray) -> np.ndarray:
    x = np.round(x, 9)  # a place just between two samples is that everywhere, whatever the rounding of its number
    return ((x >= -0.5) & (x < 0.5)).astype(float)


def bilinear(x: np.ndarray) -> np.ndarray:
    return np.maximum(1 - np.abs(x), 0)


def bicubic(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return near * (x <= 1) + far * ((x > 1) & (x <= 2))


def lanczos2(x: np.ndarray) -> np.ndarray:
    return np.sinc(x) * np.sinc(x / 2) * (np.abs(x) < 2)


def lanczos3(x: np.ndarray) -> np.ndarray:
    return np.sinc(x) * np.sinc(x / 3) * (np.abs(x) < 3)


KERNELS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {  # and how wide they are
    "nearest": (nearest, 1),
    "bilinear": (bilinear, 2),
    "bicubic": (bicubic, 4),
    "lanczos2": (lanczos2, 4),
    "lanczos3": (lanczos3, 6),
}


@dataclass(frozen=True)
class Taps:
    """For each sample of one axis, the samples that it is made of and their shares: indices, shares (length, taps)."""

    indices: np.ndarray
    shares: np.ndarray

    def matrix(self, length: int) -> np.ndarray:
        """The same as a matrix (out, `length`)."""
        out = np.zeros((len(self.indices), length))
        np.add.at(out, (np.arange(len(self.indices))[:, None], self.indices), self.shares)
        return out


@lru_cache(maxsize=64)
def taps(length: int, out: int, scale: float, method: str, antialias: bool) -> Taps:
    """How an axis of `length` samples becomes one of `out`; beyond its ends it is mirrored, with the last one twice."""
    kernel, width = KERNELS[method]
    shrink = scale if antialias and scale < 1 and method != "nearest" else 1.0
    wide = width / shrink
    u = (np.arange(out) + 1) / scale + 0.5 * (1 - 1 / scale)  # places in the input, from 1 as MATLAB counts
    indices = np.floor(u - wide / 2)[:, None] + np.arange(math.ceil(wide) + 2)
    shares = shrink * kernel(shrink * (u[:, None] - indices))
    shares /= shares.sum(1, keepdims=True)
    mirrored = np.concatenate([np.arange(length), np.arange(length)[::-1]])
    indices = mirrored[(indices.astype(np.int64) - 1) % (2 * length)]
    used = (shares != 0).any(0)
    return Taps(np.ascontiguousarray(indices[:, used]), np.ascontiguousarray(shares[:, used]))


def resize(
    pixels: Any,
    scale: float | tuple[float, float] | None = None,
    *,
    size: tuple[int, int] | None = None,
    method: str = "bicubic",
    antialias: bool = True,
) -> Any:
    """`pixels` made larger or smaller.

    Parameters
    ----------
    pixels : array (H, W) or (H, W, C), or torch tensor (..., H, W)
        uint8 and uint16 arrays are rounded to their range after each axis, as MATLAB does; floats are neither rounded
        nor clipped. Tensors are differentiable.
    scale : number or pair
        How many times as large, of both axes or each; sizes are rounded up.
    size : pair of int
        Height and width that come out; instead of or, where a size is not the rounded one, beside `scale`.
    method : str
        'nearest', 'bilinear', 'bicubic', 'lanczos2' or 'lanczos3'.
    antialias : bool
        Whether the kernel is widened when the picture becomes smaller.

    Raises
    ------
    UsageError
        For an unknown method, no or a senseless size, or an array of another shape.
    """
    tensor = not isinstance(pixels, np.ndarray)
    if method not in KERNELS:
        raise UsageError(f"resizing by {method!r}", "no such method is known", f"Take one of {', '.join(KERNELS)}")
    if not tensor and pixels.ndim not in (2, 3):
        raise UsageError("resizing", f"an array of shape {pixels.shape}", "Give (H, W) or (H, W, C)")
    lengths = tuple(pixels.shape[-2:] if tensor else pixels.shape[:2])
    scales, out = _sizes(lengths, scale, size)
    # the axis that shrinks most goes first; of equal ones the rows
    for axis in sorted((0, 1), key=lambda a: scales[a]):
        if lengths[axis] == out[axis] and scales[axis] == 1:
            continue
        along = taps(lengths[axis], out[axis], scales[axis], method, antialias)
        pixels = _tensor_axis(pixels, along, axis - 2) if tensor else _array_axis(pixels, along, axis)
    return pixels


def _sizes(
    lengths: tuple[int, ...], scale: float | tuple[float, float] | None, size: tuple[int, int] | None
) -> tuple[tuple[float, float], tuple[int, int]]:
    if scale is None and size is None:
        raise UsageError("resizing", "neither a scale nor a size", "Give one of them")
    if scale is not None:
        pair = (float(scale), float(scale)) if np.isscalar(scale) else (float(scale[0]), float(scale[1]))  # type: ignore[index,arg-type]
    else:
        assert size is not None
        pair = (size[0] / lengths[0], size[1] / lengths[1])
    if not all(math.isfinite(s) and s > 0 for s in pair):
        raise UsageError("resizing", f"a scale of {scale if size is None else size}", "Give numbers above 0")
    # what a sum of binary fractions leaves beyond a whole number is no further sample
    wanted = size or tuple(math.ceil(round(s * n, 9)) for s, n in zip(pair, lengths, strict=True))
    return pair, (int(wanted[0]), int(wanted[1]))


def _array_axis(pixels: np.ndarray, along: Taps, axis: int) -> np.ndarray:
    moved = np.moveaxis(pixels, axis, 0)
    out = np.zeros((len(along.indices), *moved.shape[1:]))
    for k in range(along.indices.shape[1]):
        share = along.shares[:, k].reshape(-1, *[1] * (moved.ndim - 1))
        out += share * moved[along.indices[:, k]]
    out = np.moveaxis(out, 0, axis)
    if pixels.dtype.kind == "u":
        top = np.iinfo(pixels.dtype).max
        return np.floor(np.clip(out, 0, top) + 0.5).astype(pixels.dtype)
    return out.astype(pixels.dtype if pixels.dtype.kind == "f" else float, copy=False)


def _tensor_axis(pixels: Any, along: Taps, axis: int) -> Any:
    import torch

    length = pixels.shape[axis]
    matrix = torch.from_numpy(along.matrix(length)).to(pixels)
    return (
        torch.einsum("oi,...ix->...ox", matrix, pixels)
        if axis == -2
        else torch.einsum("oi,...yi->...yo", matrix, pixels)
    )
