"""Eigenvalues and eigenvectors of many small symmetric matrices, faster than one call of LAPACK for each.

Source: Golub, Van Loan, "Matrix Computations", 4th edition, 2013, sections 8.3.1 (reduction to tridiagonal form) and
8.3.5 (implicit shifts); the shift and its bookkeeping after Bowdler, Martin, Reinsch, Wilkinson, Numerische
Mathematik 11, 1968, DOI 10.1007/BF02166681.

A rotation of the second part begins with a square root and a division that wait for the rotation before. Several
matrices take turns, so that their waits overlap. Each is worked out alone: its bits do not depend on its companions.
`side` is a tuple of zeros whose length is the padded length of a row, a multiple of 8: the length of a tuple belongs to
its type, so that loops over a row have a fixed length and become vector instructions without a rest.
"""

from __future__ import annotations

import numba
import numpy as np

compiled = numba.njit(nogil=True, cache=True)
# sums over a row may be taken in the order that is fastest; it is the same for every matrix of the same size
reordered = numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})

EPS = np.float32(np.finfo(np.float32).eps)
ZERO = np.float32(1e-30)  # a squared length below it is of nothing but rounding
MOST = 50  # sweeps for one eigenvalue; 1.7 is usual


@compiled
def eigen(matrices, values, vectors, side):
    """Fill `values` (n, L) and `vectors` (L, n, padded), float32, for symmetric `matrices` (L, n, n).

    In no order: values[i, t] belongs to the row vectors[t, i], which has zeros behind its n numbers. The matrices are
    overwritten.
    """
    count, n = len(matrices), matrices.shape[1]
    beside = np.zeros((n, count), np.float32)
    for t in range(count):
        tridiagonal(matrices[t], values[:, t], beside[:, t], vectors[t])
    diagonal(values, beside, vectors, side)


@reordered
def tridiagonal(a, d, e, q):
    """d, e: diagonal and what is beside it of q a q^T, by reflections H = 1 - beta v v^T; `a` (n, n) is overwritten."""
    n = len(a)
    space, betas = np.empty(n, np.float32), np.zeros(n, np.float32)
    for k in range(n - 2):
        v, w = a[k, k + 1 :], space[k + 1 :]  # slices, so that the loops below become vector instructions
        d[k], first = a[k, k], v[0]
        length = dot(v, v)
        if length < ZERO:
            e[k] = first
            continue
        alpha = -np.sqrt(length) if first > 0 else np.sqrt(length)
        beta = np.float32(1) / (length - alpha * first)
        e[k], betas[k], v[0] = alpha, beta, first - alpha
        for i in range(len(v)):
            w[i] = beta * dot(a[k + 1 + i, k + 1 :], v)
        add(w, np.float32(-0.5) * beta * dot(v, w), v)
        for i in range(len(v)):
            add_two(a[k + 1 + i, k + 1 :], -v[i], w, -w[i], v)
    d[n - 2], e[n - 2], d[n - 1] = a[n - 2, n - 2], a[n - 2, n - 1], a[n - 1, n - 1]
    q[:] = 0
    for i in range(n):
        q[i, i] = 1
    for k in range(n - 3, -1, -1):
        v = a[k, k + 1 :]
        for i in range(k + 1, n):
            row = q[i, k + 1 : n]
            add(row, -betas[k] * dot(row, v), v)


@reordered
def dot(x, y):
    s = np.float32(0)
    for j in range(len(x)):
        s += x[j] * y[j]
    return s


@reordered
def add(x, s, y):
    for j in range(len(x)):
        x[j] += s * y[j]


@reordered
def add_two(x, s, y, r, z):
    for j in range(len(x)):
        x[j] += s * y[j] + r * z[j]


@compiled
def diagonal(d, e, vectors, side):
    """Make the tridiagonal matrices `d`, `e` (n, L) diagonal by rotations, which also turn the rows of `vectors`."""
    n, count = d.shape
    one, two = np.float32(1), np.float32(2)
    middle = np.empty(count, np.int64)
    g, s, c, p = np.empty((4, count), np.float32)
    sines, cosines = np.empty((2, n, count), np.float32)
    for low in range(n - 1):
        for _ in range(MOST):
            top = low
            for t in range(count):
                m = low  # the matrix falls apart behind it
                while m < n - 1 and abs(e[m, t]) > EPS * (abs(d[m, t]) + abs(d[m + 1, t])):
                    m += 1
                middle[t] = m
                if m > low:
                    top = max(top, m)
                    shift = (d[low + 1, t] - d[low, t]) / (two * e[low, t])
                    r = np.sqrt(shift * shift + one)
                    g[t] = d[m, t] - d[low, t] + e[low, t] / (shift + (r if shift >= 0 else -r))
                    s[t], c[t], p[t] = 1, 1, 0
            if top == low:
                break
            for i in range(top - 1, low - 1, -1):
                turn(i, d[i], d[i + 1], e[i], e[i + 1], middle, g, s, c, p, sines[i], cosines[i])
            for t in range(count):
                m = middle[t]
                if m > low:
                    d[low, t] -= p[t]
                    e[low, t] = g[t]
                    e[m, t] = 0
                    rotate(vectors[t], sines[:, t], cosines[:, t], low, m, side)


@compiled
def turn(i, d, d_below, e, e_below, middle, g, s, c, p, sines, cosines):
    """One rotation of each matrix that reaches so far, in rows i and i + 1."""
    for t in range(len(d)):
        if i < middle[t]:
            f, b = s[t] * e[t], c[t] * e[t]
            r = np.sqrt(f * f + g[t] * g[t])
            part = np.float32(1) / r if r > 0 else np.float32(0)
            sine, cosine = f * part, g[t] * part if r > 0 else np.float32(1)
            h = d_below[t] - p[t]
            q = (d[t] - h) * sine + (b + b) * cosine
            e_below[t], p[t] = r, sine * q
            d_below[t], g[t] = h + p[t], cosine * q - b
            s[t], c[t], sines[t], cosines[t] = sine, cosine, sine, cosine


@reordered
def rotate(rows, sines, cosines, low, high, side):
    """Turn neighbouring rows into each other, the last pair first."""
    for i in range(high - 1, low - 1, -1):
        here, below, s, c = rows[i], rows[i + 1], sines[i], cosines[i]
        for k in range(len(side)):
            x, y = here[k], below[k]
            below[k] = s * x + c * y
            here[k] = c * x - s * y
