"""Variance stabilisation: Poisson-Gaussian noise made white of one level, for any method that removes such noise.

Source: the generalised Anscombe transform and its exact unbiased inverse, Makitalo, Foi, "Optimal inversion of the
generalized Anscombe transformation for Poisson-Gaussian noise", IEEE TIP 22(1), 2013, DOI 10.1109/TIP.2012.2202675:
D = f(y) = 2 sqrt(max(y + 3/8 + s^2, 0)) in counts, where s is the read noise in counts (equation 5), and the inverse of
E[f(y) | x] (equation 9), which is tabulated here from the two distributions, not approximated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..degradation import Degradation, GaussianNoise
from ..degradation.poisson_gaussian import PoissonGaussian
from ..errors import UsageError
from .base import ArrayMethod, Method, NetworkMethod
from .card import Card

if TYPE_CHECKING:
    import torch

ANY_LEVEL = (0.0, 75.0)  # sigma that the method inside can be told, if neither weights nor card say
LEAST_GAIN = 1e-4  # of the read variance: below it, variance is the same for all signals to 1e-4
FEW = 1 / 8  # gain; bsd32val, nonloc-s gray: the map wins by 0.6 dB at 1/4, 0.2 at 1/6, loses by 0.03 from 1/10 on
MANY = 60.0  # counts from which E[f] is known in closed form to 1e-5
DEVIATIONS = np.linspace(-8, 8, 801)  # of the read noise, for the integral over it


@dataclass(frozen=True)
class Stabiliser:
    """f and its inverse for one noise, scaled so that the signals 0 to 1 lie around middle gray.

    levels: the lowest and highest sigma that may come out, 0-255 scale. Where they allow it, black and white are 1
    apart; else the contrast is such that the level is allowed.
    """

    noise: PoissonGaussian
    levels: tuple[float, float] = ANY_LEVEL

    @property
    def gain(self) -> float:
        return max(self.noise.gain, LEAST_GAIN * self.noise.std**2, 1e-12)

    @property
    def read(self) -> float:
        """s, standard deviation of the read noise in counts."""
        return self.noise.std / self.gain

    @property
    def sigma(self) -> float:
        """The level of the noise after `forward`, 0-255 scale."""
        black, white = self.anscombe(np.array([0, 1 / self.gain]))
        return float(np.clip(255 / (white - black), *self.levels))

    @property
    def middle(self) -> float:
        return float(self.anscombe(np.array([0, 1 / self.gain])).mean())

    def anscombe(self, counts: np.ndarray) -> np.ndarray:
        """f: Makitalo and Foi, equation 5."""
        return 2 * np.sqrt(np.maximum(counts + 3 / 8 + self.read**2, 0))

    def forward(self, noisy: np.ndarray) -> np.ndarray:
        """`noisy` of any shape, white 1, as a picture whose noise has the level `sigma` everywhere; float64."""
        d = self.anscombe(noisy.astype(np.float64) / self.gain)
        return (d - self.middle) * self.sigma / 255 + 0.5

    def inverse(self, stable: np.ndarray) -> np.ndarray:
        """The signal whose noisy values have the mean `stable` after `forward`; at least 0; float64."""
        d = (stable.astype(np.float64) - 0.5) * 255 / self.sigma + self.middle
        expected, counts = inverse_table(self.read)
        few = np.interp(d, expected, counts)
        return self.gain * np.where(d < expected[-1], few, d * d / 4 - 1 / 8 - self.read**2)


@lru_cache(maxsize=64)
def inverse_table(read: float) -> tuple[np.ndarray, np.ndarray]:
    """E[f], increasing, and the mean counts that it belongs to, from 0 to MANY, for the read noise `read` in counts."""
    counts = np.concatenate([np.linspace(0, 2, 200) ** 2, np.linspace(4, MANY, 600)[1:]])
    return expected_anscombe(counts, read), counts


def expected_anscombe(counts: np.ndarray, read: float) -> np.ndarray:
    """E[f(y) | x] where x is `counts` (N,) and y = k + `read` n, k ~ Poisson(x), n ~ N(0, 1): equation 9, (N,)."""
    from scipy.special import gammaln, xlogy

    k = np.arange(int(counts.max() + 9 * np.sqrt(counts.max()) + 9))
    density = np.exp(-(DEVIATIONS**2) / 2)
    density /= density.sum()
    roots = 2 * np.sqrt(np.maximum(k[:, None] + read * DEVIATIONS + 3 / 8 + read**2, 0)) @ density
    chance = np.exp(xlogy(k, counts[:, None]) - counts[:, None] - gammaln(k + 1))
    return chance @ roots


class Stabilises(Protocol):
    """What makes noise white, and undoes it: for one noise, and the levels that a method can be told."""

    @property
    def sigma(self) -> float: ...

    def forward(self, noisy: np.ndarray) -> np.ndarray: ...

    def inverse(self, stable: np.ndarray) -> np.ndarray: ...


Making = Callable[[Any, tuple[float, float]], Stabilises]


def stabilised(method: Method, kind: type[Degradation] = PoissonGaussian, making: Making = Stabiliser) -> Method:
    """`method` for noise of that `kind`: it sees white noise, and what it restores is brought back without bias.

    making: the stabiliser for one such noise and the levels that `method` can be told. The method that comes back has
    the card of the one inside, with a title that says so, and does as that one does with any other degradation. Raises
    UsageError for a method that measures whole pictures before it restores.
    """
    if type(method).measure is not Method.measure:
        asked = f"{method.card.name} on stabilised pictures"
        raise UsageError(asked, "it measures the whole picture first", "Take another method, bm3d for example")
    if isinstance(method, NetworkMethod):
        return StabilisedNetwork(method, kind, making)
    return StabilisedArray(method, kind, making)


class StabilisedArray(ArrayMethod):
    def __init__(self, inside: Method, kind: type[Degradation], making: Making):
        super().__init__(retitled(inside.card), inside.weights)
        self.inside, self.noisy, self.making = inside, kind, making

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> Any:
        if not isinstance(degradation, self.noisy):
            return self.inside.restore(pixels, degradation)
        stabiliser = self.making(degradation, levels(self.inside))
        stable = stabiliser.forward(pixels).astype(pixels.dtype)
        restored = alone(self.inside.restore(stable, GaussianNoise(stabiliser.sigma)))
        return stabiliser.inverse(restored).astype(pixels.dtype)


class StabilisedNetwork(NetworkMethod):
    def __init__(self, inside: NetworkMethod, kind: type[Degradation], making: Making):
        super().__init__(retitled(inside.card), inside.weights, inside.module)
        self.inside, self.noisy, self.making = inside, kind, making

    def restore(self, pixels: Any, degradation: Degradation | None) -> Any:
        if not isinstance(degradation, self.noisy):
            return self.inside.restore(pixels, degradation)
        stabiliser = self.making(degradation, levels(self.inside))
        stable = through(stabiliser.forward, pixels)
        restored = alone(self.inside.restore(stable, GaussianNoise(stabiliser.sigma)))
        return through(stabiliser.inverse, restored.float())


def adapted(method: Method, noise: PoissonGaussian) -> Method:
    """`method` as it serves best against `noise`: on stabilised variance, or told a map of the levels.

    The map where white is a few counts and `method` can be told one: there stabilised counts are far from normal.
    """
    if by_map(method, noise):
        from .networks.signal_map import mapped

        return mapped(method)  # type: ignore[arg-type]
    return stabilised(method)


def by_map(method: Method, noise: PoissonGaussian) -> bool:
    """Whether `adapted` tells `method` a map."""
    if noise.gain <= FEW or not isinstance(method, NetworkMethod):
        return False
    from .networks.conditional import ConditionalMethod

    return isinstance(method, ConditionalMethod) and method.maps


def levels(method: Method) -> tuple[float, float]:
    """The sigmas that a method can be told: of its weights, else of its card."""
    low, high = (method.weights.sigma if method.weights else None) or method.card.sigma or ANY_LEVEL
    return float(low), float(high)


def retitled(card: Card) -> Card:
    return replace(card, title=f"{card.title}, on stabilised variance")


def alone(restored: Any) -> Any:
    """Without the extras that some methods find."""
    return restored[0] if isinstance(restored, tuple) else restored


def through(change: Callable[[np.ndarray], np.ndarray], pixels: torch.Tensor) -> torch.Tensor:
    """`change`, which needs double precision and NumPy, of a tensor on any device; like the tensor."""
    import torch

    return torch.empty_like(pixels).copy_(torch.from_numpy(change(pixels.cpu().numpy())))
