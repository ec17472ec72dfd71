"""JPEG smoothing: the picture is compressed again on all 64 positions of the block grid, and the results are averaged.

Source: Nosratinia, "Enhancement of JPEG-compressed images by re-application of JPEG", Journal of VLSI Signal Processing
27, 2001, DOI 10.1023/A:1008167430544. Ours: the result is brought back to what the file can have meant, which its
quantiser says, DCT coefficient by coefficient (projection as in Zakhor, IEEE TCSVT 2(1), 1992, DOI 10.1109/76.134377),
and colour, whose two chroma planes are done alike.
"""

from __future__ import annotations

import numpy as np

from ...degradation import Degradation
from ...degradation.quantisation import CHROMA, LUMA, table
from ...errors import UsageError
from ..base import ArrayMethod

REACH = 14  # a pixel sees the blocks that hold it, 7 pixels away, and each of these the block of the file it lies in
FROM_RGB = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


class JpegSmoothing(ArrayMethod):
    """Smooths the blocks and the ringing of a JPEG whose quality is known, and whose grid begins at the first pixel.

    constraint: how far a coefficient may leave what the file says, in steps of its quantiser: 0.5 is certain, 0.25 more
    likely than not, as most coefficients lie near the middle of their step.
    """

    def __init__(self, card, weights=None, constraint: float = 0.25):
        super().__init__(card, weights)
        self.constraint = constraint

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """`pixels`, float32 (B, C, H, W), smoothed. UsageError where no quality is told."""
        jpeg = degradation.compression if degradation is not None else None
        if jpeg is None:
            raise UsageError(
                f"{self.card.name} without a quality",
                "its strength follows from the quality of the JPEG",
                "Give jpeg:10, for example; nonloc estimate finds the quality of a file",
            )
        luma, chroma = (table(kind, jpeg.quality) for kind in (LUMA, CHROMA))
        return np.stack([self._one(picture, luma, chroma) for picture in pixels])

    def _one(self, picture: np.ndarray, luma: np.ndarray, chroma: np.ndarray) -> np.ndarray:
        if len(picture) == 1:
            return smooth(picture[0], luma, self.constraint)[None]
        y = np.einsum("ij,jyx->iyx", FROM_RGB, picture)
        # chroma is stored at half the sides: its grid there is 16 pixels wide here, which is not looked into
        out = [smooth(y[0], luma, self.constraint), *(smooth(plane, chroma, np.inf) for plane in y[1:])]
        return np.einsum("ij,jyx->iyx", np.linalg.inv(FROM_RGB), np.stack(out)).astype(np.float32)


def smooth(plane: np.ndarray, steps: np.ndarray, constraint: float) -> np.ndarray:
    """`plane` (H, W), black 0, white 1, under the quantiser `steps` (8, 8), in levels: float32."""
    from scipy.fft import dctn, idctn

    height, width = plane.shape
    pad = [(8, 8 + -height % 8), (8, 8 + -width % 8)]
    u = np.pad(plane.astype(np.float32) * 255 - 128, pad, mode="edge")
    steps = steps.astype(np.float32)

    def blocks(v: np.ndarray) -> np.ndarray:
        return v.reshape(v.shape[0] // 8, 8, v.shape[1] // 8, 8)

    total = np.zeros_like(u)
    weight = np.zeros_like(u)
    for dy in range(8):
        for dx in range(8):
            inner = (slice(dy, u.shape[0] - 8 + dy), slice(dx, u.shape[1] - 8 + dx))
            c = dctn(blocks(u[inner]), axes=(1, 3), norm="ortho")
            c = np.rint(c / steps[:, None]) * steps[:, None]
            total[inner] += idctn(c, axes=(1, 3), norm="ortho").reshape(total[inner].shape)
            weight[inner] += 1
    mean = total / np.maximum(weight, 1)
    if np.isfinite(constraint):
        own = slice(8, -8)
        said = dctn(blocks(u[own, own]), axes=(1, 3), norm="ortho")
        said = np.rint(said / steps[:, None]) * steps[:, None]  # the file was rounded to whole levels: undo that
        c = dctn(blocks(mean[own, own]), axes=(1, 3), norm="ortho")
        bound = constraint * steps[:, None]
        c = np.clip(c, said - bound, said + bound)
        mean[own, own] = idctn(c, axes=(1, 3), norm="ortho").reshape(mean[own, own].shape)
    return ((mean[8 : 8 + height, 8 : 8 + width] + 128) / 255).astype(np.float32)
