"""Studio-range luma, the Y on which super-resolution and deblocking are scored.

Source: ITU-R BT.601, as MATLAB's rgb2ycbcr computes it: Y = 16 + 65.481 R + 128.553 G + 24.966 B with R, G, B
in [0, 1]. The full-range Y of JPEG is another thing; scores on it are 20 log10(255/219) = 1.32 dB lower.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ImageError

WEIGHT = (65.481, 128.553, 24.966)


def luma(pixels: ArrayLike) -> np.ndarray:
    """Y (H, W) of a colour picture (H, W, 3), 16 for black and 235 for white.

    uint8 in, uint8 out, rounded; floats in [0, 1] in, float64 out, not rounded. ImageError for any other
    array.
    """
    values = np.asarray(pixels)
    if values.shape[-1:] != (3,) or not (values.dtype == np.uint8 or values.dtype.kind == "f"):
        raise ImageError(
            "luma",
            f"{values.dtype} {values.shape} is no colour picture",
            "Give uint8 or float pixels (H, W, 3)",
        )
    if values.dtype == np.uint8:
        return np.floor(16.5 + values.astype(np.float64) / 255 @ np.array(WEIGHT)).astype(np.uint8)
    return 16 + values.astype(np.float64) @ np.array(WEIGHT)
