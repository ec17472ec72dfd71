"""How sets for resolution are measured: a small 8-bit picture by MATLAB's rules, scored on luma inside a rim.

The protocol of the field since 2017: sides cut to a multiple of the factor, the small picture made from RGB and rounded
to 8 bits, the large one rounded to 8 bits, PSNR and SSIM of the studio-range Y without `factor` pixels at each border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..degradation import Downscale
from ..image.resize import resize
from ..metrics import im2uint8, luma, psnr, ssim


@dataclass(frozen=True)
class Scores:
    """PSNR and SSIM of the 8-bit output; PSNR of the output before rounding."""

    psnr: float
    psnr_float: float
    ssim: float


def cut(clean: np.ndarray, factor: float) -> np.ndarray:
    """`clean` (H, W) or (H, W, 3) without the rows and columns beyond a multiple of the factor."""
    height, width = Downscale(factor).cut(np.empty((1, *clean.shape[:2]), bool)).shape[1:]
    return clean[:height, :width]


def small(clean: np.ndarray, factor: float) -> np.ndarray:
    """The picture that a method is given, uint8, of uint8 `clean` that was cut."""
    return resize(clean, 1 / factor)


def score(clean: np.ndarray, restored: np.ndarray, factor: float) -> Scores:
    """Of float `restored`, white 1, against uint8 `clean`, (H, W) or (H, W, 3)."""
    rim = int(np.ceil(factor))
    inside = np.s_[rim:-rim, rim:-rim]
    truth, eight, exact = (_y(p)[inside] for p in (clean, im2uint8(restored), np.asarray(restored, np.float64)))
    found, before = (psnr(truth, out, data_range=255) for out in (eight, exact))
    return Scores(found, before, ssim(truth, eight, data_range=255))


def _y(pixels: np.ndarray) -> np.ndarray:
    """Studio-range luma of colour, not rounded; of a gray picture its own levels, as published figures have it."""
    values = pixels / 255 if pixels.dtype == np.uint8 else pixels
    return 255 * values if pixels.ndim == 2 else luma(values)
