"""Periodic 1/f noise with its derivatives, fixed random numbers per cell, and two ways to blend."""

import numpy as np


def fractal(seed, slope=1.7, low=1.0, size=512):
    """A tile of 1/f^slope noise with its two derivatives, (size, size, 3); below `low` cycles a tile nothing."""
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij")) * size
    amplitude = np.where(f >= low, np.maximum(f, 1) ** -slope, 0) * np.exp(-((f / (0.35 * size)) ** 2))
    white = np.random.default_rng(seed).standard_normal((size, size))
    tile = np.fft.irfft2(np.fft.rfft2(white) * amplitude, s=(size, size))
    tile /= tile.std()
    slopes = [(np.roll(tile, -1, a) - np.roll(tile, 1, a)) * size / 2 for a in (1, 0)]
    return np.stack([tile, *slopes], axis=-1).astype(np.float32)


SOFT, ROUGH, FINE = fractal(1, 2.1), fractal(2, 1.6), fractal(3, 1.2, low=4)
WAVES = fractal(4, 2.5, low=5)


def noise(tile, u, v):
    """Value and derivatives (n, 3) of a periodic tile at u, v (in tiles), bilinear."""
    size = tile.shape[0]
    x, y = np.asarray(u, np.float64) * size, np.asarray(v, np.float64) * size
    i, j = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = (x - i).astype(np.float32)[..., None], (y - j).astype(np.float32)[..., None]
    i0, i1, j0, j1 = i % size, (i + 1) % size, j % size, (j + 1) % size
    top = tile[j0, i0] * (1 - fx) + tile[j0, i1] * fx
    return top * (1 - fy) + (tile[j1, i0] * (1 - fx) + tile[j1, i1] * fx) * fy


def cell(i, j=0, salt=0):
    """A fixed random number in [0, 1) for each pair of integers."""
    h = np.asarray(i, np.int64) * 374761393 + np.asarray(j, np.int64) * 668265263 + salt * 974634777
    h = ((h ^ (h >> 13)) & 0xFFFFFFFF) * 1274126177
    h = ((h ^ (h >> 16)) & 0xFFFFFFFF) * 2246822519
    return ((h ^ (h >> 15)) & 0xFFFFFF) / float(1 << 24)


def step(a, b, x):
    t = np.clip((x - a) / (b - a), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a, b, t):
    t = np.asarray(t)[..., None]
    return np.asarray(a) * (1 - t) + np.asarray(b) * t
