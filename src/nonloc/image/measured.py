"""Measured data, such as counts and Hounsfield numbers: what is black and white in a file, and whether it was changed.

Source: the rule of `array.as_image` with data_range="auto": black and white are the 0.1 % and 99.9 % quantiles of at
most about a million samples, evenly spread over all pages of the file, so that its pages are treated alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from .layout import full_range

LOOKED_AT = 1_000_000  # samples that a range is judged by
ROWS = 256  # hashed at a time, so that a mapped page is not loaded


def spread(planes: np.ndarray) -> Iterable[np.ndarray]:
    """Parts of `planes` (N, H, W, ...) that hold at most about a million samples, evenly spread over pages and rows."""
    number, height = planes.shape[:2]
    step = max(1, int(np.ceil(np.cbrt(planes.size / LOOKED_AT)))) if number > 1 else 1
    pages = range(0, number, step)
    across = max(1, int(np.ceil(np.sqrt(planes[0].size * len(pages) / LOOKED_AT))))
    for page in pages:
        yield planes[page, :height:across, ::across]


def black_and_white(parts: Iterable[np.ndarray]) -> tuple[float, float]:
    """(black, white) by the samples in `parts`; those that are no numbers do not count. (0, 1) where there are none."""
    values = np.concatenate([np.asarray(part, np.float64).ravel() for part in parts])
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, [0.1, 99.9])
    return float(low), float(high if low < high else low + 1.0)


def scale_and_offset(dtype: np.dtype, black: float, white: float, inverted: bool = False) -> tuple[float, float]:
    """What maps stored numbers to black 0, white 1; 8 bits without sign use their whole range.

    inverted: large numbers are dark. Whole numbers get an offset that is not 0 (black half a step lower, if it is 0),
    the sign of measured data: they may exceed white, and are not clipped there (`Image.stored`).
    """
    if dtype == np.uint8:
        return (-full_range(np.empty(0, dtype)), 1.0) if inverted else (full_range(np.empty(0, dtype)), 0.0)
    if inverted:
        black, white = white, black
    if black == 0 and dtype.kind in "ui":
        black = -0.5 if white > 0 else 0.5
    return 1 / (white - black), -black / (white - black)


def digest(samples: np.ndarray) -> bytes:
    """What tells these samples from others, whatever their byte order."""
    found = hashlib.blake2b(f"{samples.dtype.newbyteorder('=').str}{samples.shape}".encode(), digest_size=16)
    for y in range(0, len(samples), ROWS):
        part = samples[y : y + ROWS]
        found.update(np.ascontiguousarray(part, part.dtype.newbyteorder("=")).data)
    return found.digest()
