"""Wood, rope and canvas.

Each: u, v in metres, points p (n, 3), colours c (n, 3) -> colour (n, 3), slope along u, slope along v, gloss.
"""

import numpy as np

from .texture import FINE, ROUGH, SOFT, cell, mix, noise, step


def grain(u, v, c, wide, rough=1.0):
    """Wood with its fibres along u."""
    n = noise(ROUGH, u / 5.3, v / 0.55)
    f = noise(FINE, u / 2.6, v / 0.16)
    rings = np.sin(30 * v / wide + 2.2 * n[:, 0] + 3 * noise(SOFT, u / 3, v / 1.7)[:, 0])
    tone = 1 + rough * (0.10 * n[:, 0] + 0.12 * f[:, 0] + 0.09 * rings)
    return c * np.clip(tone, 0.35, 1.6)[:, None], 0 * u, rough * 0.010 * f[:, 2] * 0.16 / wide * 0.3, 0.08


def timber(u, v, p, c):
    return grain(u, v, c, 0.5)


def deck(u, v, p, c):
    colour, gu, gv, _ = grain(u, v, c, 0.22, 1.5)
    crack = step(1.5, 2.3, noise(FINE, u / 7, v / 0.35)[:, 0])
    colour = colour * (1 - 0.6 * crack)[:, None]
    side = v % 0.3
    colour = colour * (0.30 + 0.70 * step(0.0, 0.022, side) * step(0.205, 0.183, side))[:, None]
    end = np.abs((u % 1.2) - 0.6)
    across = np.abs((v % 0.3) - 0.10)
    nail = (np.hypot(end, across - 0.055) < 0.016) & (p[:, 2] > 0.74)
    dirt = noise(SOFT, p[:, 0] / 3, p[:, 1] / 3)[:, 0]
    colour = colour * (1 + 0.13 * dirt)[:, None]
    return np.where(nail[:, None], [0.06, 0.05, 0.045], colour), gu, gv, 0.06


def pile(u, v, p, c):
    colour, gu, gv, _ = grain(v, u, c, 0.3, 1.5)
    wet = step(0.42, 0.16, p[:, 2] + 0.06 * noise(ROUGH, u, v)[:, 0])
    return mix(colour, [0.035, 0.045, 0.022], 0.85 * wet), gv, gu, 0.1 + 0.3 * wet


def staves(u, v, p, c):
    colour, gu, gv, _ = grain(v, u, c, 0.2)
    gap = np.abs((u / 0.105) % 1 - 0.5) * 2
    return colour * (0.8 + 0.4 * cell(np.floor(u / 0.105)))[:, None] * step(1.0, 0.88, gap)[:, None], gv, gu, 0.15


def planking(u, v, p, c):
    colour, gu, gv, gloss = grain(u, v, c, 0.2)
    return colour * (1 - 0.7 * step(0.42, 0.5, np.abs((v / 0.11) % 1 - 0.5)))[:, None], gu, gv, gloss


def clinker(u, v, p, c):
    """A painted hull of overlapping strakes with a light line under the rail."""
    strake = (v / 0.155) % 1
    n = noise(ROUGH, u / 2.2, v / 0.7)
    colour = np.broadcast_to(c, (len(u), 3))
    colour = colour * (0.45 + 0.55 * step(0.0, 0.14, strake))[:, None]
    colour = np.where((p[:, 2] < 0.13)[:, None], np.array([0.20, 0.035, 0.03]), colour)
    line = step(0.12, 0.135, p[:, 2]) * step(0.20, 0.185, p[:, 2])
    colour = mix(colour, [0.68, 0.66, 0.60], line)
    grime = step(0.3, 1.6, noise(SOFT, u / 1.1, v / 6)[:, 0]) * step(0.5, 0.1, p[:, 2])
    return colour * (1 + 0.08 * n[:, :1]) * (1 - 0.35 * grime)[:, None], 0 * u, 0.28 - 0.2 * strake, 0.45


def cord(u, v, p, c):
    twist = np.sin(2 * np.pi * (v / 0.062 + u / 0.12))
    return c * (0.80 + 0.26 * twist)[:, None] * (1 + 0.1 * noise(FINE, u, v)[:, :1]), 0 * u, 0.12 * twist, 0.04


def canvas(u, v, p, c):
    seam = np.abs(((v + 0.10 * u) / 0.46) % 1 - 0.5) * 0.46
    weave = np.sin(2 * np.pi * u / 0.085) * np.sin(2 * np.pi * v / 0.085)
    stitch = (np.abs(seam - 0.212) < 0.012) & ((u / 0.05) % 1 < 0.6)
    n = noise(SOFT, u / 2.3, v / 2.3)
    f = noise(FINE, u / 1.5, v / 1.5)
    tone = 1 + 0.075 * weave + 0.07 * n[:, 0] + 0.045 * f[:, 0]
    tone = tone * (1 - 0.22 * step(0.195, 0.205, seam)) * np.where(stitch, 0.82, 1.0)
    return c * tone[:, None], 0.004 * n[:, 1], 0.004 * n[:, 2], 0.03
