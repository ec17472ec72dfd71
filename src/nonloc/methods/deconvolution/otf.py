"""Convolution in the Fourier domain, for pictures that go on beyond what was measured.

All functions work on the last two axes, with circular borders; `widened` makes room for what is not circular.
"""

from __future__ import annotations

import numpy as np
from scipy import fft


def otf(kernel: np.ndarray, height: int, width: int) -> np.ndarray:
    """The transfer function of `kernel` (k, k), k odd, its middle at the origin; complex (height, width // 2 + 1)."""
    r, s = kernel.shape[0] // 2, kernel.shape[1] // 2
    large = np.zeros((max(height, kernel.shape[0]), max(width, kernel.shape[1])))
    large[: kernel.shape[0], : kernel.shape[1]] = kernel
    large = np.roll(large, (-r, -s), (0, 1))
    if large.shape != (height, width):  # the kernel is larger than the picture: what sticks out wraps around
        folded = np.zeros((height, width))
        y, x = np.indices(kernel.shape)
        np.add.at(folded, ((y - r) % height, (x - s) % width), kernel)
        large = folded
    return fft.rfft2(large)


def convolved(pixels: np.ndarray, h: np.ndarray) -> np.ndarray:
    """`pixels` (..., H, W) through the transfer function `h` = otf(kernel, H, W); its adjoint through `h.conj()`."""
    return fft.irfft2(fft.rfft2(pixels) * h, s=pixels.shape[-2:])


def widened(pixels: np.ndarray, by: int) -> tuple[np.ndarray, tuple[slice, slice]]:
    """`pixels` with `by` more on each side, repeated from the border and blended so that opposite ends meet, to sides
    that transform fast; and where the picture lies in it."""
    height, width = pixels.shape[-2:]
    sides = [fft.next_fast_len(length + 2 * by, real=True) for length in (height, width)]
    beyond = [(by, side - length - by) for side, length in zip(sides, (height, width), strict=True)]
    wide = np.pad(pixels, [(0, 0)] * (pixels.ndim - 2) + beyond, mode="edge")
    for axis, (before, after) in zip((-2, -1), beyond, strict=True):
        wide = _meeting(np.moveaxis(wide, axis, -1), before, after)
        wide = np.moveaxis(wide, -1, axis)
    return np.ascontiguousarray(wide), (slice(by, by + height), slice(by, by + width))


def _meeting(rows: np.ndarray, before: int, after: int) -> np.ndarray:
    """Rows whose ends beyond the picture run smoothly from the last value to the first."""
    rows = rows.copy()
    gap = before + after
    if not gap:
        return rows
    first, last = rows[..., before : before + 1], rows[..., -after - 1 : rows.shape[-1] - after]
    t = 0.5 - 0.5 * np.cos(np.pi * (np.arange(gap) + 1) / (gap + 1))
    bridge = last + (first - last) * t.astype(rows.dtype)
    rows[..., rows.shape[-1] - after :] = bridge[..., :after]
    rows[..., :before] = bridge[..., after:]
    return rows
