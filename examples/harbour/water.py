"""The harbour water: ripples that bend the mirror image of the scene."""

import numpy as np

from .sky import sky
from .texture import SOFT, WAVES, mix, noise
from .world import EYE, FOCAL, HAZE, HORIZON, WIDTH


def water(light, over, d, mirror):
    """The harbour water along rays d (n, 3): ripples bend the mirror image, the depth shows where it is steep."""
    t = EYE[2] / np.maximum(-d[:, 2], 1e-5)
    p = EYE + d * t[:, None]
    foot = t**2 / (EYE[2] * FOCAL * WIDTH * over)  # how much water, in y, one pixel holds
    slope = np.zeros((len(d), 2))
    lanes = 1 + 0.55 * noise(SOFT, p[:, 0] / 60, p[:, 1] / 90)[:, 0]
    for size, tall, turn in ((15.0, 0.0085, 0.2), (5.5, 0.0026, -0.35), (2.3, 0.0008, 0.1)):
        u = (p[:, 0] * np.cos(turn) + p[:, 1] * np.sin(turn)) / (1.8 * size)
        v = (p[:, 1] * np.cos(turn) - p[:, 0] * np.sin(turn)) / size
        n = noise(WAVES, u + size, v)
        n = n[:, 1:] * (tall / size * lanes / (1 + (foot / (0.05 * size)) ** 2))[:, None]
        slope += n / [1.8, 1.0]
    normal = np.concatenate([-slope, np.ones((len(d), 1))], 1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    unit = d / np.linalg.norm(d, axis=1, keepdims=True)
    facing = np.clip(-(unit * normal).sum(1), 0.02, 1)
    fresnel = 0.03 + 0.97 * (1 - facing) ** 3.6  # Schlick has 5; less stands for ripples too small to draw
    back = unit + 2 * facing[:, None] * normal
    back[:, 2] = np.abs(back[:, 2]) + 0.002
    seen = sky(back)
    colour, cover, far = mirror
    h, w = cover.shape
    col = w * (0.5 + FOCAL * d[:, 0])
    row = h * HORIZON - w * FOCAL * d[:, 2]
    r, c = np.clip(row, 0, h - 1).astype(int), np.clip(col, 0, w - 1).astype(int)
    reach = np.clip(1 - t / np.minimum(far[r, c], 60), 0.10, 1)
    row = row + 2 * slope[:, 1] * w * FOCAL * reach
    col = col + 2 * slope[:, 0] * w * FOCAL * reach * np.clip(9 / t, 0, 1)
    row, col = np.clip(row - 0.5, 0, h - 1.001), np.clip(col - 0.5, 0, w - 1.001)
    i, j = row.astype(int), col.astype(int)
    fy, fx = (row - i)[:, None], (col - j)[:, None]
    both = np.concatenate([colour * cover[..., None], cover[..., None]], -1)
    at = (both[i, j] * (1 - fx) + both[i, j + 1] * fx) * (1 - fy) + (
        both[i + 1, j] * (1 - fx) + both[i + 1, j + 1] * fx
    ) * fy
    seen = seen * (1 - at[:, 3:]) + at[:, :3]
    inside = light.sun.lit(p)
    body = np.array([0.012, 0.036, 0.038]) * (0.6 + 0.6 * inside)[:, None] + np.array([0.002, 0.006, 0.010])
    body = body * (1 + 1.2 * np.clip(slope[:, 1:] * 3, -0.5, 1))
    out = body * (1 - fresnel)[:, None] + seen * fresnel[:, None]
    return mix(out, HAZE * [0.92, 0.9, 0.9], 0.75 * (1 - np.exp(-t / 500)))
