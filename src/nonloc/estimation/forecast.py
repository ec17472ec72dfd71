"""How near to the truth a restored picture is, without knowing the truth: Monte Carlo SURE.

Source: Stein, Annals of Statistics 9(6), 1981 (SURE); Ramani, Blu, Unser, "Monte-Carlo SURE: A Black-Box Optimization
of Regularization Parameters for General Denoising Algorithms", IEEE TIP 17(9), 2008, DOI 10.1109/TIP.2008.2001404,
equation 11: the divergence of f by one more run, on y + eps b, with b of +-1. With a variance v that differs from pixel
to pixel:

    E |f(y) - x|^2 / N  =  mean((f(y) - y)^2 - v) + 2 mean(v b (f(y + eps b) - f(y))) / eps

It holds for Gaussian noise of known level that each pixel has for itself, and for methods that are continuous.
"""

from __future__ import annotations

import math
from collections.abc import Sequence as Sequence_
from dataclasses import dataclass, replace

import numpy as np

from ..degradation import CameraNoise, Degradation, GaussianNoise, PoissonGaussian, Sequence
from ..engine import Plan, run
from ..image.image import Image

EPS = 1e-3  # of white: less is lost in single precision, more is no derivative
WINDOW = 256  # side of what is looked at in large pictures
WINDOWS = 4
SURER = 2.0  # standard errors by which another method must be better than the usual one


@dataclass(frozen=True)
class Forecast:
    """psnr: what the restored picture is expected to have against the clean one, in dB; error: standard error of that,
    by its few probes and by chance, which is large where little is left of strong noise in a small picture. None, and
    why not, where nothing can be said."""

    psnr: float | None
    error: float = 0.0
    why_not: str = ""

    def __str__(self) -> str:
        if self.psnr is None:
            return f"no forecast: {self.why_not}"
        return f"expected PSNR {self.psnr:.1f} dB (+- {max(self.error, 0.1):.1f}), if the level of the noise is right"


def forecast(plan: Plan, image: Image, *, probes: int = 4, seed: int = 0, side: int = WINDOW) -> Forecast:
    """The PSNR that `plan` is expected to reach on `image`; costs `probes` + 1 runs, in large pictures on four windows.

    side: of the windows, pixels. Raises what the engine raises.
    """
    if why := unfit(plan.degradation):
        return Forecast(None, why_not=why)
    return _told(_look(plan, _pieces(image, side), probes, seed))


@dataclass(frozen=True)
class _Look:
    """What `plan` made of the pieces, the SURE of each probe, and the spread of that by the noise."""

    restored: list[np.ndarray]
    errors: np.ndarray
    chance: float
    variance: float  # of the noise, mean

    @property
    def mse(self) -> float:
        return float(self.errors.mean())


def _look(plan: Plan, pieces: Sequence_[Image], probes: int, seed: int = 0) -> _Look:
    noise = noise_in(plan.degradation)
    rng = np.random.default_rng(seed)  # the same probes for every plan
    squared, slopes, chance, strength, count, kept = 0.0, np.zeros(probes), 0.0, 0.0, 0, []
    for piece in pieces:
        y = np.asarray(piece.samples, np.float64)
        restored = _run(plan, piece)
        variance = _variance(noise, restored) * np.ones_like(y)
        squared += float(np.sum((restored - y) ** 2 - variance))
        chance += float(np.sum(2 * np.square(variance)))  # of the squares of the noise itself
        strength += float(np.sum(variance))
        for k in range(probes):
            b = rng.choice((-1.0, 1.0), y.shape)
            moved = _run(plan, replace(piece, samples=(y + EPS * b).astype(np.float32)))
            slopes[k] += float(np.sum(variance * b * (moved - restored))) / EPS
        count += y.size
        kept.append(restored)
    return _Look(kept, (squared + 2 * slopes) / count, chance / count**2, strength / count)


