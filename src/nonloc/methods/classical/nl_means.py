"""Non-local means: each pixel becomes the mean of pixels whose surroundings look like its own.

Source: Buades, Coll, Morel, "A non-local algorithm for image denoising", CVPR 2005, DOI 10.1109/CVPR.2005.38; with
the noise subtracted from the distance as in their "Non-local means denoising", IPOL 1, 2011, DOI
10.5201/ipol.2011.bcm_nlm:

    d2(i, j) = mean over patch and channels of (u(i + k) - u(j + k))^2
    w(i, j)  = exp(-max(d2(i, j) - 2 sigma^2, 0) / h^2),    out(i) = sum_j w(i, j) u(j) / sum_j w(i, j)

with j in a window around i. Positions outside the picture do not exist; patches that reach over the border see the
picture mirrored there, its edge pixels repeated. Colour is compared jointly: one weight for all channels.
"""

from __future__ import annotations

import numba
import numpy as np

from ...degradation import Degradation
from ...nonlocal_ops.strips import each
from ..filters.rows import add, add_product, add_squares, decay
from ..filters.sigma_driven import SigmaDriven

STRIP = 64  # rows worked on at once: their sums stay in the cache, and one thread owns them


class NLMeans(SigmaDriven):
    """Non-local means on gray or colour.

    patch, window: sides in pixels, odd. h: the decay in units of sigma. None takes `rule` for each.
    """

    def __init__(self, card, weights=None, patch: int | None = None, window: int | None = None, h: float | None = None):
        super().__init__(card, weights)
        self.patch, self.window, self.h = patch, window, h

    @staticmethod
    def rule(sigma: float, channels: int) -> tuple[int, int, float]:
        """(patch, window, h / sigma) for noise of `sigma` (0-255 scale): best on training pictures at 5 to 100."""
        if channels == 1:
            return (3, 13, 0.85) if sigma <= 30 else (5, 13, 0.7) if sigma <= 85 else (7, 13, 0.65)
        return (3, 13, 0.7) if sigma <= 60 else (5, 13, 0.6)

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Restored copy of `pixels`, float32 (B, C, H, W). UsageError when sigma is not known."""
        sigma = self.sigma(degradation)
        if sigma == 0:
            return pixels.copy()
        patch, window, h = self.rule(sigma, pixels.shape[1])
        patch, window, h = self.patch or patch, self.window or window, self.h or h
        return np.stack([nl_means(u, sigma / 255, patch, window, h * sigma / 255) for u in pixels])


def nl_means(u: np.ndarray, std: float, patch: int, window: int, h: float) -> np.ndarray:
    """Non-local means of `u`, float32 (C, H, W), noise of standard deviation `std` in the same units; h > 0 likewise.

    The same bits on any number of threads, and in any tile that holds the window and the patch.
    """
    u = np.ascontiguousarray(u)
    f, r = patch // 2, window // 2
    height = u.shape[1]
    around = np.pad(u, [(0, 0), (f, f), (f, f)], mode="symmetric")
    out = np.empty_like(u)
    tolerance = np.float32(2 * std * std)
    rate = np.float32(1 / (h * h))

    def strip(top: int) -> None:
        _strip(around, u, out, top, min(top + STRIP, height), f, r, tolerance, rate)

    each(strip, range(0, height, STRIP))
    return out


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _strip(around, u, out, top, bottom, f, r, tolerance, rate):
    """Rows `top` to `bottom` of the result. One offset after the other; a pair (i, j) serves both of its pixels."""
    channels, height, width = u.shape
    patch = 2 * f + 1
    total = np.ones((bottom - top, width), np.float32)  # the pixel itself: distance 0, weight 1
    mean = u[:, top:bottom].copy()
    squares = np.empty((patch, width + 2 * f), np.float32)  # squared differences of the last `patch` rows
    column = np.empty(width + 2 * f, np.float32)
    weight = np.empty(width, np.float32)
    rate /= np.float32(channels * patch * patch)
    tolerance *= np.float32(channels * patch * patch)
    for dy in range(r + 1):
        for dx in range(-r if dy else 1, r + 1):
            # i = (y, x) and j = (y + dy, x + dx), both in the picture, one of them in the strip
            left, right = max(0, -dx), min(width, width - dx)
            first, last = max(0, top - dy), min(bottom, height - dy)
            n = right - left
            if n <= 0:
                continue
            near, far = slice(left, right), slice(left + dx, right + dx)
            for row in range(first, last + 2 * f):  # rows of `around`; those around y end with y + 2 f
                y = row - 2 * f
                some = squares[row % patch, : n + 2 * f]
                some[:] = 0
                for c in range(channels):
                    add_squares(
                        some,
                        around[c, row, left : right + 2 * f],
                        around[c, row + dy, left + dx : right + dx + 2 * f],
                    )
                if y < first:
                    continue
                # sums over the patch by plain addition in a fixed order, so that no tile changes a bit
                column[: n + 2 * f] = 0
                for k in range(patch):
                    add(column[: n + 2 * f], squares[(y + k) % patch, : n + 2 * f])
                weight[:n] = 0
                for k in range(patch):
                    add(weight[:n], column[k : k + n])
                decay(weight[:n], tolerance, rate)
                if y >= top:
                    add(total[y - top, near], weight[:n])
                    for c in range(channels):
                        add_product(mean[c, y - top, near], weight[:n], u[c, y + dy, far])
                if y + dy < bottom:
                    add(total[y + dy - top, far], weight[:n])
                    for c in range(channels):
                        add_product(mean[c, y + dy - top, far], weight[:n], u[c, y, near])
    for c in range(channels):
        for y in range(bottom - top):
            for x in range(width):
                out[c, top + y, x] = mean[c, y, x] / total[y, x]
