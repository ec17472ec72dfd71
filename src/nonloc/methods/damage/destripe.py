"""Stripes: every column, or every row, is brighter or darker by a number of its own, as line sensors leave it.

Source: the columns' moments matched, Gadallah, Csillag, Smith, "Destriping multisensor imagery with moment matching",
International Journal of Remote Sensing 21(12), 2000, DOI 10.1080/01431160050030592. Ours: a column is compared with its
neighbours at several distances, by medians in bands of rows; a stripe is what all bands agree on, and a Wiener weight
keeps what they do not agree on. What the smoothing took is known as the stripes are taken to be white.
"""

from __future__ import annotations

import numpy as np

from ...degradation import Degradation
from ..base import ArrayMethod

BANDS = 8  # of rows, in which a stripe must show: 16 lose 0.5 dB, 4 let a wall pass for a stripe
SCALES = (1, 2, 4, 8, 16, 32)  # standard deviations of the neighbourhoods in pixels
SEEN = 2.5  # times as strong as by chance: 133 pictures of bsd398, both ways, come to 1.8 at most
NORMAL = 1.4826  # times the median absolute deviation: the standard deviation of a normal distribution
SURE = 1 / 255  # no band's column is trusted more than if its spread were this
TRUST = 3  # bsd32val, sigma 10: the third power of the inverse spread removes 0.2 dB more than the second
LEAST = 1e-12


class Destripe(ArrayMethod):
    """Removes offsets of whole columns or rows from every channel by itself; where none are seen, nothing changes.

    direction: "columns" for stripes that run from top to bottom, "rows" for those from left to right, "auto" for both.
    """

    def __init__(self, card, weights=None, direction: str = "auto"):
        super().__init__(card, weights)
        self.direction = direction

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """`pixels`, float32 (B, C, H, W), without them."""
        out = np.array(pixels, np.float32, order="C")
        for plane in out.reshape(-1, *out.shape[2:]):
            if self.direction != "rows":
                plane -= stripes(plane)
            if self.direction != "columns":
                plane -= stripes(plane.T)[:, None]
        return out


def stripes(y: np.ndarray) -> np.ndarray:
    """The offsets of the columns of `y` (H, W), of no sum that counts: (W,); all 0 where there are none."""
    from scipy.ndimage import gaussian_filter1d

    height, width = y.shape
    b = np.zeros(width, y.dtype)
    if height < 2 * BANDS or width < BANDS:
        return b
    variance, previous = 0.0, 1
    for scale in SCALES:
        m, v = agreed(y - b - gaussian_filter1d(y - b, scale, axis=1, mode="reflect"))
        tau = max(float(spread(m)) ** 2 - float(np.median(v)), 0.0)  # of the stripes in m
        if scale == SCALES[0]:
            if not seen(m, v):
                break
            variance = tau / passed(scale)
        else:  # what the smoothing before took of white stripes, and this one does not; what is more is the scene's
            tau = min(tau, variance / (2 * np.pi**0.5) * (1 / previous - 1 / scale))
        b += (m * tau / (tau + v + LEAST)).astype(y.dtype)
        previous = scale
    return b


def agreed(r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of differences to the neighbourhood `r` (H, W): their mean over the bands, (W,), and its variance."""
    from scipy.ndimage import gaussian_filter1d

    bands = np.array_split(r, BANDS)
    p = np.stack([np.median(band, 0) for band in bands])
    q = gaussian_filter1d(np.stack([spread(band - middle) for band, middle in zip(bands, p, strict=True)]), 1.5, axis=1)
    w = (q**2 + SURE**2) ** (-TRUST / 2)
    w /= w.sum(0)
    m = (w * p).sum(0)
    return m, (w * (p - m) ** 2).sum(0) / (1 / (w**2).sum(0) - 1 + LEAST)


def seen(m: np.ndarray, v: np.ndarray) -> bool:
    """Whether bands agree on more than chance makes them: in most columns, and in the sum of all."""
    middle, total = spread(m) ** 2, float(m.var())
    return bool(middle > max(SEEN * np.median(v), LEAST) and total > SEEN * v.mean())


def spread(values: np.ndarray) -> np.ndarray:
    """Standard deviation of normal `values` around 0 along the first axis, whatever a few of them are."""
    return NORMAL * np.median(np.abs(values), 0)


def passed(scale: float) -> float:
    """The part of the variance of white noise that is left of it when its smoothed self is taken away."""
    from scipy.ndimage import gaussian_filter1d

    one = np.zeros(16 * int(scale) + 1)
    one[len(one) // 2] = 1
    return float(((one - gaussian_filter1d(one, scale)) ** 2).sum())
