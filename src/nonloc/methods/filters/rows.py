"""Operations on rows of pixels that the compiler turns into whole-vector instructions.

One value after the other and no sum along the row, so that a row gives the same bits wherever it is cut.
"""

from __future__ import annotations

import numba
import numpy as np

FAR = np.float32(16)  # exp(-16) = 1e-7: beyond it a weight is taken as 0
# exp(-s) on [0, 1] by a polynomial of degree 6 through the Chebyshev nodes, relative error 4e-8
P0, P1, P2, P3, P4, P5, P6 = np.array(
    [0.999999984, -0.999998454, 0.499975091, -0.166515167, 0.0412233177, -0.0076543251, 0.000849007872], np.float32
)


@numba.njit(nogil=True, cache=True)
def add(out, a):
    """out += a"""
    for x in range(len(out)):
        out[x] += a[x]


@numba.njit(nogil=True, cache=True)
def add_product(out, a, b):
    """out += a b"""
    for x in range(len(out)):
        out[x] += a[x] * b[x]


@numba.njit(nogil=True, cache=True)
def add_squares(out, a, b):
    """out += (a - b)^2"""
    for x in range(len(out)):
        out[x] += (a[x] - b[x]) * (a[x] - b[x])


@numba.njit(nogil=True, cache=True)
def decay(t, origin, rate):
    """t = exp(-max(t - origin, 0) rate), relative error 2e-6, as p(s)^16 without a call, so that vectors serve."""
    for x in range(len(t)):
        v = min(max((t[x] - origin) * rate, np.float32(0)), FAR)
        s = v * np.float32(0.0625)
        p = P0 + s * (P1 + s * (P2 + s * (P3 + s * (P4 + s * (P5 + s * P6)))))
        p *= p
        p *= p
        p *= p
        p *= p
        t[x] = p if v < FAR else np.float32(0)


@numba.njit(nogil=True, cache=True)
def exchange(low, high):
    """The smaller of each pair into `low`, the larger into `high`."""
    for x in range(len(low)):
        a, b = low[x], high[x]
        low[x] = min(a, b)
        high[x] = max(a, b)


@numba.njit(nogil=True, cache=True)
def least(out, a):
    """out = min(out, a)"""
    for x in range(len(out)):
        out[x] = min(out[x], a[x])


@numba.njit(nogil=True, cache=True)
def add_scaled(out, a, factor):
    """out += factor a"""
    for x in range(len(out)):
        out[x] += factor * a[x]
