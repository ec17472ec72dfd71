"""Wiener-Hunt deconvolution that asks for no level: noise, smoothness and picture are drawn together.

Source: Orieux, Giovannelli and Rodet, "Bayesian estimation of regularization and point spread function parameters for
Wiener-Hunt deconvolution", J. Opt. Soc. Am. A 27(7), 2010, DOI 10.1364/JOSAA.27.001593, for a known kernel: Gibbs
sampling with Jeffreys' priors of

    x ~ N(m, 1 / (e |H|^2 + s |L|^2)),  m = e H* y / (e |H|^2 + s |L|^2)
    e ~ Gamma(N / 2, 2 / ||y - Hx||^2),  s ~ Gamma((N - 1) / 2, 2 / ||Lx||^2)

e is the precision of the noise, s that of the Laplacian. Ours: what lies beyond the borders was not measured, and y is
drawn there, too, from N(Hx, 1 / e); and what comes back is m for the averages of e and s, not the average of x, which
near the borders would take many more draws.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from .constrained_least_squares import smooth
from .known_blur import LEAST, KnownBlur, Scene, inner, laplacian

BURN, DRAWS = 30, 60  # of the draws of e and s; those that are forgotten, and those that are averaged


class UnsupervisedWiener(KnownBlur):
    """seed: of the draws."""

    def __init__(self, card, weights=None, seed: int = 0):
        super().__init__(card, weights)
        self.seed = seed

    def sharpened(self, scene: Scene, std: float) -> np.ndarray:
        noise, smoothness = precisions(scene, np.random.default_rng(self.seed))
        return scene.cut(smooth(scene, smoothness / noise))


def precisions(scene: Scene, rng: np.random.Generator) -> tuple[float, float]:
    """e and s, averaged over the draws; channels have them in common."""
    n, sides = scene.start.size, scene.seen.shape
    h2, l2 = np.abs(scene.h) ** 2, laplacian(*sides)
    y, noise, smoothness = scene.start, 1.0, 1.0
    total = np.zeros(2)
    for draw in range(BURN + DRAWS):
        precision = noise * h2 + smoothness * l2
        white = fft.rfft2(rng.standard_normal(y.shape))
        x = (noise * scene.h.conj() * fft.rfft2(y) + np.sqrt(precision) * white) / precision
        hx = fft.irfft2(scene.h * x, s=sides)
        # a picture without noise, or of one gray, would make them infinite
        noise = rng.gamma(n / 2, 2 / max(float(np.square(y - hx).sum()), n * LEAST**2))
        rough = float(inner(x, l2 * x, sides[1]).sum()) / scene.seen.size
        smoothness = rng.gamma((n - 1) / 2, 2 / max(rough, n * LEAST**2))
        y = np.where(scene.seen > 0, scene.y, hx + rng.standard_normal(y.shape) / np.sqrt(noise))
        if draw >= BURN:
            total += noise, smoothness
    return float(total[0]) / DRAWS, float(total[1]) / DRAWS
