"""What the classical methods against a known blur share: a picture that goes on beyond what was measured of it.

The model is y = M(Hx) + n. x is wider than what was measured, by the radius of the kernel on each side; the mask M
keeps the places where something was measured. Nothing is assumed of y elsewhere. Source: Almeida and Figueiredo,
"Deconvolving images with unknown boundaries using the alternating direction method of multipliers", IEEE TIP 22(8),
2013, DOI 10.1109/TIP.2013.2258354, section II; the solver is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from ...degradation import Degradation
from ...errors import UsageError
from ..base import ArrayMethod
from .otf import convolved, otf, widened

LEAST = 0.255 / 255  # noise is never taken for less: pictures are rounded, and no kernel is known better


@dataclass(frozen=True)
class Scene:
    """A picture and what is known of it.

    y: what was measured, float64 (C, H, W), 0 beyond it. h: transfer function. seen: M, 1 or 0, (H, W). inside: where
    the picture lies. start: y with room around it, a first guess of x.
    """

    y: np.ndarray
    h: np.ndarray
    seen: np.ndarray
    inside: tuple[slice, slice]
    start: np.ndarray

    @property
    def measured(self) -> float:
        """How many numbers were measured, of all channels."""
        return float(self.seen.sum()) * len(self.y)

    def forward(self, x: np.ndarray) -> np.ndarray:
        """M(Hx)."""
        return self.seen * convolved(x, self.h)

    def adjoint(self, y: np.ndarray) -> np.ndarray:
        """H'(My): <M(Hx), y> = <x, H'(My)>."""
        return convolved(self.seen * y, self.h.conj())

    def residual(self, x: np.ndarray) -> float:
        """||y - M(Hx)||^2."""
        return float(np.square(self.y - self.forward(x)).sum())

    def cut(self, x: np.ndarray) -> np.ndarray:
        """Of x, what lies where something was measured."""
        return x[(..., *self.inside)]


def scene(pixels: np.ndarray, kernel: np.ndarray, circular: bool = False) -> Scene:
    """`pixels` (C, H, W), blurred by `kernel` (k, k), k odd; circular: the picture repeats beyond its borders."""
    start, inside = widened(pixels.astype(np.float64), len(kernel) // 2)
    if circular:
        start, inside = pixels.astype(np.float64), (slice(None), slice(None))
    seen = np.zeros(start.shape[-2:])
    seen[inside] = 1
    return Scene(start * seen, otf(kernel, *start.shape[-2:]), seen, inside, start)


def quadratic(
    scene: Scene, b: np.ndarray, prior: np.ndarray, x: np.ndarray, steps: int = 25, enough: float = 1e-3
) -> np.ndarray:
    """x with (H'MH + P) x = b, by conjugate gradients from `x`.

    P multiplies the spectrum by `prior` (H, W // 2 + 1), at least 0, and more where the blur leaves nothing.
    b, x: spectra, fft.rfft2 of (C, H, W); so is what comes back. Where everything is measured, (|H|^2 + P)^-1 is the
    answer; elsewhere it is the preconditioner, so that few `steps` do. They end where the residual, in its norm, is the
    part `enough` of the first.
    """
    sides = scene.seen.shape
    inverse = 1 / (np.abs(scene.h) ** 2 + prior)

    def applied(p: np.ndarray) -> np.ndarray:
        hp = fft.irfft2(scene.h * p, s=sides)
        hp *= scene.seen
        return scene.h.conj() * fft.rfft2(hp) + prior * p

    r = b - applied(x)
    p = s = inverse * r
    rs = first = inner(r, s, sides[1])
    for _ in range(steps):
        if (rs <= enough**2 * first).all():
            break
        q = applied(p)
        along = rs / np.maximum(inner(p, q, sides[1]), 1e-300)  # a channel that is solved has p = 0
        x, r = x + along * p, r - along * q
        s = inverse * r
        rs, before = inner(r, s, sides[1]), rs
        p = s + rs / np.maximum(before, 1e-300) * p
    return x


def inner(a: np.ndarray, b: np.ndarray, width: int) -> np.ndarray:
    """Inner product of each channel, (C, 1, 1), of pictures of that width by their spectra; H W times too large."""
    product = a.real * b.real + a.imag * b.imag
    return (product * twice(width)).sum((-2, -1), keepdims=True)


def twice(width: int) -> np.ndarray:
    """How often a column of fft.rfft2 stands in the whole spectrum, (width // 2 + 1,)."""
    columns = np.arange(width // 2 + 1)
    return np.where((columns == 0) | (2 * columns == width), 1.0, 2.0)


def laplacian(height: int, width: int) -> np.ndarray:
    """|L|^2 of the Laplacian [0 1 0; 1 -4 1; 0 1 0], (height, width // 2 + 1)."""
    return gradient(height, width) ** 2


def gradient(height: int, width: int) -> np.ndarray:
    """|D|^2 of the differences to the next pixel, down and right together; minus the Laplacian's transfer function."""
    down, right = 2 * np.pi * fft.fftfreq(height)[:, np.newaxis], 2 * np.pi * fft.rfftfreq(width)
    return 4 - 2 * np.cos(down) - 2 * np.cos(right)


class KnownBlur(ArrayMethod):
    """A method that is told the kernel, and does one picture after the other, its channels with the same settings."""

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Sharp estimate of `pixels`, float32 (B, C, H, W); not clipped. UsageError when no kernel is told."""
        blur = degradation.blur if degradation is not None else None
        if degradation is None or blur is None:
            raise UsageError(f"{self.card.name} without a blur", "it needs a kernel", "Give one, such as motion:15,30")
        noise = degradation.noise
        std = max(LEAST, noise.std if noise is not None else 0)
        return np.stack([self.sharpened(scene(y, blur.kernel), std) for y in pixels]).astype(np.float32)

    def sharpened(self, scene: Scene, std: float) -> np.ndarray:
        """The picture (C, H, W) in `scene`, whose noise has the standard deviation `std`, white 1."""
        raise TypeError(f"{type(self).__name__} does not sharpen anything")
