"""Finds scratches and dust: long thin ridges and small spots that stand out from what is usual around them.

Source: for spots the top-hat of Meyer, "Contrast feature extraction", 1977; for lines openings by straight elements at
many angles, as in Soille and Talbot, "Directional morphological filtering", IEEE TPAMI 23(11), 2001, DOI
10.1109/34.969120, here with gaps allowed. Ours: a ridge must be higher than both its sides, and both kinds higher than
what is usual around, which keeps edges and textures out. The constants were chosen on training pictures, for false
finds on less than 0.5 % of the pixels of clean ones.
"""

from __future__ import annotations

import numba
import numpy as np

from ...nonlocal_ops.strips import each
from ..filters.structuring import disk, opening

TOUCH = np.ones((3, 3), bool)
FAINT_LINE, FAINT_SPOT = 0.6, 0.4  # part of a threshold down to which a find is followed
# lines
ANGLES = 24
HALF = 18  # half the length of a line element
FILLED = 0.9  # of a line element that must be ridge
SIDE = 4  # how far from the middle of a ridge its sides are looked at, in pixels
RIDGE, LEAST_RIDGE = 2.2, 0.05  # times what is usual, and at all; black 0, white 1
AROUND_LINE = 81  # side of the square in which it is measured what is usual
# spots
SPOT = 5  # radius of the disk that none of them holds
AREA = (6, 80)
HAT, LEAST_HAT = 5.0, 0.12
SPREAD = 5.0  # times the standard deviation of what is around
AROUND_SPOT = 41
WHITE, BLACK = 0.65, 0.3  # bright spots are brighter than that, dark ones darker: dust is white or black


def scratch_mask(u: np.ndarray, polarity: str, sensitivity: float = 1.0) -> np.ndarray:
    """Where the colour picture `u`, float32 (C, H, W), black 0, white 1, has scratches or spots: bool (H, W).

    polarity: 'bright', 'dark' or 'both'. sensitivity: thresholds are divided by it.
    """
    from scipy.ndimage import binary_dilation

    found = np.zeros(u.shape[1:], bool)
    # in the darkest channel only what is white is bright, so that a coloured thing is no damage
    for name, v, least in (("bright", u.min(0), WHITE), ("dark", -u.max(0), -BLACK)):
        if polarity in (name, "both"):
            found |= lines(v, sensitivity) | spots(v, least, sensitivity)
    return binary_dilation(found, TOUCH)  # the soft rim


def lines(u: np.ndarray, sensitivity: float) -> np.ndarray:
    """Bright ridges of `u`, float32 (H, W), that go on for the length of a line element at one of the angles."""
    from scipy.ndimage import binary_propagation, gaussian_filter, maximum_filter, uniform_filter

    v = np.ascontiguousarray(gaussian_filter(u, 0.7))
    steps = np.maximum(*(np.abs(v - np.roll(v, SIDE - 1, axis)) for axis in (0, 1)))
    threshold = np.maximum(LEAST_RIDGE, RIDGE * uniform_filter(steps, AROUND_LINE)) / np.float32(sensitivity)

    def along(angle: float) -> tuple[np.ndarray, np.ndarray]:
        across = np.array([np.cos(angle), -np.sin(angle)])
        element = np.rint(np.arange(-HALF, HALF + 1)[:, None] * [np.sin(angle), np.cos(angle)]).astype(np.int64)
        height = _ridge(v, *np.rint(SIDE * across).astype(np.int64))
        found = _long(height > threshold, element, int(np.ceil(FILLED * len(element))))
        near = maximum_filter(found, 2 * HALF + 1) if found.any() else found
        return found, near & (height > FAINT_LINE * threshold)

    found, faint = (np.any(part, 0) for part in zip(*each(along, np.pi * np.arange(ANGLES) / ANGLES), strict=True))
    return binary_propagation(found, TOUCH, found | faint)


def spots(u: np.ndarray, least: float, sensitivity: float) -> np.ndarray:
    """Bright things in `u`, float32 (H, W), that no disk of radius SPOT fits in, brighter than `least`."""
    from scipy.ndimage import label, uniform_filter

    def mean(v: np.ndarray) -> np.ndarray:
        return np.maximum(uniform_filter(v, AROUND_SPOT), 0)

    hat = u - opening(u, disk(SPOT))
    capped = u - np.maximum(hat - LEAST_HAT, 0)  # so that the spot itself does not count as what is around
    capped -= capped.mean()
    spread = np.sqrt(np.maximum(mean(capped**2) - uniform_filter(capped, AROUND_SPOT) ** 2, 0))
    usual = np.maximum(HAT * np.sqrt(mean(hat**2)), SPREAD * spread)
    threshold = np.maximum(LEAST_HAT, usual) / np.float32(sensitivity)
    pieces, count = label(hat > FAINT_SPOT * threshold, TOUCH.astype(int))
    area = np.bincount(pieces.ravel(), minlength=count + 1)
    kept = (area >= AREA[0]) & (area <= AREA[1])
    strong = np.zeros(count + 1, bool)
    strong[pieces[(hat > threshold) & (u > least)]] = True
    kept &= strong
    kept[0] = False
    return kept[pieces]


@numba.njit(nogil=True, cache=True)
def _ridge(v, dy, dx):
    """How far each pixel is above the higher of its two sides; minus infinity where one is beyond the border."""
    height, width = v.shape
    out = np.full(v.shape, np.float32(-np.inf))
    for y in range(abs(dy), height - abs(dy)):
        for x in range(abs(dx), width - abs(dx)):
            out[y, x] = v[y, x] - max(v[y + dy, x + dx], v[y - dy, x - dx])
    return out


@numba.njit(nogil=True, cache=True)
def _long(ridge, element, least):
    """The ridge pixels in line elements that hold at least so many of them; outside the picture is none."""
    height, width = ridge.shape
    out = np.zeros(ridge.shape, np.bool_)
    for y in range(height):
        for x in range(width):
            if not ridge[y, x]:
                continue
            n = 0
            for k in range(len(element)):
                v, w = y + element[k, 0], x + element[k, 1]
                if 0 <= v < height and 0 <= w < width and ridge[v, w]:
                    n += 1
            if n >= least:
                for k in range(len(element)):
                    v, w = y + element[k, 0], x + element[k, 1]
                    if 0 <= v < height and 0 <= w < width and ridge[v, w]:
                        out[v, w] = True
    return out
