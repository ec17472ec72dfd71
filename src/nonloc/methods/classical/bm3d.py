"""BM3D: similar blocks are stacked, the stack is transformed in three dimensions, shrunk, and put back.

Source: Dabov, Foi, Katkovnik, Egiazarian, "Image denoising by sparse 3-D transform-domain collaborative filtering",
IEEE TIP 16(8), 2007, DOI 10.1109/TIP.2007.901238, figure 3: a first pass by hard thresholding gives a pilot, a second
pass finds its blocks and its Wiener filter in the pilot. For strong noise after Hou, Zhao, Yang, Cheng, IEEE TIP 20(1),
2011. Colour (CBM3D, ICIP 2007): opponent channels, matched on luminance, each filtered with its own noise level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...degradation import Degradation
from ...nonlocal_ops.matching import match, reference_grid
from ...nonlocal_ops.strips import each
from ..filters.sigma_driven import SigmaDriven
from .block_transforms import bior15, cosine, kaiser
from .collaborative import hard_threshold, wiener
from .colour_space import NOISE, from_opponent, to_opponent

# Rows of references that one thread adds up alone, a multiple of every step. Strips begin at multiples of it and are
# merged in order, so the sums are the same on any number of threads and in any tile that begins at such a multiple.
STRIP = 48


@dataclass(frozen=True)
class Pass:
    """The constants of one pass, with the names of the paper's table I in brackets.

    block: side of a block (N1). step: between reference blocks (Nstep). count: most blocks in a stack (N2), a power of
    two. window: side of where to look (NS). alike: largest mean squared difference between blocks (tau), on the 0-255
    scale. beta: of the Kaiser window. transform: across a block. shrink: in the first pass what a coefficient must
    exceed, in units of the noise (lambda 3D); in the second the factor on the noise variance in the Wiener filter, 1 in
    the paper. shrink_colour: the same for U and V; None for no difference.
    """

    transform: Callable[[int], np.ndarray]
    count: int
    alike: float
    shrink: float
    block: int = 8
    step: int = 3
    window: int = 39
    beta: float = 2.0
    shrink_colour: float | None = None

    def shrinks(self, channels: int) -> np.ndarray:
        """`shrink` of each channel, float32 (channels,)."""
        others = self.shrink if self.shrink_colour is None else self.shrink_colour
        return np.array([self.shrink] + (channels - 1) * [others], np.float32)


# The first two are the authors'. In ours the Wiener filter counts the noise in gray and luminance as 0.6 of its
# variance: the pilot has lost detail to the threshold, so its spectrum promises too little. Against the authors' on 8
# gray pictures of bsd32val: +0.15, +0.15 and +0.08 dB at sigma 15, 25 and 50. The colour differences, matched on the
# luminance and smoother, keep 1 (+0.07 dB at 25 on 4 colour pictures) and get a higher threshold (+0.04 dB on 5).
PROFILES: dict[str, tuple[Pass, Pass]] = {
    "normal": (Pass(bior15, 16, 3000, 2.7), Pass(cosine, 32, 400, 1.0)),
    "strong-noise": (Pass(bior15, 32, 25000, 2.8, step=4), Pass(cosine, 32, 3500, 1.0, block=11, step=6)),
    "ours": (Pass(bior15, 16, 3000, 2.7, shrink_colour=3.0), Pass(cosine, 32, 400, 0.6, shrink_colour=1.0)),
    "ours-strong-noise": (
        Pass(bior15, 32, 25000, 2.8, step=4, shrink_colour=3.1),
        Pass(cosine, 32, 3500, 0.6, block=11, step=6, shrink_colour=1.0),
    ),
}
STRONG = 40  # sigma above which the strong-noise constants are the better ones


class BM3D(SigmaDriven):
    """BM3D on gray, CBM3D on colour.

    profile: 'normal' and 'strong-noise' are the authors' constants; 'ours' takes those of strong noise above sigma 40
    and changes the shrinkage, see above.
    """

    def __init__(self, card, weights=None, profile: str = "ours"):
        super().__init__(card, weights)
        self.profile = profile

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Restored copy of `pixels`, float32 (B, C, H, W), C = 1 or 3. UsageError when sigma is not known."""
        sigma = self.sigma(degradation)
        strong = self.profile == "ours" and sigma > STRONG
        return bm3d(pixels, sigma / 255, *PROFILES["ours-strong-noise" if strong else self.profile])


def bm3d(pixels: np.ndarray, std: float, first: Pass, second: Pass) -> np.ndarray:
    """Two passes over each of `pixels`, float32 (B, C, H, W) with C = 1 or 3 and noise of `std` in their units.

    Not clipped; the same bits on any number of threads. UsageError when a side is shorter than a block.
    """
    if std == 0:
        return pixels.copy()
    if pixels.shape[1] == 1:
        return np.stack([_both(y, np.array([std], np.float32), first, second) for y in pixels])
    stds = (std * NOISE).astype(np.float32)
    return from_opponent(np.stack([_both(y, stds, first, second) for y in to_opponent(pixels)]))


def _both(noisy: np.ndarray, stds: np.ndarray, first: Pass, second: Pass) -> np.ndarray:
    """`noisy` (C, H, W), its first channel the luminance, after both passes; `stds` (C,) of the noise."""
    channels = len(noisy)
    pilot = _one(partial(hard_threshold, noisy, first.shrinks(channels) * stds), noisy, first)
    return _one(partial(wiener, noisy, pilot, second.shrinks(channels) * stds**2), pilot, second)


def _one(collaborate: Callable[..., None], guide: np.ndarray, constants: Pass) -> np.ndarray:
    """One pass: blocks matched on the first channel of `guide` (C, H, W), filtered by `collaborate`, averaged."""
    channels, height, width = guide.shape
    block, reach = constants.block, constants.window // 2
    matrix = constants.transform(block)
    forward, inverse = (np.ascontiguousarray(m, np.float32) for m in (matrix, np.linalg.inv(matrix)))
    window = kaiser(block, constants.beta).astype(np.float32)
    rows = reference_grid(height, block, constants.step)
    columns = reference_grid(width, block, constants.step)

    def strip(start: int) -> tuple[int, np.ndarray, np.ndarray]:
        """Weighted sums and weights of what the references of one strip reach, and the row where that begins."""
        mine = rows[(rows >= start) & (rows < start + STRIP)]
        top, bottom = max(0, mine[0] - reach), min(height, mine[-1] + reach + block)
        total, weight = np.zeros((2, channels, bottom - top, width), np.float32)
        found = match(
            guide[np.newaxis, :1], block, constants.window, constants.count, mine, columns, constants.alike / 255**2
        )
        collaborate((0,) * block, forward, inverse, window, found.neighbours[0], found.found[0], top, total, weight)
        return top, total, weight

    sums, weights = np.zeros((2, channels, height, width), np.float32)
    for top, total, weight in each(strip, range(0, rows[-1] + 1, STRIP)):
        sums[:, top : top + total.shape[1]] += total
        weights[:, top : top + weight.shape[1]] += weight
    return sums / weights
