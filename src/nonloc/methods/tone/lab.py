"""CIE L*a*b* of sRGB pictures: lightness apart from colour.

Source: IEC 61966-2-1 (sRGB) and CIE 15:2004, section 8.2.1, white point D65. L* from 0 to 100.
"""

from __future__ import annotations

import numpy as np

MATRIX = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = MATRIX.sum(1)
E = (6 / 29) ** 3


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """L*, a*, b*, float64, of `rgb` (..., 3, H, W), black 0, white 1; values beyond are mapped on."""
    x, y, z = (_f(part) for part in np.moveaxis(_mix(MATRIX / WHITE[:, None], linear(rgb)), -3, 0))
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -3)


def from_lab(lab: np.ndarray) -> np.ndarray:
    """The way back, to rounding."""
    lightness, a, b = np.moveaxis(lab, -3, 0)
    y = (lightness + 16) / 116
    xyz = np.stack([_inverse(y + a / 500), _inverse(y), _inverse(y - b / 200)], -3)
    return encoded(_mix(np.linalg.inv(MATRIX / WHITE[:, None]), xyz))


def linear(values: np.ndarray) -> np.ndarray:
    """Light of sRGB `values`, odd about 0, so that values below black survive."""
    v = np.abs(np.asarray(values, np.float64))
    return np.sign(values) * np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def encoded(light: np.ndarray) -> np.ndarray:
    """sRGB values of `light`: the way back from `linear`."""
    v = np.abs(light)
    return np.sign(light) * np.where(v <= 0.04045 / 12.92, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)


def _f(t: np.ndarray) -> np.ndarray:
    return np.where(t > E, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)


def _inverse(t: np.ndarray) -> np.ndarray:
    return np.where(t > 6 / 29, t**3, 3 * (6 / 29) ** 2 * (t - 4 / 29))


def _mix(matrix: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    return np.einsum("ij,...jyx->...iyx", matrix, pixels)
