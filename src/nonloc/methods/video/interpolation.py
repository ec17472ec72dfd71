"""A patch at a place between the pixels, by cubic convolution.

Source: Keys, "Cubic Convolution Interpolation for Digital Image Processing", IEEE TASSP 29(6), 1981,
DOI 10.1109/TASSP.1981.1163711, equation (15), a = -1/2.
"""

from __future__ import annotations

import numba
import numpy as np

compiled = numba.njit(nogil=True, cache=True)


@compiled
def interpolate(frame, v, u, across, moved):
    """The patch at (v, u) of `frame` into `moved`, by cubic convolution (Keys 1981); returns what of white noise's
    variance is left in it."""
    frames = frame if frame.ndim == 3 else frame.reshape((1, *frame.shape))
    channels, height, width = frames.shape
    patch = moved.shape[1]
    top, left = int(np.floor(v)), int(np.floor(u))
    down, right = _taps(v - top), _taps(u - left)
    for channel in range(channels):
        for i in range(patch + 3):
            y = min(max(top + i - 1, 0), height - 1)
            for j in range(patch):
                value = np.float32(0)
                for k in range(4):
                    value += right[k] * frames[channel, y, min(max(left + j + k - 1, 0), width - 1)]
                across[i, j] = value
        for i in range(patch):
            for j in range(patch):
                value = np.float32(0)
                for k in range(4):
                    value += down[k] * across[i + k, j]
                moved[channel, i, j] = value
    return (down**2).sum() * (right**2).sum()


@compiled
def _taps(t):
    """The four weights of cubic convolution at `t` in [0, 1)."""
    taps = np.empty(4, np.float32)
    for k in range(4):
        d = abs(t - (k - 1))
        taps[k] = 1.5 * d**3 - 2.5 * d**2 + 1 if d <= 1 else -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return taps
