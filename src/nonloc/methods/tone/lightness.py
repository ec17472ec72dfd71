"""Changing how light a picture is, and not its colour.

Source: CIE 15:2004 for L*; ours: where a colour at its new lightness does not exist in sRGB it is made paler at the
same hue, by bisection.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .lab import from_lab, to_lab

HALVINGS = 12


def change_lightness(pixels: np.ndarray, curve: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`pixels`, float32 (C, H, W), with its lightness, float64 (H, W) from 0 to 1, replaced by `curve` of it.

    Gray pictures are their own lightness; of colour ones it is L* / 100. Where the curve leaves the lightness as it is
    the pixels stay bit for bit. Hue stays; what leaves [0, 1] further than the input did loses chroma.
    """
    if len(pixels) == 1:
        old = pixels[0].astype(np.float64)
        new = curve(old)
        return np.where(new == old, pixels[0], new.astype(np.float32))[None]
    lab = to_lab(pixels)
    old = lab[0] / 100
    new = curve(old)
    low, high = np.minimum(pixels.min(0), 0) - 1e-6, np.maximum(pixels.max(0), 1) + 1e-6

    def at(chroma: np.ndarray) -> np.ndarray:
        return from_lab(np.stack([100 * new, chroma * lab[1], chroma * lab[2]]))

    def inside(rgb: np.ndarray) -> np.ndarray:
        return (rgb.min(0) >= low) & (rgb.max(0) <= high)

    # colours keep their ratio of chroma to lightness, or they would look washed out where it is raised
    most = np.clip(new / np.maximum(old, 1e-3), 0, 1.5)
    fits = inside(at(most))
    least, most = np.where(fits, most, 0.0), most
    for _ in range(0 if fits.all() else HALVINGS):
        middle = (least + most) / 2
        good = inside(at(middle))
        least, most = np.where(good, middle, least), np.where(good, most, middle)
    return np.where(new == old, pixels, at(least).astype(np.float32))
