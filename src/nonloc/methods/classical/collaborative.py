"""Collaborative filtering: transform a stack of similar blocks in three dimensions, shrink, transform back, add up.

Source: Dabov, Foi, Katkovnik, Egiazarian, IEEE TIP 16(8), 2007, DOI 10.1109/TIP.2007.901238: hard thresholding,
equations (6), (7), (10); empirical Wiener filtering, (8), (9), (11); aggregation, (12).

A stack is float32 (m, n, n), m a power of two. `side` is a tuple of n zeros: the length of a tuple belongs to its type,
so that each function is compiled for its n, loops over a block have fixed lengths, and rows stay in vector registers.
"""

from __future__ import annotations

import numba
import numpy as np

compiled = numba.njit(nogil=True, cache=True)

HALF_ROOT = np.float32(np.sqrt(0.5))


@compiled
def hard_threshold(noisy, limit, side, forward, inverse, window, neighbours, found, top, total, weight):
    """Filter the stacks of some rows of references and add them to `total` and `weight`.

    noisy: (C, H, W). limit: (C,), the smallest coefficient that stays. forward, inverse: (n, n), the transform across a
    block. window: (n, n), weights of its pixels. neighbours, found: (R, K, count) and (R, K), the matches of the
    references; the largest power of two of `found` is used. total, weight: (C, rows, W), from picture row `top` on.
    """
    forward_t, inverse_t = np.ascontiguousarray(forward.T), np.ascontiguousarray(inverse.T)
    stacks = np.empty((2, neighbours.shape[2], len(side), len(side)), np.float32)
    for r in range(neighbours.shape[0]):
        for c in range(neighbours.shape[1]):
            places = neighbours[r, c, : power_of_two(found[r, c])]
            stack, scratch = stacks[0, : len(places)], stacks[1, : len(places)]
            for channel in range(noisy.shape[0]):
                gather(noisy[channel], places, forward, forward_t, stack, side)
                haar(stack, scratch, side)
                share = threshold_stack(stack, limit[channel], side)
                haar_back(stack, scratch, side)
                scatter(stack, places, inverse, inverse_t, window, share, top, total[channel], weight[channel], side)


@compiled
def wiener(noisy, pilot, variance, side, forward, inverse, window, neighbours, found, top, total, weight):
    """The same with the Wiener filter that `pilot` (C, H, W) gives for noise of `variance` (C,)."""
    forward_t, inverse_t = np.ascontiguousarray(forward.T), np.ascontiguousarray(inverse.T)
    stacks = np.empty((3, neighbours.shape[2], len(side), len(side)), np.float32)
    for r in range(neighbours.shape[0]):
        for c in range(neighbours.shape[1]):
            places = neighbours[r, c, : power_of_two(found[r, c])]
            m = len(places)
            stack, guide, scratch = stacks[0, :m], stacks[1, :m], stacks[2, :m]
            for channel in range(noisy.shape[0]):
                gather(noisy[channel], places, forward, forward_t, stack, side)
                gather(pilot[channel], places, forward, forward_t, guide, side)
                haar(stack, scratch, side)
                haar(guide, scratch, side)
                share = wiener_stack(stack, guide, variance[channel], side)
                haar_back(stack, scratch, side)
                scatter(stack, places, inverse, inverse_t, window, share, top, total[channel], weight[channel], side)


@compiled
def threshold_stack(stack, limit, side):
    """Set what does not exceed `limit` to 0; returns the weight of the stack in the sum, (10)."""
    kept = 0
    mean = stack[0, 0, 0]
    for m in range(len(stack)):
        for i in range(len(side)):
            for j in range(len(side)):
                keep = abs(stack[m, i, j]) > limit
                kept += keep
                stack[m, i, j] = stack[m, i, j] if keep else np.float32(0)
    stack[0, 0, 0] = mean  # the mean is no detail: without this, black would attract dark gray
    return np.float32(1 / max(kept, 1))


@compiled
def wiener_stack(stack, guide, variance, side):
    """Shrink each coefficient by what the pilot's says of it, (8); returns the weight of the stack, (11)."""
    energy = np.float32(1e-6)  # a stack that is shrunk to nothing still counts
    mean = stack[0, 0, 0]
    for m in range(len(stack)):
        for i in range(len(side)):
            for j in range(len(side)):
                power = guide[m, i, j] * guide[m, i, j]
                shrink = power / (power + variance)
                stack[m, i, j] *= shrink
                energy += shrink * shrink
    stack[0, 0, 0] = mean
    return np.float32(1) / energy


@compiled
def gather(picture, places, forward, forward_t, stack, side):
    """Fill `stack` with the transforms of the blocks at `places` (y * width + x)."""
    n = len(side)
    row = np.empty((n, n), np.float32)
    for m in range(len(places)):
        y, x = places[m] // picture.shape[1], places[m] % picture.shape[1]
        multiply(forward, picture[y : y + n, x : x + n], row, side)
        multiply(row, forward_t, stack[m], side)


@compiled
def scatter(stack, places, inverse, inverse_t, window, share, top, total, weight, side):
    """Put the blocks back where they came from, each pixel weighted by share * window."""
    n = len(side)
    block, row = np.empty((2, n, n), np.float32)
    for m in range(len(places)):
        y, x = places[m] // total.shape[1] - top, places[m] % total.shape[1]
        multiply(inverse, stack[m], row, side)
        multiply(row, inverse_t, block, side)
        for i in range(n):
            for j in range(n):
                w = share * window[i, j]
                total[y + i, x + j] += w * block[i, j]
                weight[y + i, x + j] += w


@compiled
def multiply(a, b, product, side):
    for i in range(len(side)):
        for j in range(len(side)):
            s = np.float32(0)
            for k in range(len(side)):
                s += a[i, k] * b[k, j]
            product[i, j] = s


@compiled
def haar(stack, scratch, side):
    """Orthonormal Haar transform along the stack, in place: the mean first, the finest differences last."""
    length = len(stack)
    while length > 1:
        half = length // 2
        for m in range(half):
            for i in range(len(side)):
                for j in range(len(side)):
                    a, b = stack[2 * m, i, j], stack[2 * m + 1, i, j]
                    scratch[half + m, i, j] = (a - b) * HALF_ROOT
                    scratch[m, i, j] = (a + b) * HALF_ROOT
        stack[:length] = scratch[:length]
        length = half


@compiled
def haar_back(stack, scratch, side):
    """The inverse of `haar`."""
    length = 2
    while length <= len(stack):
        half = length // 2
        for m in range(half):
            for i in range(len(side)):
                for j in range(len(side)):
                    s, d = stack[m, i, j] * HALF_ROOT, stack[half + m, i, j] * HALF_ROOT
                    scratch[2 * m, i, j] = s + d
                    scratch[2 * m + 1, i, j] = s - d
        stack[:length] = scratch[:length]
        length *= 2


@compiled
def power_of_two(number):
    """The largest power of two that is not above `number`, which is at least 1."""
    size = 1
    while size * 2 <= number:
        size *= 2
    return size
