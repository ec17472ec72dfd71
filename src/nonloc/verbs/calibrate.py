"""Choose a level or an argument of any denoiser by the noisy picture alone.

Source: Batson, Royer, "Noise2Self: Blind Denoising by Self-Supervision", ICML 2019, arXiv 1901.11365, section 4: what a
method f that was not shown a pixel, f_J, says of it is judged by that pixel, as its noise is its own. But f, which sees
the pixel, wants other settings than f_J: on gray training pictures f_J asks for levels up to 1.75 times too high with
gaussian, 1.3 times too low with nl-means. So f is judged itself, by Efron's covariance penalty ("The Estimation of
Prediction Error", JASA 99, 2004, DOI 10.1198/016214504000000692): |f - x|^2 + noise = |f - y|^2 + 2 cov(f, y). The
covariance is rho times the mean of (f - f_J)(y - z), z another prediction that was not shown the pixel, and rho the
share of y - z that is noise; the mean of two estimates of rho is nearer to it than either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from ..degradation import GaussianNoise, PoissonGaussian
from ..engine import Plan, run
from ..errors import UsageError
from ..image.array import as_image
from ..image.image import Image
from ..methods.registry import card
from .denoise import check_denoises, plan_denoise
from .estimate import estimate_picture
from .options import Options, blank

SIDE = 512  # pixels; of a larger picture the middle is looked at
STRIDE = 4  # hidden pixels are so far apart; Batson and Royer's
ENOUGH = 16_384  # pixels that are hidden, of more not all are
STEP = 1.15  # between levels that are tried where none are given
AROUND = (0.3, 3.0)  # times the estimated level
REFERENCE = "nl-means"  # what z and rho are taken from
LEVELS = tuple(5 * 1.3**i for i in range(12))  # of the reference, 5 to 90
NEAR = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]]) / 12  # what is put in a hidden pixel's place


@dataclass(frozen=True)
class Trial:
    """One setting. loss: its self-supervised loss, mean squared error where white is 1, and the noise's variance."""

    sigma: float | None
    arguments: Mapping[str, Any]
    loss: float


@dataclass(frozen=True)
class Calibration:
    """What `calibrate` found: ``nonloc.denoise(image, method=c.method, sigma=c.sigma, arguments=c.arguments)``.

    sigma: on the 0-255 scale, None where the method needs none. loss: of this setting, see `Trial`. tried: all.
    """

    method: str
    sigma: float | None
    arguments: Mapping[str, Any]
    loss: float
    tried: tuple[Trial, ...]


def calibrate(
    image: Any,
    method: str,
    *,
    sigma: Sequence[float] | float | None = None,
    arguments: Mapping[str, Sequence[Any]] | None = None,
    channel_axis: int | None = None,
    data_range: tuple[float, float] | None = None,
    options: Options | None = None,
) -> Calibration:
    """The level, or the arguments, with which `method` comes nearest to the clean picture, which nobody knows.

    For noise that no estimator knows: all that is asked of it is that each pixel's is its own and has no mean; noise of
    cameras and JPEGs is not. Takes 17 runs of the method for each setting at 128 x 128 pixels, 3 at 512 x 512, and
    looks at no more.

    Parameters
    ----------
    image : array (H, W) or (H, W, C), path, Image or PIL image
        As for ``nonloc.denoise``.
    method : str
        A name from ``nonloc.methods(task="denoise")``.
    sigma : sequence of numbers, number or None
        Levels to try, on the 0-255 scale. None tries 17 around the estimated one; with `arguments`, or with a method
        that is told no level, none.
    arguments : mapping or None
        Values to try of each argument of the method; all combinations are.
    channel_axis, data_range, options
        As for ``nonloc.denoise``.

    Returns
    -------
    Calibration

    Raises
    ------
    ImageError, UnknownMethod, UsageError for no settings to choose from, and what ``nonloc.denoise`` raises
    """
    check_denoises(method)
    picture = _part(as_image(image, channel_axis=channel_axis, data_range=data_range))
    settings = list(_settings(picture, method, sigma, arguments or {}))
    options = options or Options()
    judge = _Judge(picture, options)
    tried = []
    for level, chosen in settings:
        plan = _plan(picture, method, level, chosen, options)
        tried.append(Trial(level, chosen, judge.loss(*judge.views(plan))))
    best = min(tried, key=lambda trial: trial.loss)
    return Calibration(method, best.sigma, best.arguments, best.loss, tuple(tried))


