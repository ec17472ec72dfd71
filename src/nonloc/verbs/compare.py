"""Several methods on one picture, side by side: crops at 100 %, figures and times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..degradation import GaussianNoise
from ..engine import Record
from ..errors import ImageError, NonlocError
from ..estimation.residual import STRUCTURE
from ..image.array import as_image
from ..image.image import Image
from ..methods.registry import cards, choose_weights
from ..metrics.psnr import im2uint8, psnr
from .choose import DENOISERS
from .denoise import denoise
from .estimate import estimate_picture
from .levels import Noise, level_to_know, read_noise, read_sigma
from .options import Options


@dataclass(frozen=True)
class Entry:
    """One method's result. psnr against the reference, in dB, None without one. error: why it could not run."""

    method: str
    picture: Image | None
    record: Record | None
    psnr: float | None = None
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        seconds = self.record.seconds if self.record else None
        told = {"method": self.method, "psnr": self.psnr, "seconds": seconds, "error": self.error}
        return {**told, "structure_removed": self.structure}

    @property
    def structure(self) -> float | None:
        """Part of the picture from which structure was removed, 0 to 1; None where nobody can tell."""
        found = self.record.found.get(STRUCTURE) if self.record is not None else None
        return None if found is None else round(float(found.mean()), 6)


@dataclass(frozen=True)
class Comparison:
    """The input and what each method made of it. sigma: the level they were told, of shot noise that on middle gray."""

    picture: Image
    reference: Image | None
    sigma: float
    entries: tuple[Entry, ...]

    def sheet(self, size: int = 256, centre: tuple[int, int] | None = None) -> Image:
        """One 8-bit picture: the same crop of the input, of each result, and of the reference, with captions.

        size: side of the crops in pixels, shown at 100 %. centre: (y, x) of the crop; None takes the place with most
        detail.
        """
        from .sheet import draw_sheet

        return draw_sheet(self, size, centre)


def compare(
    image: Any,
    methods: Sequence[str] | None = None,
    *,
    sigma: float | str | Noise | None = None,
    reference: Any = None,
    channel_axis: int | None = None,
    options: Options | None = None,
) -> Comparison:
    """Restore a picture with several methods and compare them.

    Parameters
    ----------
    image, sigma, channel_axis, options : as for `nonloc.denoise`
    methods : names, or None for those among the usual ones that fit
    reference : the clean picture, of the same shape, where there is one; gives PSNR (8-bit rule) for each

    Returns
    -------
    Comparison, whose `sheet()` is a picture to look at. A method that cannot run has its error in its entry.

    Raises
    ------
    ImageError, UnknownMethod, SigmaUnitError
    """
    picture = as_image(image, channel_axis=channel_axis)
    truth = None if reference is None else as_image(reference, channel_axis=channel_axis)
    if truth is not None and truth.samples.shape != picture.samples.shape:
        raise ImageError(
            "comparing with the reference",
            f"it is {truth.samples.shape}, the picture {picture.samples.shape}",
            "Give the clean version of the same picture",
        )
    level = read_sigma(sigma, picture)
    noise: Any = read_noise(sigma, picture)
    if noise is None:
        noise = estimate_picture(picture).told if level is None else GaussianNoise(level)
    names = list(methods) if methods else _fitting(picture.channels, level_to_know(noise))
    entries = tuple(_entry(name, picture, truth, noise, options) for name in names)
    return Comparison(picture, truth, noise.noise.sigma, entries)


def _entry(name: str, picture: Image, truth: Image | None, noise: Noise, options: Options | None) -> Entry:
    try:
        restored, record = denoise(picture, sigma=noise, method=name, options=options, return_report=True)
    except NonlocError as error:
        if name not in cards():
            raise
        return Entry(name, None, None, error=str(error))
    return Entry(name, restored, record, figure(restored, truth))


def figure(picture: Image, truth: Image | None) -> float | None:
    """PSNR in dB of 8-bit versions, or None without a reference."""
    if truth is None:
        return None
    return psnr(im2uint8(truth.pixels()), im2uint8(np.nan_to_num(picture.pixels())), data_range=255)


def _fitting(channels: int, level: float | None) -> list[str]:
    names = []
    for name in DENOISERS:
        try:
            choose_weights(cards()[name], channels, level)
        except (NonlocError, KeyError):
            continue
        names.append(name)
    return names
