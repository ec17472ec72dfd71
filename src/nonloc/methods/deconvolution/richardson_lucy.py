"""Richardson-Lucy: the non-negative picture that makes the measured counts likely, approached by ratios.

Source: Richardson, J. Opt. Soc. Am. 62(1), 1972, DOI 10.1364/JOSA.62.000055; Lucy, Astron. J. 79, 1974, DOI
10.1086/111605: x <- x H'(y / Hx). Dey et al., "Richardson-Lucy algorithm with total variation regularization for 3D
confocal microscope deconvolution", Microsc. Res. Tech. 69(4), 2006, DOI 10.1002/jemt.20294, equation (9):

    x <- x / (1 - tv div(grad x / |grad x|)) H'(M y / Hx) / H'M

with the mask M of what was measured, by which nothing is said of what lies beyond the borders. When to stop: Hall and
Titterington, J. R. Statist. Soc. B 49(2), 1987, DOI 10.1111/j.2517-6161.1987.tb01688.x, the trace as in Ramani, Blu and
Unser, IEEE TIP 17(9), 2008, DOI 10.1109/TIP.2008.2001404.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from .known_blur import KnownBlur, Scene
from .otf import convolved

MOST = 200  # iterations, where the noise does not stop them before
FLAT = 1e-4  # a gradient below it counts as none
TINY = 1e-6
PROBE = 1e-3  # of the noise that is added


class RichardsonLucy(KnownBlur):
    """tv: weight of the total variation, 0 for none. iterations: how many; None stops where the noise is met."""

    def __init__(self, card, weights=None, tv: float = 0.0, iterations: int | None = None):
        super().__init__(card, weights)
        self.tv, self.iterations = tv, iterations

    def sharpened(self, scene: Scene, std: float) -> np.ndarray:
        if self.iterations is None:
            return scene.cut(stopped(scene, std, self.tv)[0])
        x, _ = next(islice(estimates(scene, self.tv), self.iterations, None))
        return scene.cut(x)


def stopped(scene: Scene, std: float, tv: float = 0.0) -> tuple[np.ndarray, int]:
    """x of all of `scene`, and its number: the first whose residual is that of noise of `std`, or the last of `MOST`.

    That is ||y - M(Hx)||^2 = (N - trace A) sigma^2, where A, the derivative of Hx by y, is how far x follows the noise;
    its trace comes from another picture, this one with a little noise added, that is restored beside it.
    """
    probe = PROBE * scene.seen * np.random.default_rng(0).choice([-1.0, 1.0], scene.y.shape)
    other = replace(scene, y=scene.y + probe)
    for step, ((x, residual), (x2, _)) in enumerate(zip(estimates(scene, tv), estimates(other, tv), strict=False)):
        trace = float((convolved(x2 - x, scene.h) * probe).sum()) / PROBE**2
        if residual <= (scene.measured - trace) * std**2 or step == MOST:
            break
    return x, step


def estimates(scene: Scene, tv: float = 0.0) -> Iterator[tuple[np.ndarray, float]]:
    """x (C, H, W) of all of `scene` after 0, 1, 2, ... iterations, with ||y - M(Hx)||^2; without end."""
    y = np.maximum(scene.y, 0)  # noise may be negative, counts may not
    mean = np.maximum(scene.cut(y).mean((-2, -1), keepdims=True), TINY)
    x = np.broadcast_to(mean, y.shape).copy()
    weight = np.maximum(convolved(scene.seen, scene.h.conj()), 0)
    while True:
        hx = np.maximum(convolved(x, scene.h), TINY)
        yield x, float(np.square(scene.seen * (scene.y - hx)).sum())
        ratio = np.maximum(scene.adjoint(y / hx), 0) / np.maximum(weight, TINY)
        x = x * np.where(weight > TINY, ratio, 1)
        if tv:
            x = x / np.maximum(1 - tv * curvature(x), 0.1)


def curvature(x: np.ndarray) -> np.ndarray:
    """div(grad x / |grad x|) of each channel; forward differences, none over the border."""
    down, right = np.diff(x, axis=-2, append=x[..., -1:, :]), np.diff(x, axis=-1, append=x[..., -1:])
    length = np.sqrt(down**2 + right**2 + FLAT**2)
    return np.diff(down / length, axis=-2, prepend=0) + np.diff(right / length, axis=-1, prepend=0)
