"""What is wrong with a picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..estimation.blur import BlurEstimate, estimate_blur
from ..estimation.impulses import Impulses, estimate_impulses
from ..estimation.jpeg_quality import JpegQuality, jpeg_quality
from ..estimation.noise import NoiseEstimate, estimate_any_noise
from ..image.array import as_image
from ..image.image import Image

WINDOW = 256
BLUR_WHOLE, BLUR_WINDOW = (
    1 << 20,
    512,
)  # pixels up to which all are looked at for a blur; else four windows of that side
PIXELS = 4 << 20  # enough for a level to 1 %, and no more memory than a small picture


KINDS = {
    "white": "white noise, {}",
    "camera": "{}",
    "poisson-gaussian": "{}",
    "none": "no noise that is seen, {}",
}


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a picture. noise: kind and level. jpeg: how strongly it was compressed, None for no JPEG.
    impulses: the part of the samples that is black or white by damage. blur: a shake, softness; None for none that is
    certain."""

    noise: NoiseEstimate
    jpeg: JpegQuality | None = None
    impulses: Impulses | None = None
    blur: BlurEstimate | None = None

    @property
    def sigma(self) -> float:
        """The level of the noise, 0-255 scale; of shot noise that on middle gray."""
        return self.noise.sigma

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON: what is known of the noise, its kind in words, `jpeg`, `impulses` and `blur`."""
        jpeg = asdict(self.jpeg) if self.jpeg is not None else None
        impulses = self.impulses.fraction if self.impulses is not None else 0.0
        blur = None
        if self.blur is not None and self.blur.blur is not None:
            blur = {"kernel": str(self.blur.blur), "sure": self.blur.sure}
        return {"kind": self.noise.kind, **asdict(self.noise), "jpeg": jpeg, "impulses": impulses, "blur": blur}

    def __str__(self) -> str:
        told = KINDS[self.noise.kind].format(self.noise)
        sure = f", {100 * self.noise.sure:.0f} % sure" if self.noise.sure else ", of unknown kind"
        also = [str(self.jpeg)] if self.jpeg is not None else []
        if self.impulses is not None and self.impulses.fraction:
            also.append(str(self.impulses))
        if self.blur is not None and self.blur.blur is not None:
            also.append(str(self.blur))
        return "; ".join([told + sure, *also])


def estimate(image: Any, *, channel_axis: int | None = None) -> Diagnosis:
    """What is wrong with a picture: which noise, at which level, how sure that is; the quality of a JPEG; impulses; a
    blur that is the same everywhere.

    The noise is white, as a camera leaves it, growing with the light, or none that is seen; its level is on the 0-255
    scale, with an interval.

    Parameters
    ----------
    image : array (H, W) or (H, W, C), path, Image or PIL image
    channel_axis : int or None
        Where the channels of an array are; None follows the rules of `nonloc.denoise`.

    Raises
    ------
    ImageError
    """
    picture = as_image(image, channel_axis=channel_axis)
    noise = estimate_picture(picture)
    blur = blur_of(picture, max(noise.sigma, 1.0))
    return Diagnosis(noise, jpeg_quality(picture), estimate_impulses(sampled(picture)), blur)


def estimate_picture(picture: Image) -> NoiseEstimate:
    """The noise of an Image; of a large one, windows spread over it are looked at."""
    step = picture.scale if picture.dtype.kind in "ui" else None
    return estimate_any_noise(sampled(picture), step=step)


def sampled(picture: Image) -> np.ndarray:
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


def blur_of(picture: Image, sigma: float) -> BlurEstimate:
    """The blur of an Image with noise `sigma` (0-255 scale); of a large one, four windows are looked at."""
    height, width = picture.height, picture.width
    if height * width <= BLUR_WHOLE:
        return estimate_blur(picture.pixels(), sigma)
    (rows, more_rows), (columns, more_columns) = _spans(height), _spans(width)
    return estimate_blur([picture.pixels(y, x) for y in (rows, more_rows) for x in (columns, more_columns)], sigma)


def _spans(length: int) -> tuple[slice, slice]:
    """Two spans, in the middle of either half; of a short side, all of it twice."""
    span = min(BLUR_WINDOW, length)
    first = max(0, length // 4 - span // 2)
    return slice(first, first + span), slice(length - first - span, length - first)
