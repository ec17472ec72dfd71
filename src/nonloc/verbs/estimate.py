"""What is wrong with a picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..estimation.noise import NoiseEstimate, estimate_any_noise
from ..image.array import as_image
from ..image.image import Image

WINDOW = 256
PIXELS = 4 << 20  # enough for a level to 1 %, and no more memory than a small picture


def estimate(image: Any, *, channel_axis: int | None = None) -> NoiseEstimate:
    """The level of noise in a picture, on the 0-255 scale, with an interval: white, or as a camera leaves it.

    Parameters
    ----------
    image : array (H, W) or (H, W, C), path, Image or PIL image
    channel_axis : int or None
        Where the channels of an array are; None follows the rules of `nonloc.denoise`.

    Raises
    ------
    ImageError
    """
    return estimate_picture(as_image(image, channel_axis=channel_axis))


def estimate_picture(picture: Image) -> NoiseEstimate:
    """`estimate` for an Image; of a large one, windows spread over it are looked at."""
    step = picture.scale if picture.dtype.kind in "ui" else None
    return estimate_any_noise(_windows(picture), step=step)


def _windows(picture: Image) -> np.ndarray:
    """All pixels (C, H, W) of a small picture; of a large one, windows on an even grid, side by side."""
    height, width = picture.height, picture.width
    if height * width <= PIXELS:
        return picture.pixels()
    across = max(1, min(width // WINDOW, round((PIXELS / WINDOW**2 * width / height) ** 0.5)))
    down = max(1, min(height // WINDOW, PIXELS // WINDOW**2 // across))
    tall, wide = min(WINDOW, height), min(WINDOW, width)
    tops = np.linspace(0, height - tall, down).astype(int)
    lefts = np.linspace(0, width - wide, across).astype(int)
    rows = [
        np.concatenate([picture.pixels(slice(y, y + tall), slice(x, x + wide)) for x in lefts], axis=2) for y in tops
    ]
    return np.concatenate(rows, axis=1)
