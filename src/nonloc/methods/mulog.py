"""Speckle removed by any method that removes white noise: on logarithms, again and again where looks are few.

Source: Deledalle, Denis, Tabti, Tupin, "MuLoG, or how to apply Gaussian denoisers to multi-channel SAR speckle
reduction?", IEEE TIP 26(9), 2017, DOI 10.1109/TIP.2017.2713946, algorithm 1 for one channel: ADMM on the likelihood of
the logarithm of a gamma variable, L (x + exp(y - x)), whose proximal step is Newton's. Ours: fewer steps with a weaker
penalty, one plain step where looks are many, and a mean that is that of the noisy picture in every neighbourhood.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..degradation import Degradation, GaussianNoise
from ..degradation.speckle import Speckle
from ..errors import UsageError
from .base import ArrayMethod, Method, NetworkMethod
from .card import Card
from .speckle import LEAST, SpeckleStabiliser
from .stabilise import alone, levels, through

FEW = 4.0  # looks to which the steps are worth it: 3 gain 0.4 dB on 1, 0.2 on 2, 0.07 on 4, nothing on 8 (bsd32val)
STEPS = 3
NEWTON = 10
PENALTY = 0.5  # beta = (1 + PENALTY / L) / trigamma(L); the paper's 2 needs six steps, and is 0.1 dB behind
FAR = 30.0  # in logarithms; beyond, exp would overflow before Newton has come near
RADIUS = 10.0  # standard deviation of a neighbourhood in pixels: 6 to 15 differ by 0.07 dB at most
REACH = 25  # of it
FAINT = 0.01  # of the neighbourhood's mean; weaker samples count as so much: one in a hundred of a single look
BYTES = 96  # a channel's, beside what the method inside needs


def steps(noise: Speckle) -> int:
    """How often the method inside is asked."""
    return STEPS if noise.looks <= FEW else 1


def despeckled(method: Method, noise: Speckle) -> Method:
    """`method` for speckle of as many looks as `noise` has, or as few.

    The method that comes back has the card of the one inside, with a title that says so, and does as that one does with
    any other degradation. Raises UsageError for a method that measures whole pictures before it restores.
    """
    if type(method).measure is not Method.measure:
        asked = f"{method.card.name} on speckle"
        raise UsageError(asked, "it measures the whole picture first", "Take another method, bm3d for example")
    if isinstance(method, NetworkMethod):
        return DespeckledNetwork(method, steps(noise))
    return DespeckledArray(method, steps(noise))


class DespeckledArray(ArrayMethod):
    def __init__(self, inside: Method, steps: int):
        super().__init__(widened(inside.card, steps), inside.weights)
        self.inside, self.steps = inside, steps

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> Any:
        if not isinstance(degradation, Speckle):
            return self.inside.restore(pixels, degradation)

        def denoise(gray: np.ndarray, sigma: float) -> np.ndarray:
            return alone(self.inside.restore(gray.astype(pixels.dtype), GaussianNoise(sigma)))

        return despeckle(pixels, degradation, denoise, levels(self.inside), self.steps).astype(pixels.dtype)


class DespeckledNetwork(NetworkMethod):
    def __init__(self, inside: NetworkMethod, steps: int):
        super().__init__(widened(inside.card, steps), inside.weights, inside.module)
        self.inside, self.steps = inside, steps

    def restore(self, pixels: Any, degradation: Degradation | None) -> Any:
        if not isinstance(degradation, Speckle):
            return self.inside.restore(pixels, degradation)
        noise = degradation

        def denoise(gray: np.ndarray, sigma: float) -> np.ndarray:
            told = through(lambda _: gray, pixels)
            return alone(self.inside.restore(told, GaussianNoise(sigma))).float().cpu().numpy()

        return through(lambda noisy: despeckle(noisy, noise, denoise, levels(self.inside), self.steps), pixels)


def despeckle(
    noisy: np.ndarray,
    noise: Speckle,
    denoise: Callable[[np.ndarray, float], np.ndarray],
    allowed: tuple[float, float],
    steps: int = STEPS,
) -> np.ndarray:
    """`noisy` (B, C, H, W), white 1, without its speckle; float64.

    denoise: a picture and the sigma of its white noise, 0-255 scale, to the clean picture. allowed: the lowest and
    highest sigma that it knows. steps: 1 is the plain logarithm.
    """
    eased = (1 + PENALTY / noise.looks) ** 0.5 if steps > 1 else 1.0
    log = SpeckleStabiliser(noise, allowed, eased)
    intensity = log.intensity(noisy)
    around = smooth(intensity)
    y = np.log(np.maximum(intensity, np.maximum(FAINT * around, LEAST)))
    x = y - log.bias
    z = log.logarithm(denoise(log.gray(x), log.sigma))
    d = np.zeros_like(x)
    for _ in range(steps - 1):
        d += z - x
        x = proximal(x, z + d, y, noise.looks, 1 / log.std**2)
        z = log.logarithm(denoise(log.gray(x - d), log.sigma))
    restored = np.exp(z)
    return log.pixels(restored * (around / np.maximum(smooth(restored), LEAST)))


def proximal(x: np.ndarray, z: np.ndarray, y: np.ndarray, looks: float, beta: float) -> np.ndarray:
    """The x with the least beta / 2 (x - z)^2 + looks (x + exp(y - x)), from a guess of it; arrays of one shape."""
    for _ in range(NEWTON):
        speckle = looks * np.exp(np.clip(y - x, -FAR, FAR))
        x = x - (beta * (x - z) + looks - speckle) / (beta + speckle)
    return x


def smooth(pixels: np.ndarray) -> np.ndarray:
    """The mean of every neighbourhood of `pixels` (B, C, H, W)."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(pixels, (0, 0, RADIUS, RADIUS), radius=(0, 0, REACH, REACH), mode="reflect")


def widened(card: Card, steps: int) -> Card:
    """The card of a method that is asked so often, and looks around besides."""
    halos = {name: getattr(card, name) for name in ("halo_exact", "halo_8bit")}
    wider: dict[str, Any] = {name: steps * halo + REACH for name, halo in halos.items() if halo is not None}
    if card.seconds_per_mp is not None:
        wider["seconds_per_mp"] = steps * card.seconds_per_mp + 0.3
    wider["bytes_per_pixel"] = card.bytes_per_pixel + BYTES * max(card.channels)
    return replace(card, title=f"{card.title}, on logarithms", **wider)
