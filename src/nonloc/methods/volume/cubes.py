"""Collaborative filtering of cubes: stacks transformed in four dimensions, shrunk, transformed back, added up.

Source: Maggioni, Katkovnik, Egiazarian, Foi, IEEE TIP 22(1), 2013, DOI 10.1109/TIP.2012.2210725: hard thresholding,
equations (6) to (8); Wiener filtering, (10) to (12); aggregation, (9) and (13).

A stack is float32 (m, n^3), m a power of two. `side` is a tuple of n zeros, so that each function is compiled for its
n; see `classical.collaborative`, of which this is the sister with a third axis.
"""

from __future__ import annotations

import numba
import numpy as np

from ..classical.collaborative import HALF_ROOT, power_of_two

compiled = numba.njit(nogil=True, cache=True)


@compiled
def hard_threshold(noisy, limit, side, forward, inverse, neighbours, found, top, total, weight):
    """Filter the stacks of some references and add them to `total` and `weight`, (planes, H, W), from plane `top` on.

    noisy: (D, H, W). limit: the smallest coefficient that stays. forward, inverse: (n, n), the transform along each
    side of a cube. neighbours, found: (Y, X, count) and (Y, X), the matches; the largest power of two is used.
    """
    stacks = np.empty((2, neighbours.shape[2], len(side) ** 3), np.float32)
    scratch = np.empty((2, len(side) ** 3), np.float32)
    for r in range(neighbours.shape[0]):
        for c in range(neighbours.shape[1]):
            places = neighbours[r, c, : power_of_two(found[r, c])]
            stack, other = stacks[0, : len(places)], stacks[1, : len(places)]
            gather(noisy, places, forward, stack, scratch, side)
            haar(stack, other)
            share = threshold_stack(stack, limit)
            haar_back(stack, other)
            scatter(stack, places, inverse, share, top, total, weight, scratch, side)


@compiled
def wiener(noisy, pilot, variance, side, forward, inverse, neighbours, found, top, total, weight):
    """The same with the Wiener filter that `pilot` (D, H, W) gives for noise of `variance`."""
    stacks = np.empty((3, neighbours.shape[2], len(side) ** 3), np.float32)
    scratch = np.empty((2, len(side) ** 3), np.float32)
    for r in range(neighbours.shape[0]):
        for c in range(neighbours.shape[1]):
            places = neighbours[r, c, : power_of_two(found[r, c])]
            m = len(places)
            stack, guide, other = stacks[0, :m], stacks[1, :m], stacks[2, :m]
            gather(noisy, places, forward, stack, scratch, side)
            gather(pilot, places, forward, guide, scratch, side)
            haar(stack, other)
            haar(guide, other)
            share = wiener_stack(stack, guide, variance)
            haar_back(stack, other)
            scatter(stack, places, inverse, share, top, total, weight, scratch, side)


@compiled
def threshold_stack(stack, limit):
    """Set what does not exceed `limit` to 0, but for the mean; returns the weight of the stack in the sum, (8)."""
    kept, mean = 0, stack[0, 0]
    for m in range(stack.shape[0]):
        for i in range(stack.shape[1]):
            keep = abs(stack[m, i]) > limit
            kept += keep
            stack[m, i] = stack[m, i] if keep else np.float32(0)
    stack[0, 0] = mean
    return np.float32(1 / max(kept, 1))


@compiled
def wiener_stack(stack, guide, variance):
    """Shrink each coefficient by what the pilot's says of it, (10); returns the weight of the stack, (12)."""
    energy, mean = np.float32(1e-6), stack[0, 0]
    for m in range(stack.shape[0]):
        for i in range(stack.shape[1]):
            power = guide[m, i] * guide[m, i]
            shrink = power / (power + variance)
            stack[m, i] *= shrink
            energy += shrink * shrink
    stack[0, 0] = mean
    return np.float32(1) / energy


@compiled
def gather(volume, places, forward, stack, scratch, side):
    """The cubes at `places`, transformed along their sides, into `stack`."""
    n = len(side)
    height, width = volume.shape[1:]
    for m in range(len(places)):
        z, rest = places[m] // (height * width), places[m] % (height * width)
        y, x = rest // width, rest % width
        for k in range(n):
            for i in range(n):
                for j in range(n):
                    scratch[0, (k * n + i) * n + j] = volume[z + k, y + i, x + j]
        turned(forward, scratch[0], scratch[1], side)
        turned(forward, scratch[1], scratch[0], side)
        turned(forward, scratch[0], stack[m], side)


@compiled
def scatter(stack, places, inverse, share, top, total, weight, scratch, side):
    """Put the cubes back where they came from, times `share`."""
    n = len(side)
    height, width = total.shape[1:]
    for m in range(len(places)):
        z, rest = places[m] // (height * width) - top, places[m] % (height * width)
        y, x = rest // width, rest % width
        turned(inverse, stack[m], scratch[0], side)
        turned(inverse, scratch[0], scratch[1], side)
        turned(inverse, scratch[1], scratch[0], side)
        for k in range(n):
            for i in range(n):
                for j in range(n):
                    total[z + k, y + i, x + j] += share * scratch[0, (k * n + i) * n + j]
                    weight[z + k, y + i, x + j] += share


@compiled
def turned(matrix, cube, out, side):
    """`matrix` along the first axis of `cube`, which becomes the last of `out`; three times transforms all three."""
    n = len(side)
    for rest in range(n * n):
        for a in range(n):
            s = np.float32(0)
            for k in range(n):
                s += matrix[a, k] * cube[k * n * n + rest]
            out[rest * n + a] = s


@compiled
def haar(stack, other):
    """Orthonormal Haar transform along the stack, in place: the mean first, the finest differences last."""
    length = len(stack)
    while length > 1:
        half = length // 2
        for m in range(half):
            for i in range(stack.shape[1]):
                a, b = stack[2 * m, i], stack[2 * m + 1, i]
                other[half + m, i] = (a - b) * HALF_ROOT
                other[m, i] = (a + b) * HALF_ROOT
        stack[:length] = other[:length]
        length = half


@compiled
def haar_back(stack, other):
    """The inverse of `haar`."""
    length = 2
    while length <= len(stack):
        half = length // 2
        for m in range(half):
            for i in range(stack.shape[1]):
                s, d = stack[m, i] * HALF_ROOT, stack[half + m, i] * HALF_ROOT
                other[2 * m, i] = s + d
                other[2 * m + 1, i] = s - d
        stack[:length] = other[:length]
        length *= 2