def _told(look: _Look) -> Forecast:
    if look.mse <= 0:  # where nearly all noise is gone, the estimate's own spread is larger than what is left
        return Forecast(None, why_not="what is left of the noise is too little to be measured")
    error = 10 / math.log(10) * math.sqrt(_probing(look.errors) + look.chance) / look.mse
    return Forecast(-10 * math.log10(look.mse), error)


def _probing(errors: np.ndarray) -> float:
    """The variance of a mean over probes."""
    return float(errors.var(ddof=1)) / len(errors) if len(errors) > 1 else 0.0


def _surer(one: _Look, other: _Look) -> float:
    """By how many standard errors `one` is better than `other`: both saw the same noise, most of which cancels.

    Of |f - y|^2 - |g - y|^2 the part that chance makes is 2 n (f - g).
    """
    apart = sum(float(np.sum((f - g) ** 2)) for f, g in zip(one.restored, other.restored, strict=True))
    count = sum(f.size for f in one.restored)
    spread = _probing(other.errors - one.errors) + 4 * other.variance * apart / count**2
    return (other.mse - one.mse) / math.sqrt(spread) if spread > 0 else 0.0


def unfit(degradation: Degradation | None) -> str:
    """Why SURE says nothing about a picture that this happened to; empty where it does."""
    if degradation is None or degradation.noise is None:
        return "the level of the noise is not known"
    if isinstance(degradation.noise, CameraNoise):
        return "the noise of neighbours is alike, which the forecast cannot tell from detail"
    if degradation.blur is not None or degradation.scaling is not None or degradation.missing is not None:
        return "it is made for noise alone"
    return ""


def windows(image: Image, side: int = WINDOW, count: int = WINDOWS) -> list[np.ndarray]:
    """The whole picture (C, H, W) where it is small, else windows spread over it."""
    if image.height * image.width <= side * side * count:
        return [image.pixels()]
    tall, wide = min(side, image.height), min(side, image.width)
    across = max(1, round(math.sqrt(count * image.width / image.height)))
    down = max(1, count // across)
    tops = np.linspace(0, image.height - tall, down).astype(int)
    lefts = np.linspace(0, image.width - wide, across).astype(int)
    return [image.pixels(slice(y, y + tall), slice(x, x + wide)) for y in tops for x in lefts]


def noise_in(degradation: Degradation | None) -> GaussianNoise | PoissonGaussian:
    """The noise that is told, shot noise as such, though other methods take its level on middle gray."""
    steps = degradation.steps if isinstance(degradation, Sequence) else (degradation,)
    return next((s for s in steps if isinstance(s, PoissonGaussian)), None) or degradation.noise  # type: ignore[union-attr]


def _variance(noise: GaussianNoise | PoissonGaussian, restored: np.ndarray) -> np.ndarray | float:
    return noise.variance(restored) if isinstance(noise, PoissonGaussian) else noise.std**2


def _run(plan: Plan, piece: Image) -> np.ndarray:
    return np.asarray(run(plan, piece)[0].samples, np.float64)


def _samples(planes: np.ndarray) -> np.ndarray:
    return planes[0] if len(planes) == 1 else np.moveaxis(planes, 0, -1)


def best_of(plans: Sequence_[Plan], image: Image, *, probes: int = 4, side: int = WINDOW) -> tuple[int, list[Forecast]]:
    """Which of `plans` for the same picture is the best by forecast; and all forecasts.

    It is the first, unless others are better by `SURER` standard errors of the difference: then the best of these.
    """
    whys = [unfit(plan.degradation) for plan in plans]
    if whys[0]:
        return 0, [Forecast(None, why_not=why) for why in whys]
    pieces = _pieces(image, side)
    looks = [_look(plan, pieces, probes) for plan in plans]
    better = [i for i, look in enumerate(looks) if _surer(look, looks[0]) > SURER]
    return min(better, key=lambda i: looks[i].mse, default=0), [_told(look) for look in looks]


def _pieces(image: Image, side: int) -> list[Image]:
    return [Image(np.ascontiguousarray(_samples(p)), 1.0) for p in windows(image, side)]
