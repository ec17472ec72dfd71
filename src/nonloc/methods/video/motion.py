"""Where the patches of one frame lie in another: a search over a pyramid, to a fraction of a pixel.

Source: Koga et al., "Motion-compensated interframe coding for video conferencing", NTC 1981 (search by blocks); a
pyramid, and the minimum of a parabola through three distances, as is common since.

Patches are known by their top left pixel, on the grid of `nonlocal_ops.matching`. A frame here is float32 (H, W).
"""

from __future__ import annotations

import numba
import numpy as np

from ...nonlocal_ops.matching import reference_grid
from .interpolation import interpolate

compiled = numba.njit(nogil=True, cache=True)
PATCH, STEP = 8, 4
COARSE, FINE = 6, 2  # how far is looked on the smallest level, and around what is known on the others
SMALLEST = 32  # pixels of the shorter side on the smallest level
BETTER = 0.9  # share of its distance that a patch must come down to for a fraction of a pixel
INERTIA = (
    2.5  # what a pixel away from its start a displacement must be better by, over the variance of the guide's noise
)


def motion(here: np.ndarray, there: np.ndarray, variance: float, levels: int = 3) -> np.ndarray:
    """Displacement (R, K, 2), float32 (dy, dx), of each patch of `here` in `there`; inside the picture.

    variance: of what noise is left in the two. levels: of the pyramid, each half the size of that below.
    """
    pyramid = [(here, there)]
    while len(pyramid) < levels and min(pyramid[-1][0].shape) >= 2 * SMALLEST:
        pyramid.append((half(pyramid[-1][0]), half(pyramid[-1][1])))
    vectors = None
    for level in range(len(pyramid) - 1, -1, -1):
        a, b = pyramid[level]
        rows, columns = (reference_grid(length, PATCH, STEP) for length in a.shape)
        start = np.zeros((len(rows), len(columns), 2), np.int32)
        if vectors is not None:
            start = 2 * vectors[np.ix_(_nearest(rows, vectors.shape[0]), _nearest(columns, vectors.shape[1]))]
        reach = COARSE if vectors is None else FINE
        vectors = _search(a, b, rows, columns, start, reach, np.float32(INERTIA * variance / 4**level))
    return _refined(here, there, rows, columns, vectors)


def half(frame: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels; an odd last row or column is left out."""
    height, width = (length // 2 * 2 for length in frame.shape)
    return np.ascontiguousarray(frame[:height, :width].reshape(height // 2, 2, width // 2, 2).mean((1, 3)))


def _nearest(starts: np.ndarray, count: int) -> np.ndarray:
    """Of each patch, the patch of the smaller level that lies in the same place."""
    return np.minimum(starts // 2 // STEP, count - 1)


@compiled
def distance(a, b, y, x, v, u):
    """Mean squared difference of the patches at (y, x) of `a` and (v, u) of `b`."""
    total = np.float32(0)
    for i in range(PATCH):
        for j in range(PATCH):
            difference = a[y + i, x + j] - b[v + i, u + j]
            total += difference * difference
    return total / np.float32(PATCH * PATCH)


@compiled
def _search(a, b, rows, columns, start, reach, inertia):
    """The best whole displacement of each patch: around its start, its neighbours' and rest."""
    height, width = a.shape
    found = np.zeros_like(start)
    for r in range(len(rows)):
        y = rows[r]
        for c in range(len(columns)):
            x = columns[c]
            least, best_y, best_x = np.float32(np.inf), 0, 0
            base_y, base_x = start[r, c]
            for candidate in range(6):
                if candidate == 0:
                    dy, dx = start[r, c]
                elif candidate == 1:
                    dy, dx = 0, 0
                elif candidate == 2:
                    dy, dx = start[max(r - 2, 0), c]
                elif candidate == 3:
                    dy, dx = start[min(r + 2, len(rows) - 1), c]
                elif candidate == 4:
                    dy, dx = found[r, max(c - 1, 0)] if c else start[r, c]
                else:
                    dy, dx = found[max(r - 1, 0), c] if r else start[r, c]
                v, u = min(max(y + dy, 0), height - PATCH), min(max(x + dx, 0), width - PATCH)
                d = distance(a, b, y, x, v, u)
                if d < least:
                    least, base_y, base_x = d, v - y, u - x
            best_y, best_x = base_y, base_x
            for dy in range(base_y - reach, base_y + reach + 1):
                for dx in range(base_x - reach, base_x + reach + 1):
                    v, u = y + dy, x + dx
                    if v < 0 or u < 0 or v > height - PATCH or u > width - PATCH:
                        continue
                    away = abs(dy - base_y) + abs(dx - base_x)
                    d = distance(a, b, y, x, v, u) + inertia * np.float32(away)
                    if d < least:
                        least, best_y, best_x = d, dy, dx
            found[r, c, 0], found[r, c, 1] = best_y, best_x
    return found


@compiled
def _refined(a, b, rows, columns, vectors):
    """Displacements to a fraction of a pixel: the minimum of a parabola through three distances, each axis alone.

    The parabola does not see that a patch fits as it is, so a fraction must show that it fits better.
    """
    height, width = a.shape
    across, moved = np.empty((PATCH + 3, PATCH), np.float32), np.empty((1, PATCH, PATCH), np.float32)
    fine = np.empty(vectors.shape, np.float32)
    for r in range(len(rows)):
        y = rows[r]
        for c in range(len(columns)):
            x = columns[c]
            v, u = y + vectors[r, c, 0], x + vectors[r, c, 1]
            middle = distance(a, b, y, x, v, u)
            dy, dx = np.float32(0), np.float32(0)
            if 0 < v < height - PATCH:
                dy = _minimum(distance(a, b, y, x, v - 1, u), middle, distance(a, b, y, x, v + 1, u))
            if 0 < u < width - PATCH:
                dx = _minimum(distance(a, b, y, x, v, u - 1), middle, distance(a, b, y, x, v, u + 1))
            if dy or dx:
                interpolate(b, v + dy, u + dx, across, moved)
                if distance(a, moved[0], y, x, 0, 0) > BETTER * middle:
                    dy, dx = np.float32(0), np.float32(0)
            fine[r, c, 0], fine[r, c, 1] = vectors[r, c, 0] + dy, vectors[r, c, 1] + dx
    return fine


@compiled
def _minimum(before, middle, after):
    """Where a parabola through the three is least, in [-1/2, 1/2], to an eighth."""
    bend = before - 2 * middle + after
    if bend <= 0:
        return np.float32(0)
    place = np.float32(0.5) * (before - after) / bend
    return np.float32(np.rint(8 * min(max(place, np.float32(-0.5)), np.float32(0.5))) / 8)
