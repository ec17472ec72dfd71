"""How strong the Gaussian noise in a picture is, with an interval that says how sure that is.

Source: patches of weak texture after Liu, Tanaka, Okutomi, IEEE TIP 22(12), 2013, DOI 10.1109/TIP.2013.2283400 (see
`weak_texture` and `eigenvalues` for what is ours), clipping undone by the moments of Foi, Signal Processing 89(12),
2009, DOI 10.1016/j.sigpro.2009.04.035 (see `clipping`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..degradation import CameraNoise, GaussianNoise, PoissonGaussian
from ..errors import ImageError
from .channels import independent_channels
from .clipping import Ends, find_ends
from .correlated import estimate_correlated
from .interval import interval
from .poisson_gaussian import PoissonGaussianEstimate, estimate_poisson_gaussian
from .weak_texture import Patches, cut, weak_texture_level

CLEAN = 1.5  # below this level a picture is better left as it is
SURE = 0.95  # from where shot noise is believed: white noise of sigma 2 on textured colour pictures reaches 0.9
FITS = 2.5  # misfit up to which shot noise is believed: textured training pictures with such noise have up to 2.5
STRONGER = 1.5  # times the white level, from where noise counts as correlated: white noise reads about 1.2
WHITE = 255  # sigma is on this scale
CORRELATED = 0.01  # least correlation of camera noise
INSIDE = 1.645  # standard deviations that 90 of 100 lie within
TINY = 1e-6

# (side, stride, about how many patches): the first that gives enough patches is taken
GRAY = ((7, 1, 100_000), (5, 1, 100_000), (3, 1, 100_000))
COLOUR = ((5, 2, 40_000), (3, 1, 40_000))

EQUAL_PAIR = 1 / (2 * np.pi**0.5)  # chance of equal neighbours, times the noise in steps, on a flat surface
LEAST_SEEN = 0.25  # noise below a quarter of a level is rounded away
MANY_EQUAL = 0.25  # below this share of equal neighbours the bound is too uncertain to use


@dataclass(frozen=True)
class NoiseEstimate:
    """The noise in a picture.

    sigma: best estimate of the standard deviation, 0-255 scale.
    low, high: holds the true level in about 90 of 100 photographs (measured on training pictures).
    confidence: 1 - half the interval / max(sigma, 5), not below 0: 0.95 means known to 5 %, or to a quarter of a level
    where there is hardly any noise; 0 means not known.
    clipped: fraction of the samples that lie exactly on black or white.
    method: how it was found, in words.
    correlation: of the noise of neighbouring pixels where it is correlated, as cameras leave it; 0 for white noise.
        sigma is then the level to tell a method that was made for white noise.
    shot: gain and read noise, where the noise grows with the light; sigma is then the level on middle gray.
    sure: how sure `kind` is, 0.5 to 1; 0 where nothing but white noise was looked for.
    """

    sigma: float
    low: float
    high: float
    confidence: float
    clipped: float
    method: str
    correlation: float = 0.0
    shot: PoissonGaussianEstimate | None = None
    sure: float = 0.0

    @property
    def kind(self) -> str:
        """Which model fits: 'poisson-gaussian', 'camera', 'white', or 'none' where less than `CLEAN` is seen."""
        if self.shot is not None:
            return "poisson-gaussian"
        return "camera" if self.correlation else "white" if self.sigma >= CLEAN else "none"

    @property
    def degradation(self) -> GaussianNoise | PoissonGaussian:
        """The noise itself."""
        return self.at(self.sigma) if self.shot is None else PoissonGaussian(self.shot.gain, self.shot.sigma)

    @property
    def told(self) -> GaussianNoise | PoissonGaussian:
        """What a method is told: the noise in few digits, so that its text form reads back."""
        if self.shot is None:
            return self.at(round(self.sigma, 2))
        return PoissonGaussian(float(f"{self.shot.gain:.3g}"), round(self.shot.sigma, 2))

    def at(self, sigma: float) -> GaussianNoise:
        """Noise of one level, that one: as cameras leave it where this is, else white."""
        return CameraNoise(sigma) if self.correlation else GaussianNoise(sigma)

    def at_least(self, sigma: float) -> NoiseEstimate:
        """What a method for camera noise is told whose user named it: that level, or more where more is seen.

        Faint camera noise looks like texture, and is rather missed than texture taken for it: who asks for the method
        says that it is there. White noise and noise that grows with the light stay as they were seen.
        """
        if self.kind not in ("none", "camera") or self.sigma >= sigma:
            return self
        return replace(self, sigma=sigma, high=max(self.high, sigma), correlation=self.correlation or CORRELATED)

    def __str__(self) -> str:
        if self.shot is not None:
            return str(self.shot)
        kind = "camera noise, as strong as " if self.correlation else ""
        return f"{kind}sigma {self.sigma:.1f} ({self.low:.1f} to {self.high:.1f})"


def estimate_noise(pixels: np.ndarray, *, step: float | None = None) -> NoiseEstimate:
    """Estimate the level of white Gaussian noise in a picture; clipping to [0, 1] is found and undone.

    pixels: floats (C, H, W), black 0, white 1, values beyond allowed; a NaN is left out. The noise has one level and
    is independent between pixels and channels; channels that repeat one another count as one. step: distance of
    neighbouring levels where the samples were rounded (1/255 for 8 bits), None where they were not.

    Raises ImageError for another number of axes.
    """
    if pixels.ndim != 3:
        raise ImageError("estimating the noise", f"an array of shape {pixels.shape}", "Give one picture (C, H, W)")
    if not pixels.size:
        return estimate(0.0, 0.0, WHITE, 0.0, "no pixels")
    channels = independent_channels(pixels)
    ends = find_ends(channels)
    patches = first_enough(channels)
    if patches is None:
        return without_patches(channels, ends)
    std, count = weak_texture_level(patches, ends)
    variance = std**2 - (step**2 / 12 if step else 0)  # of rounding
    sigma = WHITE * min(max(variance, 0.0) ** 0.5, equality_bound(patches, step))
    low, high = interval(sigma, patches.area, len(channels) > 1, ends.fraction)
    method = f"{count} patches of weak texture, {patches.side} x {patches.side}, eigenvalues measured across halves"
    return estimate(sigma, low, high, ends.fraction, method + (", clipping undone" if ends.any else ""))


def estimate_any_noise(pixels: np.ndarray, *, step: float | None = None) -> NoiseEstimate:
    """`estimate_noise`, then which kind of noise it is: correlated, growing with the light, white, or none.

    Arguments and errors as there. Of correlated noise the level in the middle bands is told: see `correlated`. Of shot
    and read noise the gain, too: see `poisson_gaussian`.
    """
    white, seen = estimate_noise(pixels, step=step), estimate_correlated(pixels)
    if seen.sigma > STRONGER * white.sigma:
        method = "what a denoiser takes away, beside what it takes from simulated cameras"
        correlation = max(seen.correlation, CORRELATED)
        return NoiseEstimate(
            seen.sigma, seen.low, seen.high, seen.confidence, white.clipped, method, correlation, sure=seen.confidence
        )
    if white.sigma < CLEAN:
        return replace(white, sure=below(CLEAN, white))
    shot = estimate_poisson_gaussian(pixels, step=step)
    if not shot.signal_dependent:
        return replace(white, sure=shot.confidence)
    if shot.confidence > SURE and shot.misfit < FITS:
        return as_shot(shot, white)
    return replace(white, sure=0.5)


def as_shot(shot: PoissonGaussianEstimate, white: NoiseEstimate) -> NoiseEstimate:
    """The record of noise that grows with the light, `white` taken for the rest."""
    pairs = zip((shot.gain, *shot.gain_range), (shot.sigma, *shot.sigma_range), strict=True)
    sigma, low, high = (PoissonGaussian(gain, read).noise.sigma for gain, read in pairs)
    method = "variance of patches of weak texture over their brightness"
    return replace(estimate(sigma, low, high, white.clipped, method), shot=shot, sure=shot.confidence)


def below(bound: float, found: NoiseEstimate) -> float:
    """How sure it is that the level lies below `bound`, which `found` does: 0.5 to 1, the interval taken for normal."""
    from scipy.special import ndtr

    spread = max((found.high - found.low) / 2 / INSIDE, TINY)
    return float(ndtr((bound - found.sigma) / spread)) if found.confidence else 0.0


def first_enough(pixels: np.ndarray) -> Patches | None:
    """Patches of the largest side that gives enough of them; None where none does."""
    for side, stride, most in GRAY if len(pixels) == 1 else COLOUR:
        if min(pixels.shape[1:]) >= side:
            patches = cut(pixels, side, stride, most)
            if patches.enough:
                return patches
    return None


def equality_bound(patches: Patches, step: float | None) -> float:
    """The most noise, as a standard deviation, that leaves so many equal neighbours in rounded samples.

    Drawings and screenshots have sharp edges and no noise at all: the edges alone would look like noise.
    """
    if patches.equal < MANY_EQUAL:
        return np.inf
    return 1.5 * EQUAL_PAIR * (step or 1 / WHITE) / patches.equal


def estimate(sigma: float, low: float, high: float, clipped: float, method: str) -> NoiseEstimate:
    confidence = max(0.0, 1 - (high - low) / 2 / max(sigma, 5))
    return NoiseEstimate(float(sigma), float(low), float(high), float(confidence), float(clipped), method)


def without_patches(pixels: np.ndarray, ends: Ends) -> NoiseEstimate:
    """What can be said of `pixels` (C, H, W) that hold too few patches: nothing, unless noise would have shown."""
    constant = pixels.shape[1] * pixels.shape[2] >= 64 and bool((pixels == pixels.flat[0]).all())
    if constant and not ends.fraction:  # a saturated picture hides any noise
        return estimate(0.0, 0.0, LEAST_SEEN, 0.0, "constant picture")
    return estimate(0.0, 0.0, WHITE, ends.fraction, "too few different patches to tell")
