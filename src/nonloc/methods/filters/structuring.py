"""Neighbourhoods as offsets (dy, dx), and erosion and dilation over them.

Source: Serra, "Image Analysis and Mathematical Morphology", 1982; erosion by B: min over b in B of u(x + b),
dilation by the same B: max over b in B of u(x - b), so that opening and closing move nothing. Positions outside the
picture do not exist.
"""

from __future__ import annotations

import numba
import numpy as np

from ...nonlocal_ops.strips import each
from .rows import least

STRIP = 64


def disk(radius: int) -> np.ndarray:
    """Offsets within `radius` of the middle, (n, 2)."""
    dy, dx = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.argwhere(dy**2 + dx**2 <= radius**2) - radius


def square(side: int) -> np.ndarray:
    """Offsets of a square, (side^2, 2); of an even one the middle is the pixel above and left of its centre."""
    return np.argwhere(np.ones((side, side), bool)) - (side - 1) // 2


def element(name: str) -> np.ndarray:
    """Offsets of 'disk-2' (a radius) or 'square-3' (a side)."""
    shape, _, size = name.partition("-")
    return {"disk": disk, "square": square}[shape](int(size))


def erode(plane: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """min of plane(x + b) over the offsets b; (H, W) float32."""
    plane = np.ascontiguousarray(plane)
    out = np.empty(plane.shape, np.float32)
    height = len(plane)
    each(lambda top: _erode(plane, offsets, out, top, min(top + STRIP, height)), range(0, height, STRIP))
    return out


def dilate(plane: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """max of plane(x - b) over the offsets b; (H, W) float32."""
    return -erode(-plane, -offsets)


def opening(plane: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Erosion, then dilation: what is bright and smaller than the element goes."""
    return dilate(erode(plane, offsets), offsets)


def closing(plane: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Dilation, then erosion: what is dark and smaller than the element goes."""
    return erode(dilate(plane, offsets), offsets)


@numba.njit(nogil=True, cache=True)
def _erode(plane, offsets, out, top, bottom):
    height, width = plane.shape
    out[top:bottom] = np.float32(np.inf)
    for y in range(top, bottom):
        for k in range(len(offsets)):
            dy, dx = offsets[k]
            left, right = max(0, -dx), min(width, width - dx)
            if 0 <= y + dy < height and left < right:
                least(out[y, left:right], plane[y + dy, left + dx : right + dx])
