"""Painted things, the sign, windows and lamps.

Each: u, v in metres, points p (n, 3), colours c (n, 3) -> colour (n, 3), slope along u, slope along v, gloss.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .texture import FINE, ROUGH, SOFT, mix, noise, step


def paint(u, v, p, c):
    n = noise(ROUGH, u / 0.9 + p[:, 0] / 3, v / 0.9)
    return c * np.clip(1 + 0.09 * n[:, :1], 0.5, 1.5), 0.0008 * n[:, 1], 0.0008 * n[:, 2], 0.35


def plastic(u, v, p, c):
    slot = (np.abs((u / 0.10) % 1 - 0.5) < 0.27) & (np.abs((v / 0.27) % 1 - 0.5) < 0.26)
    n = noise(ROUGH, u / 0.8 + p[:, 2], v / 0.8)
    return c * (1 + 0.10 * n[:, :1]) * np.where(slot, 0.35, 1.0)[:, None], 0 * u, 0 * u, 0.3


def beacon(u, v, p, c):
    band = step(3.1, 3.2, p[:, 2]) * step(6.0, 5.9, p[:, 2])
    window = (np.abs(p[:, 0] + 24.7) < 0.22) & (np.abs((p[:, 2] % 3.0) - 2.2) < 0.4)
    colour = mix(np.broadcast_to(c, (len(u), 3)), [0.45, 0.05, 0.035], band)
    colour = np.where(window[:, None], 0.04, colour)
    return colour * (1 + 0.10 * noise(SOFT, u / 6, v / 9)[:, :1]), 0 * u, 0 * u, 0.1


def door(u, v, p, c):
    board = np.abs((u * 12) % 1 - 0.5) * 2
    rail = (
        step(0.06, 0.045, np.abs(v - 0.5)) + step(0.06, 0.045, np.abs(v - 0.93)) + step(0.06, 0.045, np.abs(v - 0.08))
    )
    n = noise(FINE, u * 3, v / 2.2)
    tone = (0.45 + 0.55 * step(1.0, 0.84, board)) * (1 - rail) + 1.15 * rail
    tone = tone * step(0.0, 0.012, np.abs(u - 0.5)) * (1 + 0.13 * n[:, 0])
    return c * tone[:, None], 0 * u, 0 * u, 0.2


def cabin(u, v, p, c):
    port = np.hypot((u / 0.42) % 1 - 0.5, (v - 0.23) / 0.42)
    rim = step(0.30, 0.27, port)
    colour = mix(c * (1 + 0.05 * noise(ROUGH, u, v)[:, :1]), [0.50, 0.34, 0.10], rim)
    return mix(colour, [0.02, 0.03, 0.035], step(0.225, 0.20, port)), 0 * u, 0 * u, 0.3


def lettering():
    """The sign, painted: (rows, columns) of letter coverage, row 0 at the bottom."""
    board = Image.new("L", (1560, 230), 0)
    draw = ImageDraw.Draw(board)
    draw.rectangle((16, 16, 1543, 213), outline=255, width=8)
    draw.text(
        (60, 115), "NONLOC", fill=255, font=ImageFont.load_default(190), anchor="lm", stroke_width=4, stroke_fill=255
    )
    draw.text(
        (1500, 75),
        "ROPES & SAILS",
        fill=255,
        font=ImageFont.load_default(86),
        anchor="rm",
        stroke_width=2,
        stroke_fill=255,
    )
    draw.text(
        (1500, 160),
        "SINCE 2018",
        fill=255,
        font=ImageFont.load_default(74),
        anchor="rm",
        stroke_width=2,
        stroke_fill=255,
    )
    return np.asarray(board, np.float32)[::-1, :, None] / 255


LETTERS = lettering()


def sign(u, v, p, c):
    h, w = LETTERS.shape[:2]
    y, x = np.clip(v * h, 0, h - 1.01), np.clip(u * w, 0, w - 1.01)
    ink = LETTERS[y.astype(int), x.astype(int), 0]
    n, f = noise(ROUGH, u * 2.1, v * 0.6), noise(FINE, u * 4, v * 0.8)
    worn = ink * (1 - 0.35 * step(1.1, 2.2, n[:, 0] + 0.4 * f[:, 0]))
    ground = np.array([0.022, 0.075, 0.105]) * (1 + 0.16 * n[:, :1] + 0.08 * f[:, :1])
    return mix(ground, [0.80, 0.72, 0.52], worn), 0 * u, 0 * u, 0.15


def window(u, v, p, c):
    """A sash of 3 x 4 panes; what the glass shows comes in `glass`."""
    edge = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v) * 1.3)
    bars = np.minimum(np.abs((u * 3 + 0.5) % 1 - 0.5) / 3, np.abs((v * 4 + 0.5) % 1 - 0.5) / 3)
    wood = np.maximum(step(0.085, 0.07, edge), step(0.025, 0.018, bars))
    n = noise(FINE, u * 1.3 + c[:, 0], v)
    return mix(np.full((len(u), 3), 0.0), np.array([0.62, 0.58, 0.50]) * (1 + 0.1 * n[:, :1]), wood), 0 * u, 0 * u, 0.1


def lamp(u, v, p, c):
    return np.full((len(u), 3), 0.6), 0 * u, 0 * u, 0.1
