"""Non-local means in volumes: each voxel becomes the mean of voxels whose surroundings look like its own.

Source: Coupe, Yger, Prima, Hellier, Kervrann, Barillot, "An optimized blockwise nonlocal means denoising filter for 3-D
magnetic resonance images", IEEE TMI 27(4), 2008, DOI 10.1109/TMI.2007.906087, equations (1) to (4), voxelwise. The
noise is subtracted from the distance, as in `classical.nl_means` (Buades, Coll, Morel, IPOL 2011, DOI
10.5201/ipol.2011.bcm_nlm), in place of their selection of voxels by mean and variance:

    d2(i, j) = mean over the cube of (u(i + k) - u(j + k))^2
    w(i, j)  = exp(-max(d2(i, j) - 2 sigma^2, 0) / h^2),    out(i) = sum_j w(i, j) u(j) / sum_j w(i, j)

with j in a window around i. Positions outside the volume do not exist; cubes that reach over the border see the volume
mirrored there, its edge voxels repeated.
"""

from __future__ import annotations

from itertools import product

import numba
import numpy as np

from ...degradation import Degradation
from ...nonlocal_ops.strips import each
from ..filters.rows import add, add_product, add_squares, decay
from ..filters.sigma_driven import SigmaDriven

SLAB, STRIP = 16, 32  # planes and rows worked on at once: their sums stay in the cache, and one thread owns them


class NLMeans3D(SigmaDriven):
    """Non-local means on a volume, whose slices are the channels.

    patch, window: sides of the cubes that are compared and looked at, in voxels, odd. h: the decay in units of sigma.
    """

    def __init__(self, card, weights=None, patch: int = 3, window: int = 11, h: float = 0.4):
        super().__init__(card, weights)
        self.patch, self.window, self.h = patch, window, h

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Restored copy of `pixels`, float32 (B, D, H, W). UsageError when sigma is not known."""
        std = self.sigma(degradation) / 255
        if std == 0:
            return pixels.copy()
        return np.stack([nl_means_3d(u, std, self.patch, self.window, self.h * std) for u in pixels])


def nl_means_3d(u: np.ndarray, std: float, patch: int, window: int, h: float) -> np.ndarray:
    """Non-local means of `u`, float32 (D, H, W), noise of standard deviation `std` in the same units; h > 0 likewise.

    The same bits on any number of threads, and in any slab that holds the window and the patch.
    """
    f, r = patch // 2, window // 2
    around = np.pad(np.ascontiguousarray(u), f, mode="symmetric")
    out = np.empty_like(u, order="C")
    tolerance, rate = np.float32(2 * std * std), np.float32(1 / (h * h))

    def block(start: tuple[int, int]) -> None:
        _block(around, out, start[0], start[1], f, r, tolerance, rate)

    each(block, product(range(0, u.shape[0], SLAB), range(0, u.shape[1], STRIP)))
    return out


def nl_means_3d_by_definition(u: np.ndarray, std: float, patch: int, window: int, h: float) -> np.ndarray:
    """What `nl_means_3d` means, readable and slow."""
    f, r = patch // 2, window // 2
    around, out = np.pad(u.astype(np.float64), f, mode="symmetric"), np.empty(u.shape)

    def cube(i: tuple[int, ...]) -> np.ndarray:
        return around[tuple(slice(start, start + patch) for start in i)]

    for i in np.ndindex(u.shape):
        total = mean = 0.0
        for j in product(*(range(max(0, x - r), min(n, x + r + 1)) for x, n in zip(i, u.shape, strict=True))):
            w = np.exp(-max(np.mean((cube(i) - cube(j)) ** 2) - 2 * std**2, 0) / h**2)
            total, mean = total + w, mean + w * u[j]
        out[i] = mean / total
    return out


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _block(around, out, front, top, f, r, tolerance, rate):
    """`out` from plane `front` and row `top` on, one displacement after the other."""
    depth, height, width = out.shape
    patch = 2 * f + 1
    planes, rows = min(SLAB, depth - front), min(STRIP, height - top)
    total = np.ones((planes, rows, width), np.float32)  # the voxel itself: distance 0, weight 1
    mean = around[front + f : front + f + planes, top + f : top + f + rows, f : f + width].copy()
    squares = np.empty((patch, width + 2 * f), np.float32)  # squared differences of the last `patch` rows
    layers = np.empty((patch, rows, width + 2 * f), np.float32)  # their sums, of the last `patch` planes
    column = np.empty(width + 2 * f, np.float32)
    weight = np.empty(width, np.float32)
    rate /= np.float32(patch * patch * patch)
    tolerance *= np.float32(patch * patch * patch)
    for dz in range(-r, r + 1):
        first, last = max(front, -dz), min(front + planes, depth - dz)  # planes that have a neighbour there
        for dy in range(-r, r + 1):
            low, high = max(top, -dy), min(top + rows, height - dy)
            for dx in range(-r, r + 1):
                left, right = max(0, -dx), min(width, width - dx)
                n = right - left
                if n <= 0 or high <= low or (dz == 0 and dy == 0 and dx == 0):
                    continue
                for k in range(first, last + 2 * f):  # planes of `around`; those around z end with z + 2 f
                    layer = layers[k % patch]
                    for i in range(low, high + 2 * f):
                        some = squares[i % patch, : n + 2 * f]
                        some[:] = 0
                        here = around[k, i, left : right + 2 * f]
                        add_squares(some, here, around[k + dz, i + dy, left + dx : right + dx + 2 * f])
                        y = i - 2 * f
                        if y >= low:
                            # sums by plain addition in a fixed order, so that no slab changes a bit
                            found = layer[y - top, : n + 2 * f]
                            found[:] = 0
                            for m in range(patch):
                                add(found, squares[(y + m) % patch, : n + 2 * f])
                    z = k - 2 * f
                    if z < first:
                        continue
                    for y in range(low, high):
                        column[: n + 2 * f] = 0
                        for m in range(patch):
                            add(column[: n + 2 * f], layers[(z + m) % patch, y - top, : n + 2 * f])
                        weight[:n] = 0
                        for m in range(patch):
                            add(weight[:n], column[m : m + n])
                        decay(weight[:n], tolerance, rate)
                        add(total[z - front, y - top, left:right], weight[:n])
                        there = around[z + dz + f, y + dy + f, left + dx + f : right + dx + f]
                        add_product(mean[z - front, y - top, left:right], weight[:n], there)
    out[front : front + planes, top : top + rows] = mean / total
