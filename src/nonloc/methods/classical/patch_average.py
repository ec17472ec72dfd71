"""Patches taken out of a picture, filtered, and averaged where they overlap.

Source: Zoran, Weiss, ICCV 2011, DOI 10.1109/ICCV.2011.6126278, equations (4) and (5). `side` is a tuple of patch^2
zeros: the length of a tuple belongs to its type, so that loops over a patch have a fixed length.
"""

from __future__ import annotations

import numba
import numpy as np

compiled = numba.njit(nogil=True, cache=True)
# sums over a patch may be taken in the order that is fastest; it is the same for every patch
reordered = numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})


@compiled
def take(picture, patch, rows, columns, z, means):
    """Fill `z` (R * K, patch^2) with the patches at `rows` and `columns`, without their means, and `means`."""
    n = 0
    for y in rows:
        for x in columns:
            row, total = z[n], np.float32(0)
            for i in range(patch):
                for j in range(patch):
                    row[i * patch + j] = picture[y + i, x + j]
                    total += picture[y + i, x + j]
            means[n] = total / np.float32(patch * patch)
            for k in range(len(row)):
                row[k] -= means[n]
            n += 1


@compiled
def put(z, means, best, filters, patch, rows, columns, side, top, total, weight):
    """Filter the patches `z` by those of their components, and add them to `total` and `weight`, from row `top` on."""
    clean = np.empty(len(side), np.float32)
    n = 0
    for y in rows:
        for x in columns:
            k = best[n]
            wiener(z[n], filters.directions[k], filters.gains[k], filters.ranks[k], filters.tail[k], clean, side)
            for i in range(patch):
                for j in range(patch):
                    total[y - top + i, x + j] += clean[i * patch + j] + means[n]
                    weight[y - top + i, x + j] += np.float32(1)
            n += 1


@reordered
def wiener(z, directions, gains, rank, tail, clean, side):
    """tail z + sum_j gains_j d_j d_j^T z over the first `rank` directions."""
    for i in range(len(side)):
        clean[i] = tail * z[i]
    for j in range(rank):
        direction, s = directions[j], np.float32(0)
        for i in range(len(side)):
            s += direction[i] * z[i]
        s *= gains[j]
        for i in range(len(side)):
            clean[i] += s * direction[i]
