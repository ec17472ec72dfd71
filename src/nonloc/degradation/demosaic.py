"""A sensor's mosaic of colours, and two ways back to a picture.

Source: the gradient correction of green, Malvar, He, Cutler, "High-quality linear interpolation for demosaicing of
Bayer-patterned color images", ICASSP 2004, DOI 10.1109/ICASSP.2004.1326587; red and blue follow green by their
difference, as in constant-hue interpolation.
"""

from __future__ import annotations

import numpy as np

CROSS = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], np.float32) / 4
SQUARE = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / 4
BEND = np.zeros((5, 5), np.float32)
BEND[[0, 4, 2, 2], [2, 2, 0, 4]], BEND[2, 2] = -1 / 8, 4 / 8


def mosaic(light: np.ndarray) -> np.ndarray:
    """What a sensor behind filters RGGB sees of `light` (3, H, W): (H, W)."""
    raw = light[1].copy()
    raw[::2, ::2], raw[1::2, 1::2] = light[0, ::2, ::2], light[2, 1::2, 1::2]
    return raw


def demosaic(raw: np.ndarray, corrected: bool = True) -> np.ndarray:
    """A picture (3, H, W) from the mosaic RGGB `raw` (H, W): bilinear, or with green corrected by the other colours."""
    from scipy.ndimage import convolve

    sites = np.zeros((3, *raw.shape), raw.dtype)
    sites[0, ::2, ::2] = sites[1, ::2, 1::2] = sites[1, 1::2, ::2] = sites[2, 1::2, 1::2] = 1
    green = convolve(raw * sites[1], CROSS, mode="mirror")
    if not corrected:
        return np.stack([
            convolve(raw * sites[0], SQUARE, mode="mirror"), green, convolve(raw * sites[2], SQUARE, mode="mirror")
        ])  # fmt: skip
    green += (1 - sites[1]) * convolve(raw, BEND, mode="mirror")
    red, blue = (green + convolve((raw - green) * sites[k], SQUARE, mode="mirror") for k in (0, 2))
    return np.stack([red, green, blue])