class _Judge:
    """z and rho of one picture, and the loss of any plan for it."""

    def __init__(self, picture: Image, options: Options):
        self.picture, self.y = picture, picture.pixels()
        parts = list(product(range(STRIDE), repeat=2))
        count = min(len(parts), max(2, round(len(parts) * ENOUGH / self.y[0].size)))
        # 5 and 16 have no common divisor, so that places are spread over rows and columns
        self.hidden = [parts[5 * i % len(parts)] for i in range(count)]
        plans = (_plan(picture, REFERENCE, level, {}, options) for level in LEVELS)
        found = [self.views(plan) for plan in plans]
        self.z = min((f_J for _, f_J in found), key=self._error)
        left = self._error(self.z)
        self.rho = (self._rho_of_reference(found, left) + min(1.0, _variance(picture) / left)) / 2

    def views(self, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
        """f(y), and f_J(y), of which each pixel was made without that pixel; (C, H, W), NaN where none was hidden."""
        f, f_J, replaced = _restored(plan, self.picture), np.full_like(self.y, np.nan), _from_around(self.y)
        for top, left in self.hidden:
            J = np.s_[:, top::STRIDE, left::STRIDE]
            hidden = self.y.copy()
            hidden[J] = replaced[J]
            f_J[J] = _restored(plan, _as_picture(hidden))[J]
        return f, f_J

    def loss(self, f: np.ndarray, f_J: np.ndarray) -> float:
        return self._error(f) + 2 * self.rho * self._left(f, f_J)

    def _error(self, f: np.ndarray) -> float:
        return float(np.nanmean(np.square(f - self.y, dtype=np.float64)))

    def _left(self, f: np.ndarray, f_J: np.ndarray) -> float:
        return float(np.nanmean((f - f_J) * (self.y - self.z), dtype=np.float64))

    def _rho_of_reference(self, found: list[tuple[np.ndarray, np.ndarray]], left: float) -> float:
        """Where rho times `left` is the noise, and the reference's own error, the rest of it."""
        rho = 1.0
        for _ in range(30):
            least = min(self._error(f) + 2 * rho * self._left(f, f_J) for f, f_J in found)
            rho = float(np.clip(1 - (least - rho * left) / max(left, 1e-12), 0.5, 1))
        return rho


def _settings(
    picture: Image, method: str, sigma: Any, arguments: Mapping[str, Sequence[Any]]
) -> Iterator[tuple[float | None, dict[str, Any]]]:
    known = card(method)
    levels: list[float | None]
    if sigma is not None:
        levels = [float(level) for level in np.atleast_1d(sigma)]
    elif arguments or known.blind:
        levels = [None]
    else:
        low, high = known.sigma or (0.0, 100.0)
        middle = estimate_picture(picture).sigma
        count = round(np.log(AROUND[1] / AROUND[0]) / np.log(STEP)) + 1
        around = np.clip([middle * AROUND[0] * STEP**i for i in range(count)], max(low, 0.5), high)
        levels = [*sorted({float(f"{level:.4g}") for level in around})]
    names = list(arguments)
    settings = [(level, dict(zip(names, values, strict=True)))
                for level, values in product(levels, product(*(arguments[name] for name in names)))]  # fmt: skip
    if not settings or settings == [(None, {})]:
        raise UsageError(f"calibrating {method}", "there is nothing to choose from", "Give levels, or arguments to try")
    yield from settings


def _plan(picture: Image, method: str, level: float | None, arguments: Mapping[str, Any], options: Options) -> Plan:
    """What `denoise` would do with that setting; a level is white noise, whatever the picture looks like."""
    if level is not None:
        return options.plan(method, GaussianNoise(level), arguments, blank(picture), reason="tried")
    plan, _ = plan_denoise(picture, None, method, arguments=arguments, options=replace(options, forecast=False))
    if plan is None:
        raise UsageError(f"calibrating {method}", "no noise is seen in the picture", "Give levels to try as sigma")
    return plan


def _variance(picture: Image) -> float:
    """Mean variance of the noise, where white is 1, as `nonloc.estimate` sees it."""
    noise = estimate_picture(picture).told
    if isinstance(noise, PoissonGaussian):
        return float(np.mean(noise.variance(picture.pixels())))
    level = noise.noise
    return level.std**2 if level is not None else 0.0


def _restored(plan: Plan, picture: Image) -> np.ndarray:
    return run(plan, picture)[0].pixels()


def _part(picture: Image) -> Image:
    """The middle of `picture` as floats, so that nothing is rounded."""
    top, left = (max(0, side - SIDE) // 2 for side in (picture.height, picture.width))
    return _as_picture(picture.pixels(slice(top, top + SIDE), slice(left, left + SIDE)))


def _as_picture(pixels: np.ndarray) -> Image:
    return Image(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(np.moveaxis(pixels, 0, -1)), scale=1.0)


def _from_around(y: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    return ndimage.convolve(y, NEAR[None].astype(y.dtype), mode="mirror")
