"""Blur: the picture convolved with a kernel, by camera shake, defocus, or any kernel that was measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DegradationError
from .degradation import Degradation, Distribution, Random

FINE = 64  # parts of a pixel that lines and disks are drawn in


class Blur(Degradation):
    """A convolution. `kernel` is float64 (k, k), k odd, at least 0, with sum 1; its middle is where a point stays."""

    @property
    def kernel(self) -> np.ndarray:
        raise TypeError(f"{type(self).__name__} says nothing about its kernel")

    @property
    def radius(self) -> int:
        """How far, in pixels, a point is spread at most."""
        return len(self.kernel) // 2

    @property
    def blur(self) -> Blur:
        return self

    def apply(self, pixels: Any, rng: Random | None = None) -> Any:
        """`pixels` (..., H, W), which are mirrored at their borders, with the last one twice."""
        if not isinstance(pixels, np.ndarray):
            import torch

            return torch.from_numpy(self.apply(pixels.cpu().numpy())).to(pixels)
        from scipy.signal import oaconvolve

        r = self.radius
        wide = np.pad(pixels, ((0, 0),) * (pixels.ndim - 2) + ((r, r), (r, r)), mode="symmetric")
        kernel = self.kernel.reshape((1,) * (pixels.ndim - 2) + self.kernel.shape)
        return oaconvolve(wide, kernel, mode="valid", axes=(-2, -1)).astype(pixels.dtype, copy=False)


@dataclass(frozen=True)
class MotionBlur(Blur):
    """A straight shake of `length` pixels, at `angle` degrees from the horizontal, counter-clockwise."""

    length: float
    angle: float = 0.0

    @property
    def kernel(self) -> np.ndarray:
        along = (np.arange(math.ceil(self.length * FINE)) + 0.5) / math.ceil(self.length * FINE) - 0.5
        turn = math.radians(self.angle)
        x, y = along * self.length * math.cos(turn), -along * self.length * math.sin(turn)
        return _binned(x, y)

    def __str__(self) -> str:
        return f"motion:{self.length:g},{self.angle:g}"


@dataclass(frozen=True)
class GaussianBlur(Blur):
    """A Gaussian of standard deviation `sigma` in pixels."""

    sigma: float

    @property
    def kernel(self) -> np.ndarray:
        r = max(1, math.ceil(4 * self.sigma))
        row = np.exp(-0.5 * (np.arange(-r, r + 1) / max(self.sigma, 1e-6)) ** 2)
        return _whole(np.outer(row, row))

    def __str__(self) -> str:
        return f"gaussian-blur:{self.sigma:g}"


@dataclass(frozen=True)
class TurnedGaussianBlur(Blur):
    """A Gaussian that is wider in one direction: variances `wide` and `narrow` (pixels squared), the first at `angle`
    degrees from the horizontal, counter-clockwise; sampled on 15 x 15, as SRMD has it."""

    wide: float
    narrow: float
    angle: float = 0.0

    @property
    def kernel(self) -> np.ndarray:
        turn = math.radians(self.angle)
        y, x = np.mgrid[-7:8, -7:8]
        along, across = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
        return _whole(np.exp(-0.5 * (along**2 / self.wide + across**2 / self.narrow)))

    def __str__(self) -> str:
        return f"turned-gaussian-blur:{self.wide:g},{self.narrow:g},{self.angle:g}"


@dataclass(frozen=True)
class TurnedGaussians(Distribution):
    """Any of them: the larger variance uniform between two, the smaller from the least up to it, at any angle."""

    low: float
    high: float

    def sample(self, rng: Random) -> TurnedGaussianBlur:
        wide, narrow, turn = (float(rng.random()) for _ in range(3))
        wide = self.low + (self.high - self.low) * wide
        return TurnedGaussianBlur(wide, self.low + (wide - self.low) * narrow, 180 * turn)

    def __str__(self) -> str:
        return f"turned-gaussian-blur:{self.low:g}..{self.high:g}"


@dataclass(frozen=True)
class Defocus(Blur):
    """A disk of that radius in pixels, as a lens that is not in focus makes of a point."""

    radius_: float

    @property
    def kernel(self) -> np.ndarray:
        side = np.arange(-math.ceil(self.radius_) * 16, math.ceil(self.radius_) * 16 + 1) / 16
        x, y = np.meshgrid(side, side)
        inside = np.hypot(x, y) <= max(self.radius_, 0.25)
        return _binned(x[inside], y[inside])

    def __str__(self) -> str:
        return f"defocus:{self.radius_:g}"


@dataclass(frozen=True, eq=False)
class KernelBlur(Blur):
    """A blur of any kernel, (k, l) of numbers at least 0; it is brought to odd sides and to sum 1.

    name: what the report calls it, a file's name perhaps. Raises DegradationError for what is no kernel.
    """

    values: np.ndarray
    name: str = "kernel"

    def __post_init__(self) -> None:
        values = np.asarray(self.values, np.float64)
        if values.ndim != 2 or not np.isfinite(values).all() or values.min() < 0 or values.sum() <= 0:
            raise DegradationError(
                f"blur {self.name}",
                f"an array of shape {values.shape} that is no kernel",
                "Give (k, k) numbers, at least 0 and not all of them 0",
            )
        object.__setattr__(self, "values", _whole(_square(values)))

    @property
    def kernel(self) -> np.ndarray:
        return self.values

    def __str__(self) -> str:
        return f"blur:{self.name}"


def _binned(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The kernel of points that are spread evenly over places (x, y)."""
    r = max(1, int(np.rint(max(np.abs(x).max(), np.abs(y).max()))))
    edges = np.arange(-r - 0.5, r + 1)
    counts = np.histogram2d(y, x, bins=(edges, edges))[0]
    return _whole(counts + counts[::-1, ::-1])  # lines and disks are symmetric; points on an edge go to both sides


def _square(values: np.ndarray) -> np.ndarray:
    """With zeros around, so that both sides are the same odd number; an even side gets its zeros before."""
    side = max(values.shape) | 1
    beyond = [(math.ceil((side - length) / 2), (side - length) // 2) for length in values.shape]
    return np.pad(values, beyond)


def _whole(values: np.ndarray) -> np.ndarray:
    return values / values.sum()
