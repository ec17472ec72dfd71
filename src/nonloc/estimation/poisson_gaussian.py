"""Gain and read noise of a picture, and whether its noise depends on the signal at all.

Source: Foi, Trimeche, Katkovnik, Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting for single-image
raw-data", IEEE TIP 17(10), 2008, DOI 10.1109/TIP.2008.2001399: a line through local pairs of mean and variance, bent by
clipping. The pairs are those of `noise_curve`. The decision compares the line with a constant, as an F test does; its
constants were fitted to training pictures: see benchmarks/poisson_gaussian.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..degradation import Degradation, GaussianNoise
from ..degradation.poisson_gaussian import PoissonGaussian
from ..errors import ImageError
from .channels import independent_channels
from .clipping import find_ends
from .noise_curve import ERROR, Curve, Fit, fit, noise_curve

WHITE = 255  # sigma is on this scale
GRAY, COLOUR = 100_000, 40_000  # patches of a channel
LEAST_CONTRAST, LEAST_F = 0.15, 20.0  # white noise of sigma 5 to 75 has a contrast of 0.13, less noise an F of 13
BY_CONTRAST, BY_F, AT_NONE = 0.9, 3.1, -10.4  # log odds, fitted
QUIET = 0.3  # mean square misfit that even a perfect line has: a lower one is chance
GAIN_KNOWN = 0.03  # relative error of the gain that no evidence lowers
REACH = 1.6  # standard errors in the 90 % interval
REACH_CLIPPED = 15.0  # how many more where all samples are clipped


@dataclass(frozen=True)
class PoissonGaussianEstimate:
    """The noise of a picture as shot and read noise: var(y) = gain x + (sigma / 255)^2, where white is 1.

    gain, sigma: best estimates, of all channels together. gain_range, sigma_range: hold the true ones in about 90 of
    100 photographs (measured on training pictures) that have such noise. channels: of each independent channel alone.
    signal_dependent: whether the noise goes with the signal; where not, `level` is the one level, 0-255 scale.
    confidence: how sure that decision is, 0.5 to 1; 0 where nothing could be measured. contrast: logarithm of the ratio
    of the variances in bright and in dark parts. misfit: how far the measured variances lie off the line, in their
    usual errors: above 1.5, neither line nor constant is right (a tone curve, correlated noise, or texture everywhere).
    """

    gain: float
    sigma: float
    gain_range: tuple[float, float]
    sigma_range: tuple[float, float]
    channels: tuple[PoissonGaussian, ...]
    signal_dependent: bool
    level: float
    confidence: float
    contrast: float
    misfit: float

    @property
    def degradation(self) -> Degradation:
        """What a method is told."""
        return PoissonGaussian(self.gain, self.sigma) if self.signal_dependent else GaussianNoise(self.level)

    def __str__(self) -> str:
        if not self.signal_dependent:
            return f"noise that does not depend on the signal, sigma {self.level:.1f}"
        low, high = self.gain_range
        return f"shot noise of gain {self.gain:.2g} ({low:.2g} to {high:.2g}), read noise of sigma {self.sigma:.1f}"


def estimate_poisson_gaussian(pixels: np.ndarray, *, step: float | None = None) -> PoissonGaussianEstimate:
    """Estimate gain and read noise of a picture; clipping to [0, 1] is found and taken into account.

    pixels: floats (C, H, W), black 0, white 1, values beyond allowed. The noise is independent between pixels and
    channels, and all channels have one gain; channels that repeat one another count as one. step: distance of
    neighbouring levels where the samples were rounded (1/255 for 8 bits), None where they were not.

    Raises ImageError for another number of axes.
    """
    if pixels.ndim != 3:
        raise ImageError("estimating the noise", f"an array of shape {pixels.shape}", "Give one picture (C, H, W)")
    if not pixels.size:
        return unknown()
    channels = independent_channels(pixels)
    ends = find_ends(channels)
    most = GRAY if len(channels) == 1 else COLOUR
    curves = [noise_curve(channel[np.newaxis], ends, step, most) for channel in channels]
    curves = [curve for curve in curves if len(curve)]
    if not curves:
        return unknown()
    line, constant = fit(curves), fit(curves, sloped=False)
    contrast, f = log_contrast(line.noise, curves), f_statistic(line, constant, curves)
    dependent = contrast > LEAST_CONTRAST and f > LEAST_F
    odds = BY_CONTRAST * np.log(contrast + 0.02) + BY_F * np.log1p(f) + AT_NONE
    odds = max(odds, 0.0) if dependent else min(odds, 0.0)
    gains, sigmas = ranges(line.noise, f, curves, ends.fraction)
    return PoissonGaussianEstimate(
        gain=line.noise.gain,
        sigma=line.noise.sigma,
        gain_range=gains,
        sigma_range=sigmas,
        channels=tuple(fit([curve]).noise for curve in curves) if len(curves) > 1 else (line.noise,),
        signal_dependent=bool(dependent),
        level=constant.noise.sigma,
        confidence=float(1 / (1 + np.exp(-abs(odds)))),
        contrast=contrast,
        misfit=line.misfit,
    )


def unknown() -> PoissonGaussianEstimate:
    return PoissonGaussianEstimate(0.0, 0.0, (0.0, 1.0), (0.0, WHITE), (), False, 0.0, 0.0, 0.0, 0.0)


def log_contrast(noise: PoissonGaussian, curves: list[Curve]) -> float:
    """Logarithm of the ratio of the variances at the signals that a tenth of the groups exceed and fall below."""
    dark, bright = np.quantile(np.concatenate([curve.mean for curve in curves]), [0.1, 0.9])
    return float(np.log(noise.variance(bright) / noise.variance(dark)))


def f_statistic(line: Fit, constant: Fit, curves: list[Curve]) -> float:
    """What the slope explains, against what is left, for one group."""
    left = max(line.loss / max(sum(map(len, curves)) - 2, 1), QUIET**2)
    return max(constant.loss - line.loss, 0.0) / left


def ranges(
    noise: PoissonGaussian, f: float, curves: list[Curve], clipped: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The 90 % intervals of gain and sigma, from the evidence `f` and the fraction of `clipped` samples."""
    reach = REACH + REACH_CLIPPED * clipped
    off = reach * noise.gain * np.hypot(1 / np.sqrt(max(f, 0.1)), GAIN_KNOWN)
    brightness = np.mean([curve.mean.mean() for curve in curves])
    mean = float(noise.variance(brightness))
    # the line is known best in the middle: an error of the gain turns it around there
    read = np.hypot(off * brightness, reach * ERROR * mean / np.sqrt(sum(map(len, curves))))
    low, high = (WHITE * np.sqrt(max(noise.std**2 + change, 0.0)) for change in (-read, read))
    return (max(noise.gain - float(off), 0.0), noise.gain + float(off)), (float(low), float(high))
