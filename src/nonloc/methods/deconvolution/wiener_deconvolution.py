"""Wiener's filter: what was measured divided by the blur, each frequency trusted as far as signal exceeds noise.

Source: Wiener, "Extrapolation, Interpolation, and Smoothing of Stationary Time Series", 1949; as in Gonzalez and Woods,
"Digital Image Processing", section 5.8: X = H* Y / (|H|^2 + K), K the ratio of noise to signal, the same at all
frequencies. That is argmin_x ||y - Hx||^2 + K ||x - m||^2 with m the mean; beyond the borders nothing is measured.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from .known_blur import KnownBlur, Scene, quadratic


class WienerDeconvolution(KnownBlur):
    """nsr: K, noise to signal, as variances; None takes std^2 / (variance of the picture - std^2)."""

    def __init__(self, card, weights=None, nsr: float | None = None):
        super().__init__(card, weights)
        self.nsr = nsr

    def sharpened(self, scene: Scene, std: float) -> np.ndarray:
        return wiener(scene, ratio(scene, std) if self.nsr is None else self.nsr)


def ratio(scene: Scene, std: float) -> float:
    """Noise to signal, the variance of the signal that of the picture without the noise's."""
    signal = float(np.mean([channel.var() for channel in scene.cut(scene.y)])) - std**2
    return std**2 / max(signal, std**2)  # a picture of noise alone: as much signal as noise


def wiener(scene: Scene, nsr: float) -> np.ndarray:
    """The picture (C, H, W) in `scene`; nsr > 0."""
    mean = scene.cut(scene.y).mean((-2, -1), keepdims=True)
    b = scene.h.conj() * fft.rfft2(scene.seen * (scene.y - mean))
    x = quadratic(scene, b, np.full(scene.h.shape, nsr), fft.rfft2(scene.start - mean))
    return scene.cut(fft.irfft2(x, s=scene.seen.shape)) + mean
