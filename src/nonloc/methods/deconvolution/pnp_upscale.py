"""Resolution by plug-and-play half-quadratic splitting: a picture that, made smaller, is the one that is there.

Source: the scheme is that of `pnp`, with H = blur, then every s-th sample (DPIR, IEEE TPAMI 2022,
DOI 10.1109/TPAMI.2021.3088914, section 4.2). `imresize` by 1/s is just such an H: its antialiasing kernel is taken as
it is, with the half pixel by which samples stand off for an even s, where the paper estimates a kernel.
"""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from ...degradation import Degradation
from ...errors import UsageError
from ...image.resize import resize, taps
from .operators import BlurredAndSmaller, Within
from .pnp import Frame, PlugAndPlay, half_quadratic, noise_of

FIRST = 30 / 255  # what the first step takes the picture for: bicubic is a good begin
SPAN = 16  # small samples: enough for a row of the widest kernel to lie inside


class Upscale(PlugAndPlay):
    """A picture made larger by a whole factor, for a known way in which it was made small."""

    def restore(self, pixels: Tensor, degradation: Degradation | None) -> Tensor:
        """`pixels` (B, C, H, W) -> (B, C, sH, sW). UsageError when no whole factor s above 1 is told."""
        scaling = degradation.scaling if degradation is not None else None
        s = 0 if scaling is None else int(scaling.factor)
        if scaling is None or s < 2 or s != scaling.factor:
            found = "none was told" if scaling is None else f"{scaling.factor:g} is not"
            raise UsageError(f"{self.card.name}: the factor", found, "Give a whole one above 1, such as 2")
        assert degradation is not None
        kernel = shrinking(s, scaling.method, degradation.blur.kernel if degradation.blur is not None else None)
        height, width = pixels.shape[-2:]
        frame = Frame(height, width, rim=-(-(len(kernel) // 2) // s), multiple=8 // math.gcd(8, s))
        y = frame.around(pixels.float())
        begin = resize(y, s, method="bicubic")
        sigma = noise_of(degradation)
        operator = Within(BlurredAndSmaller(kernel, s), frame.seen(y))
        x = half_quadratic(operator, y, begin, sigma, self.denoise, self.steps, FIRST, max(s / 255, sigma))
        return frame.larger(s).inside(x)


def shrinking(factor: int, method: str = "bicubic", blur: np.ndarray | None = None) -> np.ndarray:
    """The kernel (k, k) that `imresize` by 1 / `factor` convolves with, samples standing at multiples of the factor;
    after a blur, where one is given (k, k)."""
    from scipy.signal import convolve2d

    row = taps(2 * SPAN * factor, 2 * SPAN, 1 / factor, method, True)
    offsets, shares = row.indices[SPAN] - SPAN * factor, row.shares[SPAN]
    r = int(np.abs(offsets).max())
    line = np.zeros(2 * r + 1)
    line[r - offsets] = shares  # a convolution looks backwards
    kernel = np.outer(line, line)
    return kernel if blur is None else convolve2d(kernel, blur)
