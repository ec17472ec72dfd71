"""White noise and four kinds that are not, as degradations; what 'complex noise patterns' means in docs/table1.md.

Source: signal-dependent: Foi, Trimeche, Katkovnik, Egiazarian, IEEE TIP 17(10), 2008, DOI 10.1109/TIP.2008.2001399
(variance a x + b); the others by their definitions. Variances are those of white noise of sigma 25, for the
signal-dependent kind at a gray of 0.45; impulses are 10 % of the pixels, which is stronger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nonloc.degradation import Degradation, GaussianNoise, Mixture
from nonloc.degradation.degradation import Random

SIGMA = 25.0
STD = SIGMA / 255


def normal(pixels: Any, shape: tuple[int, ...], rng: Random) -> Any:
    """Standard normal numbers of that shape, of the kind and dtype of `pixels`."""
    drawn = rng.standard_normal(shape)
    return drawn.astype(pixels.dtype, copy=False) if hasattr(drawn, "astype") else drawn


@dataclass(frozen=True)
class Kind(Degradation):
    """One kind of noise of about the power of sigma 25. The networks are blind; the loss weighs all kinds alike."""

    @property
    def noise(self) -> GaussianNoise:
        return GaussianNoise(SIGMA)

    def __str__(self) -> str:
        return type(self).__name__.lower()


class White(Kind):
    def apply(self, pixels: Any, rng: Random) -> Any:
        return pixels + STD * normal(pixels, tuple(pixels.shape), rng)


class Correlated(Kind):
    """White noise smoothed by [1 2 1] / 4 both ways, at the same variance."""

    def apply(self, pixels: Any, rng: Random) -> Any:
        height, width = pixels.shape[-2:]
        n = normal(pixels, (*pixels.shape[:-2], height + 2, width + 2), rng)
        n = n[..., :-2, :] + 2 * n[..., 1:-1, :] + n[..., 2:, :]
        n = n[..., :-2] + 2 * n[..., 1:-1] + n[..., 2:]
        return pixels + STD / 6 * n  # 1 + 4 + 1 along each axis


class Impulse(Kind):
    """A tenth of the pixels is black or white."""

    def apply(self, pixels: Any, rng: Random) -> Any:
        drawn = rng.random(tuple(pixels.shape))
        return (drawn >= 0.1) * pixels + (drawn < 0.05)


class Striped(Kind):
    """Each row has an error of its own, 20 of the 25; the rest is white."""

    def apply(self, pixels: Any, rng: Random) -> Any:
        rows = normal(pixels, (*pixels.shape[:-1], 1), rng)
        return pixels + STD * (0.8 * rows + 0.6 * normal(pixels, tuple(pixels.shape), rng))


class Signal(Kind):
    """Variance a x + b, as photons and electronics give it; b is that of sigma 5."""

    def apply(self, pixels: Any, rng: Random) -> Any:
        b = (5 / 255) ** 2
        a = (STD**2 - b) / 0.45
        return pixels + (a * pixels + b) ** 0.5 * normal(pixels, tuple(pixels.shape), rng)


KINDS = {str(kind): kind for kind in (White(), Correlated(), Impulse(), Striped(), Signal())}
COMPLEX = tuple(name for name in KINDS if name != "white")
# what the five networks are trained on: half white, the rest in equal parts
MIXTURE = Mixture(tuple((0.5 if name == "white" else 0.125, kind) for name, kind in KINDS.items()))
