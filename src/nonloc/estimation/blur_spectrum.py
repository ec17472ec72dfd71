"""Power spectra of windowed tiles, in which a blur leaves its mark.

Source: Welch, IEEE Trans. Audio Electroacoust. 15(2), 1967, DOI 10.1109/TAU.1967.1161901 (averaged periodograms). A
picture blurred by h has P(f) = S(f) |H(f)|^2 + N: what its scene has, times what the blur leaves of it, and the noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

SIDE = 256  # pixels of a tile: the zeros of a blur of 45 pixels are 6 frequencies apart
STEP = 64
LEAST = 96  # pixels; in less, nothing can be said
AXIS = 2.5  # frequencies beside the two axes: the borders of the picture and of JPEG's blocks, not a blur
LEAK = 0.8  # of 1 / side: how far the window smears a spectrum


@dataclass(frozen=True)
class Tiles:
    """Periodograms `power` (n, side, side // 2 + 1) of n tiles, levels squared; `quarter` (n,) of the picture, 0..3."""

    power: np.ndarray
    quarter: np.ndarray

    @property
    def side(self) -> int:
        return self.power.shape[1]

    @property
    def mean(self) -> np.ndarray:
        return self.power.mean(0)

    def quarters(self) -> list[np.ndarray]:
        """Mean periodogram of each quarter that has a tile."""
        return [self.power[self.quarter == i].mean(0) for i in np.unique(self.quarter)]


def periodograms(windows: list[np.ndarray]) -> Tiles:
    """Tiles of gray `windows` (H, W), levels of 255: of one, by where they lie in it; of several, by which it is."""
    least = min(min(window.shape) for window in windows)
    side = min(SIDE, least * 3 // 4) // 2 * 2  # so that each quarter has its own tile
    hann = np.outer(*[np.hanning(side + 1)[:-1]] * 2)
    power, quarter = [], []
    for i, window in enumerate(windows):
        for y, x, tile in _tiles(window, side):
            tile = (tile - (tile * hann).sum() / hann.sum()) * hann
            power.append(np.abs(np.fft.rfft2(tile)) ** 2 / np.square(hann).sum())
            quarter.append(i % 4 if len(windows) > 1 else 2 * (y >= 0.5) + (x >= 0.5))
    return Tiles(np.array(power), np.array(quarter))


def _tiles(window: np.ndarray, side: int) -> Iterator[tuple[float, float, np.ndarray]]:
    """Middle (y, x) as parts of the height and width, and pixels, of tiles that overlap."""
    tops, lefts = (
        np.linspace(0, length - side, -(-(length - side) // STEP) + 1).astype(int) for length in window.shape
    )
    for y in tops:
        for x in lefts:
            tile = window[y : y + side, x : x + side]
            yield (y + side / 2) / window.shape[0], (x + side / 2) / window.shape[1], tile


class Frequencies:
    """The half plane of frequencies between `least` (in 1 / side) and `most` (cycles a pixel), the two axes left out.

    kept: which of (side, side // 2 + 1) they are. x, y, f: theirs, in cycles a pixel. ring: of equal distance.
    """

    def __init__(self, side: int, least: float, most: float, width: int) -> None:
        x, y = np.broadcast_arrays(np.fft.rfftfreq(side)[None], np.fft.fftfreq(side)[:, None])
        f = np.hypot(x, y)
        self.kept = (f > least / side) & (f < most) & (x > AXIS / side) & (np.abs(y) > AXIS / side)
        self.side = side
        self.x, self.y, self.f = x[self.kept], y[self.kept], f[self.kept]
        self.ring = np.rint(self.f * side).astype(int) // width


def means(groups: np.ndarray, values: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Mean of the values of each group 0, 1, ..; 0 for a group that has none."""
    total = np.bincount(groups, values if weight is None else weight * values)
    return total / np.maximum(np.bincount(groups, weight), 1e-12)
