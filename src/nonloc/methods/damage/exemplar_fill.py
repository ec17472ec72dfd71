"""Exemplar fill: a hole is made of patches that stand elsewhere in the picture, so that each piece of it looks known.

Source: Wexler, Shechtman and Irani, "Space-time completion of video", IEEE TPAMI 29(3), 2007, DOI
10.1109/TPAMI.2007.60: from coarse to fine, every patch that touches the hole finds its nearest known patch, then each
lost pixel becomes the mean of what these patches say of it, weighted by likeness (their equation 4) and by how near to
the known they stand. The nearest patches are found as in Barnes et al., "PatchMatch", ACM TOG 28(3), 2009, DOI
10.1145/1531326.1531330, with a random search that is the same in every run.
"""

from __future__ import annotations

import numba
import numpy as np

from .smooth_fill import TOUCH, smooth_fill

R = 3  # half the side of a patch
GAMMA = 1.3  # Wexler et al., section 3: confidence falls as GAMMA^-distance from the known
COARSE, FINE = 12, 4  # rounds of search and vote, at the coarsest level and at the others
SEARCHES = 3
AROUND = 96  # pixels around a hole that are searched, at least; and twice its own size


def exemplar_fill(pixels: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """`pixels`, float32 (C, H, W), with the `lost` places, bool (H, W), filled; all others bit for bit.

    Holes near which no patch is wholly known are filled smoothly.
    """
    from scipy.ndimage import binary_dilation, find_objects, label

    if not lost.any() or lost.all():
        return pixels
    out = smooth_fill(pixels, lost)
    # holes less than a patch apart see each other's pixels, so they are filled together
    pieces, _ = label(binary_dilation(lost, TOUCH, iterations=R), TOUCH.astype(int))
    for number, place in enumerate(find_objects(pieces), 1):
        margin = max(AROUND, 2 * max(side.stop - side.start for side in place))
        near = tuple(slice(max(0, side.start - margin), side.stop + margin) for side in place)
        hole = lost[near] & (pieces[near] == number)
        out[(slice(None), *near)] = _complete(out[(slice(None), *near)], hole, lost[near])
    return out


def _complete(pixels: np.ndarray, hole: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """`pixels` (C, H, W), smooth in the `hole`, made of known patches there."""
    rng = np.random.default_rng(0)
    levels = [(np.ascontiguousarray(np.moveaxis(pixels, 0, -1)), hole, lost)]
    while _depth(levels[-1][1]).max() > R and min(levels[-1][1].shape) >= 8 * R:
        u, h, unknown = levels[-1]
        levels.append((_half(u), _half(h), _half(unknown)))
    field = None
    for level, (u, h, unknown) in reversed(list(enumerate(levels))):
        target, source = _centres(h, unknown)
        if not len(source):
            continue
        known = np.zeros(h.shape, bool)
        known[tuple(source.T)] = True
        coarse, field = field, np.zeros((*h.shape, 2), np.int32)
        field[tuple(target.T)] = source[rng.integers(len(source), size=len(target))]
        distances = np.full(h.shape, np.inf, np.float32)
        confidence = (GAMMA ** -_depth(h)).astype(np.float32)
        if coarse is not None:
            _inherit(field, coarse, target, known)
            _vote(u, h, target, field, np.zeros_like(distances), confidence, np.float32(1))
        for k in range(COARSE if coarse is None else FINE):
            _search(u, target, known, field, distances, SEARCHES, 1000 * level + k)
            spread = np.float32(np.percentile(distances[tuple(target.T)], 75)) + np.float32(1e-6)
            _vote(u, h, target, field, distances, confidence, spread)
    return np.where(hole, np.moveaxis(levels[0][0], -1, 0), pixels)


def _depth(hole: np.ndarray) -> np.ndarray:
    """How far each pixel of the hole is from a known one; 0 outside."""
    from scipy.ndimage import distance_transform_edt

    return np.asarray(distance_transform_edt(hole))


def _half(part: np.ndarray) -> np.ndarray:
    """Half as large: the mean of 2 x 2 pixels, or of a mask whether one of them is true."""
    height, width = part.shape[:2]
    part = np.pad(part, ((0, height % 2), (0, width % 2), *[(0, 0)] * (part.ndim - 2)), mode="edge")
    blocks = part.reshape(part.shape[0] // 2, 2, part.shape[1] // 2, 2, *part.shape[2:])
    return np.asarray(blocks.any((1, 3)) if part.dtype == bool else blocks.mean((1, 3)))


def _centres(hole: np.ndarray, unknown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres (n, 2) of the patches that touch the hole, and of those that are wholly known; all inside the picture."""
    from scipy.ndimage import binary_dilation

    square = np.ones((2 * R + 1, 2 * R + 1), bool)
    inside = np.zeros(hole.shape, bool)
    inside[R : max(R, hole.shape[0] - R), R : max(R, hole.shape[1] - R)] = True
    target = binary_dilation(hole, square) & inside
    source = ~binary_dilation(unknown, square) & inside
    return np.argwhere(target), np.argwhere(source).astype(np.int32)


@numba.njit(nogil=True, cache=True)
def _inherit(field, coarse, target, known):
    """Twice the displacement that the coarser level found, where it leads to a known patch."""
    for t in range(len(target)):
        y, x = target[t]
        if y // 2 >= coarse.shape[0] or x // 2 >= coarse.shape[1]:
            continue
        v, w = 2 * coarse[y // 2, x // 2, 0] + y % 2, 2 * coarse[y // 2, x // 2, 1] + x % 2
        if v < known.shape[0] and w < known.shape[1] and known[v, w]:
            field[y, x, 0], field[y, x, 1] = v, w


@numba.njit(nogil=True, cache=True)
def _distance(u, y, x, v, w, bound):
    """Sum of squared differences of two patches; anything at least `bound` where it exceeds that."""
    total = np.float32(0)
    for a in range(-R, R + 1):
        for b in range(-R, R + 1):
            for c in range(u.shape[2]):
                e = u[y + a, x + b, c] - u[v + a, w + b, c]
                total += e * e
        if total >= bound:
            return total
    return total


@numba.njit(nogil=True, cache=True)
def _search(u, target, known, field, distances, rounds, seed):
    """PatchMatch: what the neighbours found, moved along, then places at random around the best, ever nearer."""
    height, width = known.shape
    state = np.array([seed], np.uint64)
    for t in range(len(target)):
        y, x = target[t]
        distances[y, x] = _distance(u, y, x, field[y, x, 0], field[y, x, 1], np.float32(np.inf))
    for k in range(rounds):
        step = 1 if k % 2 == 0 else -1
        for n in range(len(target)):
            y, x = target[n if step == 1 else len(target) - 1 - n]
            for side in range(2):
                ny, nx = (y - step, x) if side == 0 else (y, x - step)
                if not (0 <= ny < height and 0 <= nx < width) or distances[ny, nx] == np.inf:
                    continue
                v, w = field[ny, nx, 0] + y - ny, field[ny, nx, 1] + x - nx
                if 0 <= v < height and 0 <= w < width and known[v, w]:
                    d = _distance(u, y, x, v, w, distances[y, x])
                    if d < distances[y, x]:
                        field[y, x, 0], field[y, x, 1], distances[y, x] = v, w, d
            radius = max(height, width)
            while radius >= 1:
                v = field[y, x, 0] + _random(state, radius)
                w = field[y, x, 1] + _random(state, radius)
                if 0 <= v < height and 0 <= w < width and known[v, w]:
                    d = _distance(u, y, x, v, w, distances[y, x])
                    if d < distances[y, x]:
                        field[y, x, 0], field[y, x, 1], distances[y, x] = v, w, d
                radius //= 2


@numba.njit(nogil=True, cache=True)
def _random(state, radius):
    """A whole number from -radius to radius; Knuth's MMIX generator, the high bits of it."""
    state[0] = state[0] * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
    return np.int64(state[0] >> np.uint64(33)) % (2 * radius + 1) - radius


@numba.njit(nogil=True, cache=True)
def _vote(u, hole, target, field, distances, confidence, spread):
    """Each pixel of the hole becomes the weighted mean of what the patches over it found there; `u` is written to."""
    height, width, channels = u.shape
    total = np.zeros((height, width, channels), np.float64)
    weights = np.zeros((height, width), np.float64)
    for t in range(len(target)):
        y, x = target[t]
        weight = confidence[y, x] * np.exp(-distances[y, x] / (2 * spread))
        for a in range(-R, R + 1):
            for b in range(-R, R + 1):
                if hole[y + a, x + b]:
                    weights[y + a, x + b] += weight
                    for c in range(channels):
                        total[y + a, x + b, c] += weight * u[field[y, x, 0] + a, field[y, x, 1] + b, c]
    for y in range(height):
        for x in range(width):
            if hole[y, x] and weights[y, x] > 1e-30:
                for c in range(channels):
                    u[y, x, c] = total[y, x, c] / weights[y, x]
