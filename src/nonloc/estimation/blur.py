"""Which blur a picture has: a straight shake, a Gaussian, a lens out of focus; or none that is certain.

Source: see `motion_blur` and `soft_blur`. Bounds are from training pictures (`benchmarks/blind_blur.py tune`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..degradation import Blur, Defocus, GaussianBlur, MotionBlur
from ..errors import ImageError
from .blur_spectrum import LEAST, Tiles, periodograms
from .motion_blur import SHORTEST, MotionFit, fit_motion
from .soft_blur import WIDE, Edges, SoftFit, fit_soft, soft_edges

# motion: sharp and soft training pictures follow one with at most 0.36, those with a motion with 0.42 and more
FOLLOWS, PERHAPS, AGREES, DEPTH = 0.40, 0.30, 0.28, 0.4
# rings: a Gaussian is taken for a disk of up to 0.33
RINGS, SMALLEST = 0.4, 1.8
STRANGE = 0.15  # misfit of the spectrum: blurred photographs leave up to 0.05, drawn patterns far more
FLAT = 1.0  # power, levels squared, off the axes; sharp or not, photographs have thousands
WEAK = 0.8  # sigma in pixels: less is what lenses do
SOFT, BETWEEN = 0.3, (0.6, 1.6)  # of that sigma: the sharpest edges, and what the middle one may be


@dataclass(frozen=True)
class BlurEstimate:
    """The blur of a picture.

    blur: what was found, None where nothing is certain. sure: how sure that is, 0.5 to 1; 0 for None. words: the same
    for people, with the reason where there is none.
    """

    blur: Blur | None
    sure: float
    words: str

    def __str__(self) -> str:
        return self.words


def estimate_blur(pixels: Any, sigma: float = 1.0) -> BlurEstimate:
    """Which blur `pixels` have: float (C, H, W), white 1, or a list of such windows of one large picture.

    sigma: level of the noise, 0-255 scale. A motion of 4 to 45 pixels, a Gaussian from 0.8, a disk of up to 15 pixels
    radius are found, if they are the same in the whole picture. Raises ImageError for what is no picture.
    """
    windows = [_gray(window) for window in (pixels if isinstance(pixels, Sequence) else [pixels])]
    if not windows or min(min(window.shape) for window in windows) < LEAST:
        return _none(f"the picture has fewer than {LEAST} pixels on a side")
    if not all(np.isfinite(window).all() for window in windows):
        return _none("some pixels are not finite")
    tiles = periodograms(windows)
    if tiles.mean[3:-2, 3:].max() < FLAT:
        return _none("the picture is flat, at least in one direction")
    return _moved(fit_motion(tiles)) or _soft(tiles, windows, sigma)


def _gray(pixels: Any) -> np.ndarray:
    pixels = np.asarray(pixels)
    if pixels.ndim != 3:
        raise ImageError(f"an array of shape {pixels.shape}", "it is not (C, H, W)", "Give the channels first")
    return 255 * pixels.mean(0, dtype=np.float64)


def _none(why: str) -> BlurEstimate:
    return BlurEstimate(None, 0.0, f"no blur was found with certainty: {why}")


def _sure(least: float, value: float, certain: float) -> float:
    """0.5 at the bound, 1 from `certain` on."""
    return round(float(np.clip(0.5 + 0.5 * (value - least) / (certain - least), 0.5, 1)), 2)


def _moved(fit: MotionFit) -> BlurEstimate | None:
    """What a motion says of the picture; None if it says nothing."""
    if fit.follows < PERHAPS:
        return None
    if fit.follows < FOLLOWS or fit.agrees < AGREES or fit.depth < DEPTH:
        return _none("a motion is possible, but not seen in all of the picture")
    if fit.length < SHORTEST:
        return _none(f"a motion of less than {SHORTEST} pixels")
    blur = MotionBlur(round(fit.length, 1), round(fit.angle, 1) % 180)
    sure = _sure(FOLLOWS, fit.follows, 0.6)
    words = f"a motion of {blur.length:g} pixels at {blur.angle:g} degrees"
    return BlurEstimate(blur, sure, f"{words}, {100 * sure:.0f} % sure")


def _soft(tiles: Tiles, windows: list[np.ndarray], sigma: float) -> BlurEstimate:
    """What the rings of the spectrum say, if the edges say the same."""
    fit = fit_soft(tiles)
    disk = fit.rings >= RINGS and fit.radius >= SMALLEST
    due = fit.radius / 2 if disk else fit.sigma  # of the Gaussian as wide as that
    if due < WEAK:
        return _none("if there is any, it is no more than that of a lens")
    if fit.misfit * (1 - fit.rings) > STRANGE:
        return _none("the spectrum is not that of a photograph")
    edges = soft_edges(windows, sigma, wide=due >= WIDE)
    if not _agree(edges, due):
        return _none("the spectrum is that of a soft picture, but not all its edges are")
    return _named(fit, disk)


def _agree(edges: Edges | None, due: float) -> bool:
    low, high = BETWEEN
    return edges is not None and edges.sharp >= SOFT * due and low * due <= edges.middle <= high * due


def _named(fit: SoftFit, disk: bool) -> BlurEstimate:
    if disk:
        sure = _sure(RINGS, fit.rings, 0.9)
        words = f"a lens out of focus, a disk of radius {fit.radius:.3g} pixels"
        return BlurEstimate(Defocus(round(fit.radius, 2)), sure, f"{words}, {100 * sure:.0f} % sure")
    sure = _sure(WEAK, fit.sigma, 2.0)
    words = f"a Gaussian blur of sigma {fit.sigma:.2g} pixels"
    return BlurEstimate(GaussianBlur(round(fit.sigma, 2)), sure, f"{words}, {100 * sure:.0f} % sure")
