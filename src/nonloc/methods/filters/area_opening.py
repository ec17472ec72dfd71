"""Area opening: specks smaller than an area go, whatever their shape; all else keeps its outline.

Source: Vincent, "Morphological area openings and closings for grey-scale images", 1993; computed by union-find as
in Meijster and Wilkinson, "A comparison of algorithms for connected set openings and closings", IEEE TPAMI 24(4),
2002, DOI 10.1109/34.993556. A pixel takes the highest level at which it lies in a connected set (8 neighbours) of
at least `area` pixels that are all as bright or brighter. A set that is smaller reaches less than `area` pixels
far: that is the halo.
"""

from __future__ import annotations

import numba
import numpy as np

from ...degradation import Degradation
from ..base import ArrayMethod


class AreaOpening(ArrayMethod):
    """Removes specks from every channel by itself.

    specks: 'bright', 'dark', or 'both' (the bright ones first). area: in pixels; specks of fewer go.
    """

    def __init__(self, card, weights=None, specks: str = "both", area: int = 9):
        super().__init__(card, weights)
        self.specks, self.area = specks, area

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """`pixels`, float32 (B, C, H, W), without the specks; the degradation is not looked at."""
        out = np.array(pixels, np.float32, order="C")
        for plane in out.reshape(-1, *out.shape[2:]):
            if self.specks != "dark":
                plane[:] = area_opening(plane, self.area)
            if self.specks != "bright":
                plane[:] = -area_opening(-plane, self.area)
        return out


def area_opening(u: np.ndarray, area: int) -> np.ndarray:
    """The area opening of `u`, float32 (H, W)."""
    order = np.argsort(-u, axis=None, kind="stable")
    return _grow(np.ascontiguousarray(u), order, area)


@numba.njit(nogil=True, cache=True)
def _grow(u, order, area):
    """Sets grow from the brightest pixels down; one that has `area` pixels is finished and keeps its level."""
    height, width = u.shape
    level = u.ravel()
    parent = np.full(level.size, -1, np.int64)  # -1: not yet seen
    size = np.zeros(level.size, np.int64)
    for p in order:
        parent[p], size[p] = p, 1
        y, x = p // width, p % width
        for ny in range(max(0, y - 1), min(height, y + 2)):
            for nx in range(max(0, x - 1), min(width, x + 2)):
                q = ny * width + nx
                if q == p or parent[q] < 0:
                    continue
                root = _root(parent, q)
                if root == p:
                    continue
                if size[root] < area or level[root] == level[p]:  # too small at its own level: it sinks to this one
                    parent[root] = p
                    size[p] += size[root]
                else:
                    size[p] = area  # beside a finished set: finished, too
    out = np.empty(level.size, u.dtype)
    for i in range(level.size - 1, -1, -1):  # a parent is darker or later than its children
        p = order[i]
        out[p] = level[p] if parent[p] == p else out[parent[p]]
    return out.reshape(height, width)


@numba.njit(nogil=True, cache=True)
def _root(parent, q):
    root = q
    while parent[root] != root:
        root = parent[root]
    while parent[q] != root:
        parent[q], q = root, parent[q]
    return root
