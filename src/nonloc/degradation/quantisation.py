"""The quantiser of a JPEG of a given quality.

Source: ITU-T T.81 (1992), Annex K, tables K.1 and K.2, and the scaling of the Independent JPEG Group's library, which
nearly all programs take for "quality".
"""

from __future__ import annotations

import numpy as np

LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
CHROMA = np.full((8, 8), 99)
CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]


def table(standard: np.ndarray, quality: int) -> np.ndarray:
    """The steps (8, 8), in levels of 255, row is vertical frequency, for `quality` from 1 to 100."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((standard * scale + 50) // 100, 1, 255)
