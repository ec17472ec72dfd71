"""Small transforms of BM3D as matrices: bior1.5 and cosine across a block, Haar along a group, and the Kaiser window.

Source: Dabov, Foi, Katkovnik, Egiazarian, IEEE TIP 16(8), 2007, section IV; bior1.5 after Cohen, Daubechies, Feauveau,
Comm. Pure Appl. Math. 45, 1992, DOI 10.1002/cpa.3160450502.
"""

from __future__ import annotations

import numpy as np


def cosine(n: int) -> np.ndarray:
    """The orthonormal discrete cosine transform (type II), (n, n); rows are the basis."""
    k, i = np.mgrid[:n, :n]
    rows = np.cos(np.pi * (2 * i + 1) * k / (2 * n))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def bior15(n: int) -> np.ndarray:
    """The biorthogonal wavelet 1.5 to full depth on n = 2^m periodic samples, (n, n), rows of unit norm.

    Not orthogonal: it keeps the standard deviation of white noise in every coefficient, but the way back is the inverse
    of the matrix, not its transpose.
    """
    smooth = np.array([3, -3, -22, 22, 128, 128, 22, -22, -3, 3]) / 256
    rows = np.eye(n)
    length = n
    while length > 1:
        level = np.zeros((length, length))
        for k in range(length // 2):
            for tap, weight in enumerate(smooth):
                level[k, (2 * k - 4 + tap) % length] += weight
            level[length // 2 + k, 2 * k] += 1
            level[length // 2 + k, 2 * k + 1] -= 1
        rows[:length] = level @ rows[:length]
        length //= 2
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def kaiser(n: int, beta: float) -> np.ndarray:
    """The Kaiser window over an (n, n) block, the weights of its pixels when it is put back."""
    return np.outer(np.kaiser(n, beta), np.kaiser(n, beta))
