"""Constrained least squares: the smoothest picture that, blurred, differs from the measured one as noise does.

Source: Hunt, "The application of constrained least squares estimation to image restoration by digital computer", IEEE
Trans. Computers C-22(9), 1973, DOI 10.1109/TC.1973.5009169: X = H* Y / (|H|^2 + lambda |L|^2), lambda such that
||y - Hx||^2 = N sigma^2. The default takes into account that x follows the noise, too: (N - trace A) sigma^2, where A
makes Hx from y; Hall and Titterington, J. R. Statist. Soc. B 49(2), 1987, DOI 10.1111/j.2517-6161.1987.tb01688.x.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from .known_blur import KnownBlur, Scene, laplacian, quadratic, twice

GRID = np.arange(3, -8.1, -0.1)  # of log10 lambda, for the first guess
SEARCH = (0.4, 0.4, 0.2, 0.1, 0.05)  # by how much log10 lambda is changed then


class ConstrainedLeastSquares(KnownBlur):
    """smoothness: lambda; None finds it from the level of the noise. rule: what the residual shall be, 'freedom' for
    (N - trace A) sigma^2 or 'hunt' for N sigma^2."""

    def __init__(self, card, weights=None, smoothness: float | None = None, rule: str = "freedom"):
        super().__init__(card, weights)
        self.smoothness, self.rule = smoothness, rule

    def sharpened(self, scene: Scene, std: float) -> np.ndarray:
        lambda_ = self.smoothness
        if lambda_ is None:
            lambda_ = found(scene, std, self.rule)
        return scene.cut(smooth(scene, lambda_))


def smooth(scene: Scene, lambda_: float) -> np.ndarray:
    """argmin_x ||y - M(Hx)||^2 + lambda ||Lx||^2, (C, H, W), all of it."""
    return fft.irfft2(_solved(scene, lambda_, fft.rfft2(scene.start)), s=scene.seen.shape)


def found(scene: Scene, std: float, rule: str = "freedom") -> float:
    """The lambda whose residual is that of noise of `std`: the largest of those, to a tenth."""
    target = scene.measured * std**2
    at, x = _guess(scene, target, rule), fft.rfft2(scene.start)
    for step in SEARCH:
        x = _solved(scene, 10**at, x)
        residual = scene.residual(fft.irfft2(x, s=scene.seen.shape))
        at += step if residual + _followed(scene, 10**at, std, rule) < target else -step
    return float(10**at)


def _solved(scene: Scene, lambda_: float, x: np.ndarray) -> np.ndarray:
    b = scene.h.conj() * fft.rfft2(scene.y)
    return quadratic(scene, b, lambda_ * laplacian(*scene.seen.shape), x)


def _followed(scene: Scene, lambda_: float, std: float, rule: str) -> float:
    """trace A sigma^2, as if all of x had been measured: what the residual lacks because x follows the noise."""
    if rule == "hunt":
        return 0.0
    h2 = np.abs(scene.h) ** 2
    trace = (h2 / (h2 + lambda_ * laplacian(*scene.seen.shape)) * twice(scene.seen.shape[1])).sum()
    return float(trace) * scene.measured / scene.seen.size * std**2


def _guess(scene: Scene, target: float, rule: str) -> float:
    """log10 lambda for the picture with room around it, as if all of that had been measured."""
    h2, l2 = np.abs(scene.h) ** 2, laplacian(*scene.seen.shape)
    y = (np.abs(fft.rfft2(scene.start)) ** 2).sum(0) * twice(scene.seen.shape[1])
    y *= scene.seen.sum() / scene.seen.size**2  # Parseval, and as many as were measured
    std = np.sqrt(target / scene.measured)
    for at in GRID:
        residual = ((10**at * l2 / (h2 + 10**at * l2)) ** 2 * y).sum()
        if residual + _followed(scene, 10**at, std, rule) < target:
            break
    return float(at)
