"""What can happen to a picture, as objects: apply, sample, write as text.

A Degradation is fixed. A Distribution has random parameters; its `sample(rng)` is a Degradation. Every Degradation
is also the distribution that always yields itself, so a recipe may mix both.

`apply` works on NumPy arrays and torch tensors alike, shape (..., H, W); it asks of `rng` only `standard_normal(shape)`
and `random(shape)`: a NumPy Generator, the MATLAB-4 generator and a torch generator on a GPU all fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class Random(Protocol):
    """The two draws that a degradation may ask for; shapes are tuples, () gives a number."""

    def standard_normal(self, size: tuple[int, ...]) -> Any: ...

    def random(self, size: tuple[int, ...] = ()) -> Any: ...


class Distribution:
    """A degradation with random parameters."""

    def sample(self, rng: Random) -> Degradation:
        """One Degradation, drawn."""
        raise TypeError(f"{type(self).__name__} says nothing about sampling")


class Degradation(Distribution):
    """Something that happened to a picture, with all its parameters known."""

    def apply(self, pixels: Any, rng: Random) -> Any:
        """Damaged copy of `pixels` (..., H, W), black 0, white 1; same dtype and kind of array."""
        raise TypeError(f"{type(self).__name__} says nothing about applying")

    def pair(self, pixels: Any, rng: Random) -> tuple[Any, Any]:
        """What restoring shall lead to, and the damaged copy: for most the picture itself is what it leads to."""
        return pixels, self.apply(pixels, rng)

    def sample(self, rng: Random) -> Degradation:
        return self

    @property
    def noise(self) -> Any:
        """The GaussianNoise in it, or None: what a denoiser is told."""
        return None

    @property
    def blur(self) -> Any:
        """The Blur in it, or None: what a method that sharpens is told."""
        return None

    @property
    def scaling(self) -> Any:
        """The Downscale in it, or None: by which factor a method is to enlarge."""
        return None

    @property
    def missing(self) -> Any:
        """The Missing in it, or None: which places are to be filled."""
        return None

    @property
    def compression(self) -> Any:
        """The Jpeg in it, or None."""
        return None

    @property
    def local(self) -> bool:
        """Whether it says something of single places, so that a tile must be told its own `part`."""
        return False

    def part(self, rows: slice, columns: slice) -> Degradation:
        """What it says of a rectangle of the picture."""
        return self


@dataclass(frozen=True)
class Sequence(Degradation):
    """Several degradations, one after the other."""

    steps: tuple[Degradation, ...]

    def apply(self, pixels: Any, rng: Random) -> Any:
        return self.pair(pixels, rng)[1]

    def pair(self, pixels: Any, rng: Random) -> tuple[Any, Any]:
        if not self.steps:
            return pixels, pixels
        if self.scaling is not None:
            pixels = self.scaling.cut(pixels)
        clean, damaged = self.steps[0].pair(pixels, rng)
        for step in self.steps[1:]:
            damaged = step.apply(damaged, rng)
        return clean, damaged

    @property
    def noise(self) -> Any:
        return self._first("noise")

    @property
    def blur(self) -> Any:
        return self._first("blur")

    @property
    def scaling(self) -> Any:
        return self._first("scaling")

    @property
    def missing(self) -> Any:
        return self._first("missing")

    @property
    def compression(self) -> Any:
        return self._first("compression")

    @property
    def local(self) -> bool:
        return any(step.local for step in self.steps)

    def part(self, rows: slice, columns: slice) -> Sequence:
        return Sequence(tuple(step.part(rows, columns) for step in self.steps))

    def _first(self, kind: str) -> Any:
        found = (getattr(step, kind) for step in self.steps)
        return next((value for value in found if value is not None), None)

    def __str__(self) -> str:
        return " + ".join(map(str, self.steps)) or "none"


@dataclass(frozen=True)
class RandomSequence(Distribution):
    """Several distributions, drawn and applied one after the other."""

    steps: tuple[Distribution, ...]

    def sample(self, rng: Random) -> Degradation:
        drawn = (step.sample(rng) for step in self.steps)
        return Sequence(tuple(step for step in drawn if step != Sequence(())))

    def __str__(self) -> str:
        return " + ".join(map(str, self.steps))


@dataclass(frozen=True)
class Mixture(Distribution):
    """One of several distributions, each with its probability; what is missing to 1 leaves the picture alone."""

    choices: tuple[tuple[float, Distribution], ...]

    def sample(self, rng: Random) -> Degradation:
        left = float(rng.random())
        for probability, choice in self.choices:
            left -= probability
            if left < 0:
                return choice.sample(rng)
        return Sequence(())

    def __str__(self) -> str:
        return " | ".join(f"{probability:g}*{choice}" for probability, choice in self.choices)
