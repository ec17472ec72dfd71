"""Despeckle: takes specks off a text scan, black and white ones, and leaves dots and thin strokes.

Source: area opening and closing (Vincent 1993; see `filters.area_opening`), but only where they change much, so that
the soft rim of a letter stays; then, where strokes are thick, the majority of the neighbours, for specks that touch a
stroke and so are part of it, by the kFill filter of O'Gorman, "Image and document processing techniques for the
RightPages electronic library system", ICPR 1992, DOI 10.1109/ICPR.1992.201781, with a core of one pixel.
"""

from __future__ import annotations

import numba
import numpy as np

from ...degradation import Degradation
from ..base import ArrayMethod
from ..filters.area_opening import area_opening

HALF = np.float32(0.25)  # a speck differs so much from its surroundings; less is the rim of a letter


class Despeckle(ArrayMethod):
    """Takes specks off every channel by itself; samples that are no part of one stay bit for bit.

    area: in pixels; lone specks of fewer go. strokes: 'thin', of one or two pixels, or 'thick'.
    """

    def __init__(self, card, weights=None, area: int = 5, strokes: str = "thin"):
        super().__init__(card, weights)
        self.area, self.strokes = area, strokes

    def restore(self, pixels: np.ndarray, degradation: Degradation | None):
        """`pixels`, float32 (B, C, H, W), without specks, and {'mask': bool (B, C, H, W), what was changed}."""
        out = np.array(pixels, np.float32, order="C")
        for plane in out.reshape(-1, *out.shape[2:]):
            for _ in range(2):  # the second time for what the first laid bare
                opened = area_opening(plane, self.area)
                plane[:] = np.where(plane - opened > HALF, opened, plane)
                closed = -area_opening(-plane, self.area)
                plane[:] = np.where(closed - plane > HALF, closed, plane)
                if self.strokes == "thick":
                    plane[:] = majority(plane)
        return out, {"mask": out != pixels}


@numba.njit(nogil=True, cache=True)
def majority(y):
    """`y`, float32 (H, W); a pixel that its neighbours contradict becomes their median."""
    height, width = y.shape
    out = y.copy()
    near = np.empty(8, y.dtype)
    for i in range(1, height - 1):
        for j in range(1, width - 1):
            above, below, corners_above, corners_below, n = 0, 0, 0, 0, 0
            for v in range(i - 1, i + 2):
                for x in range(j - 1, j + 2):
                    if v != i or x != j:
                        corner = v != i and x != j
                        if y[i, j] - y[v, x] > HALF:
                            above, corners_above = above + 1, corners_above + corner
                        elif y[v, x] - y[i, j] > HALF:
                            below, corners_below = below + 1, corners_below + corner
                        near[n] = y[v, x]
                        n += 1
            others, corners = (above, corners_above) if above > below else (below, corners_below)
            # alone, or on a straight rim; at the corner of a stroke 5 contradict, 3 of them diagonally
            if others >= 7 or (others == 5 and corners == 2):
                out[i, j] = np.median(near)
    return out
