"""Brick, stone and slate.

Each: u, v in metres, points p (n, 3), colours c (n, 3) -> colour (n, 3), slope along u, slope along v, gloss.
"""

import numpy as np

from .texture import FINE, ROUGH, SOFT, cell, mix, noise, step


def masonry(u, v, long, high, joint, salt):
    """Running bond: distance to the joint, slopes of the rounded edge, row and column."""
    row = np.floor(v / high)
    along = u / long + 0.5 * (row % 2) + (0.22 * (cell(row, 7, salt) - 0.5) if salt else 0)
    col = np.floor(along)
    fu, fv = (along - col) * long, v - row * high
    du, dv = np.minimum(fu, long - fu), np.minimum(fv, high - fv)
    d = np.minimum(du, dv)
    gu = np.where(du < 2 * joint, np.sign(long / 2 - fu), 0) * (1 - du / (2 * joint))
    gv = np.where(dv < 2 * joint, np.sign(high / 2 - fv), 0) * (1 - dv / (2 * joint))
    return step(0.45 * joint, joint, d), gu, gv, row, col


def brick(u, v, p, c):
    solid, gu, gv, row, col = masonry(u, v, 0.38, 0.128, 0.017, 0)
    r = cell(row, col)
    colour = mix([0.24, 0.085, 0.055], [0.46, 0.20, 0.115], r)
    colour = np.where((cell(row, col, 2) > 0.9)[:, None], [0.155, 0.085, 0.07], colour)
    colour = np.where((cell(row, col, 3) > 0.93)[:, None], [0.50, 0.31, 0.19], colour)
    n, f = noise(ROUGH, u / 2.7, v / 2.7), noise(FINE, u / 1.1, v / 1.1)
    colour = mix(np.array([0.43, 0.38, 0.32]) * (1 + 0.12 * n[:, :1]), colour * (1 + 0.13 * f[:, :1]), solid)
    stain = noise(SOFT, u / 3.1, v / 13)[:, 0] + 0.6 * noise(SOFT, u / 7, v / 6)[:, 0]
    colour = colour * (1 + 0.10 * stain)[:, None] * (0.62 + 0.38 * step(-0.1, 0.9, v + 0.15 * stain))[:, None]
    return colour, 0.55 * gu + 0.004 * f[:, 1], 0.55 * gv + 0.004 * f[:, 2], 0.04


def ashlar(u, v, p, c):
    solid, gu, gv, row, col = masonry(u, v, 0.92, 0.335, 0.022, 1)
    n, f = noise(ROUGH, u / 2.3 + 0.37 * col, v / 2.3), noise(FINE, u / 1.9, v / 1.9)
    colour = mix([0.23, 0.205, 0.175], [0.36, 0.32, 0.265], cell(row, col))
    colour = colour * (1 + 0.17 * n[:, :1] + 0.12 * f[:, :1]) * (0.35 + 0.65 * solid)[:, None]
    tide = step(0.55, 0.25, p[:, 2] + 0.07 * n[:, 0])
    weed = step(0.34, 0.10, p[:, 2] + 0.08 * noise(ROUGH, u / 0.9, v / 1.7)[:, 0])
    colour = mix(colour * (1 - 0.5 * tide)[:, None], [0.035, 0.055, 0.018], 0.8 * weed)
    return colour, 0.6 * gu + 0.008 * n[:, 1], 0.6 * gv + 0.008 * n[:, 2], 0.08 + 0.25 * tide


def coping(u, v, p, c):
    col = np.floor(u / 1.3)
    n, f = noise(ROUGH, u / 1.9, v / 1.9 + 0.3 * col), noise(FINE, u / 1.3, v / 1.3)
    gap = step(0.018, 0.03, np.abs((u / 1.3) % 1 - 0.5) * -1.3 + 0.65)
    tone = (0.85 + 0.25 * cell(col)) * (1 + 0.12 * n[:, 0] + 0.10 * f[:, 0]) * (0.3 + 0.7 * gap)
    return np.array([0.40, 0.36, 0.30]) * tone[:, None], 0.006 * n[:, 1], 0.006 * n[:, 2], 0.06


def cobble(u, v, p, c):
    solid, gu, gv, row, col = masonry(u, v, 0.26, 0.20, 0.03, 1)
    tone = (0.7 + 0.5 * cell(row, col)) * (0.35 + 0.65 * solid) * (1 + 0.10 * noise(ROUGH, u / 2, v / 2)[:, 0])
    return np.array([0.25, 0.225, 0.20]) * tone[:, None], 0.5 * gu, 0.5 * gv, 0.12


def roof(u, v, p, c):
    solid, gu, _, row, col = masonry(u, v, 0.30, 0.25, 0.016, 0)
    n = noise(ROUGH, u / 2.9, v / 2.9)
    lap = (v / 0.25) % 1
    moss = step(0.7, 2.2, noise(SOFT, u / 5, v / 5)[:, 0] + 0.5 * n[:, 0])
    colour = mix([0.085, 0.090, 0.105], [0.17, 0.165, 0.165], cell(row, col)) * (1 + 0.16 * n[:, :1])
    colour = mix(colour, [0.16, 0.15, 0.055], 0.6 * moss) * (0.4 + 0.6 * solid * step(0, 0.16, lap))[:, None]
    return colour, 0.3 * gu, 0.12 + 0.02 * n[:, 2], 0.3


def stucco(u, v, p, c):
    n = noise(ROUGH, (p[:, 0] + 0.6 * p[:, 1]) / 1.7, (p[:, 2] + 0.3 * p[:, 1]) / 1.7)
    return c * (1 + 0.10 * n[:, :1]), 0.002 * n[:, 1], 0.002 * n[:, 2], 0.05


def rock(u, v, p, c):
    n = noise(ROUGH, p[:, 0] / 1.3 + 0.5 * p[:, 2], p[:, 1] / 1.3 - 0.7 * p[:, 2])
    m = noise(ROUGH, p[:, 0] / 0.9 + 0.4, p[:, 2] / 0.9 + 0.3 * p[:, 1])
    f = noise(FINE, p[:, 0] / 0.8 + p[:, 2] / 0.9, p[:, 1] / 0.8)
    colour = c * np.clip(1 + 0.20 * n[:, :1] + 0.16 * m[:, :1] + 0.14 * f[:, :1], 0.3, 1.9)
    lichen = step(1.0, 1.9, noise(SOFT, p[:, 0] * 0.9, p[:, 1] * 0.9)[:, 0] + 0.5 * m[:, 0]) * step(0.3, 0.5, p[:, 2])
    colour = mix(colour, [0.42, 0.36, 0.12], 0.55 * lichen)
    wet = step(0.34, 0.10, p[:, 2] + 0.05 * n[:, 0])
    colour = mix(colour * (1 - 0.55 * wet)[:, None], [0.03, 0.04, 0.015], 0.5 * wet)
    return colour, 0.009 * (n[:, 1] + m[:, 1]), 0.009 * (n[:, 2] + m[:, 2]), 0.06 + 0.35 * wet
