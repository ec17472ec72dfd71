"""Groups of similar patches as matrices of low rank: shrink their singular values by weighted nuclear norms, add up.

Source: Gu, Zhang, Zuo, Feng, "Weighted nuclear norm minimization with application to image denoising", CVPR 2014, DOI
10.1109/CVPR.2014.366, and IJCV 121, 2017, DOI 10.1007/s11263-016-0930-5, whose corollary 1 gives the limit of
re-weighting in closed form: with weights C / s, a singular value S becomes (S + sqrt(S^2 - 4 C)) / 2, or 0 where the
root is not real.

The singular vectors come from the small Gram matrix Z^T Z = V diag(S^2) V^T of the n x p^2 matrix Z of patches in rows,
without their mean; the result is Z V diag(S' / S) V^T, so that Z's other singular vectors are never needed.
"""

from __future__ import annotations

import numba
import numpy as np

from .symmetric_eigen import eigen

compiled = numba.njit(nogil=True, cache=True)

TOGETHER = 8  # matrices whose eigenvalues are sought in turns
FACTOR = np.float32(2 * np.sqrt(2))  # c of the paper: C = c sqrt(n) std^2


@compiled
def shrink_groups(x, y, std, left, patch, places, found, side, top, total, weight):
    """Restore the groups of some references and add them to `total` and `weight`.

    x: float32 (H, W). y: the noisy picture, noise of `std`; a share `left` of it is what the difference of x and y does
    not account for. places: (G, count), the patches of each group as y * W + x, the reference first; found: (G,), how
    many. side: a tuple of zeros as long as patch^2 rounded up to a multiple of 8. total, weight: (rows, W), from
    picture row `top` on.
    """
    groups, most = places.shape
    d = patch * patch
    z, means = np.empty((TOGETHER, most, d), np.float32), np.empty((TOGETHER, d), np.float32)
    gram, vectors = np.empty((TOGETHER, d, d), np.float32), np.empty((TOGETHER, d, len(side)), np.float32)
    values = np.empty((d, TOGETHER), np.float32)
    kept, shares, restored = np.empty(d * d, np.float32), np.empty(d, np.float32), np.empty((2, most * d), np.float32)
    for begin in range(0, groups, TOGETHER):
        count = min(TOGETHER, groups - begin)
        for t in range(count):
            n = found[begin + t]
            gather(x, patch, places[begin + t, :n], z[t, :n], means[t])
            np.dot(z[t, :n].T, z[t, :n], gram[t])
        eigen(gram[:count], values[:, :count], vectors[:count], side)
        for t in range(count):
            mine = places[begin + t, : found[begin + t]]
            n = len(mine)
            variance = left * left * noise_left(x, y, std, patch, mine[0])
            c = FACTOR * np.sqrt(np.float32(n)) * variance
            rank = keep(values[:, t], vectors[t], c, kept, shares)
            rows, coefficients = kept[: rank * d].reshape(rank, d), restored[0, : n * rank].reshape(n, rank)
            flat = restored[1, : n * d].reshape(n, d)
            if rank:
                np.dot(z[t, :n], rows.T, coefficients)
                for m in range(n):
                    for k in range(rank):
                        coefficients[m, k] *= shares[k]
                np.dot(coefficients, rows, flat)
            else:
                flat[:] = 0
            scatter(flat, means[t], patch, mine, top, total, weight)


@compiled
def noise_left(x, y, std, patch, place):
    """The variance of the noise in y less that of what was taken from the patch so far."""
    row, column, taken = place // x.shape[1], place % x.shape[1], np.float32(0)
    for i in range(row, row + patch):
        for j in range(column, column + patch):
            taken += (y[i, j] - x[i, j]) ** 2
    return np.abs(std * std - taken / np.float32(patch * patch))


@compiled
def keep(values, vectors, c, kept, shares):
    """How many singular values stay; `kept` gets their vectors, one after the other, `shares` what is left of each."""
    rank, d = 0, len(values)
    for i in range(d):
        if values[i] > 4 * c:
            shares[rank] = np.float32(0.5) * (1 + np.sqrt(1 - 4 * c / values[i]))
            kept[rank * d : rank * d + d] = vectors[i, :d]
            rank += 1
    return rank


@compiled
def gather(picture, patch, places, z, mean):
    """Rows of `z` become the patches without their mean, which becomes `mean`."""
    width = picture.shape[1]
    mean[:] = 0
    for m in range(len(places)):
        y, x = places[m] // width, places[m] % width
        row = z[m]
        for i in range(patch):
            row[i * patch : i * patch + patch] = picture[y + i, x : x + patch]
        for k in range(len(mean)):
            mean[k] += row[k]
    for k in range(len(mean)):
        mean[k] /= len(places)
    for m in range(len(places)):
        row = z[m]
        for k in range(len(mean)):
            row[k] -= mean[k]


@compiled
def scatter(patches, mean, patch, places, top, total, weight):
    """Add the patches and their mean where they came from; all count alike."""
    width = total.shape[1]
    for m in range(len(places)):
        y, x = places[m] // width - top, places[m] % width
        for i in range(patch):
            sums, counts = total[y + i, x : x + patch], weight[y + i, x : x + patch]
            values, means = patches[m, i * patch : i * patch + patch], mean[i * patch : i * patch + patch]
            for j in range(patch):
                sums[j] += values[j] + means[j]
                counts[j] += 1
