"""Noise draws: which numbers make a clean picture noisy.

matlab4         the generator of the DnCNN papers, reset for every picture (see matlab4.py)
numpy:S         numpy.random.default_rng([S, crc32(file name)]), independent per picture; 0..4: five draws
numpy-legacy    numpy.random.seed(0) for every picture, as the KAIR test scripts do
truncated       numpy:0 with numbers beyond +-2 drawn again, as TensorFlow does; or truncated:S. Its standard
                deviation is 0.8796 sigma: an easier problem, never comparable with the others
real            no draw: a set of real pairs
downscale       no draw: pictures made smaller
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from ..degradation import Clip8, Degradation, GaussianNoise, Sequence
from ..errors import UsageError
from .matlab4 import Matlab4

KINDS = ("matlab4", "numpy", "numpy-legacy", "truncated")
REGIMES = ("float", "clip8")
CUT = 2.0


@dataclass(frozen=True)
class Track:
    """One way of drawing noise; `str()` gives its name."""

    kind: str
    seed: int = 0

    def rng(self, file_name: str) -> Any:
        """A fresh generator for the picture of that file name; it has `standard_normal`."""
        if self.kind == "matlab4":
            return Matlab4(0)
        if self.kind == "numpy-legacy":
            return RowMajor(np.random.RandomState(0).standard_normal)
        rng = np.random.default_rng([self.seed, crc32(file_name.encode("utf-8"))])
        if self.kind == "truncated":
            return RowMajor(lambda size: truncated_normal(rng, size))
        return RowMajor(rng.standard_normal)

    def __str__(self) -> str:
        if self.kind == "numpy" or self.seed:
            return f"{self.kind}:{self.seed}"
        return self.kind


REAL = Track("real")
SMALLER = Track("downscale")


def parse_tracks(text: str) -> tuple[Track, ...]:
    """The tracks that `text` names: one, or several for 'numpy:0..4'; UsageError where it names none."""
    found = re.fullmatch(r"(matlab4|numpy-legacy|truncated)|(numpy|truncated):(\d+)(?:\.\.(\d+))?", text.strip())
    if found and found[1]:
        return (Track(found[1]),)
    first, last = (int(found[3]), int(found[4] or found[3])) if found else (1, 0)
    if not found or last < first:
        raise UsageError(
            f"track {text!r}", "there is no such draw", f"Use {', '.join(KINDS)}, as in numpy:0 or numpy:0..4"
        )
    return tuple(Track(found[2], seed) for seed in range(first, last + 1))


def degradation(sigma: float, regime: str) -> Degradation:
    """What happens to the clean picture: noise of that level, in 'clip8' also an 8-bit file."""
    if regime not in REGIMES:
        raise UsageError(f"regime {regime!r}", "there is no such input regime", f"Use {' or '.join(REGIMES)}")
    noise = GaussianNoise(sigma)
    return Sequence((noise, Clip8())) if regime == "clip8" else noise


def noisy(samples: np.ndarray, file_name: str, sigma: float, track: Track, regime: str = "float") -> np.ndarray:
    """The noisy picture, float32, of uint8 `samples` (H, W) or (H, W, 3); black 0, white 1, float not
    clipped.

    Made in float64 and rounded once at the end, as the papers' scripts do.
    """
    pixels = samples / 255
    planes = np.moveaxis(pixels, -1, 0) if pixels.ndim == 3 else pixels
    planes = degradation(sigma, regime).apply(planes, track.rng(file_name))
    return np.ascontiguousarray(np.moveaxis(planes, 0, -1) if pixels.ndim == 3 else planes, dtype=np.float32)


@dataclass(frozen=True)
class RowMajor:
    """A generator whose numbers fill (H, W, C) as it lies in memory, though (C, H, W) is asked for."""

    draw: Callable[[tuple[int, ...]], np.ndarray]

    def standard_normal(self, size: tuple[int, ...]) -> np.ndarray:
        if len(size) == 2:
            return self.draw(size)
        channels, height, width = size
        return np.moveaxis(self.draw((height, width, channels)), -1, 0)

    def random(self, size: tuple[int, ...] = ()) -> Any:
        """Not there: the tracks add Gaussian noise only."""
        raise UsageError("uniform numbers of a noise track", "tracks are Gaussian", "Use a numpy Generator")


def truncated_normal(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Normal numbers within +-2: those outside are drawn again, in order, until none is left."""
    numbers = rng.standard_normal(size)
    outside = np.flatnonzero(np.abs(numbers) > CUT)
    while outside.size:
        again = rng.standard_normal(outside.size)
        numbers.flat[outside] = again
        outside = outside[np.abs(again) > CUT]
    return numbers
