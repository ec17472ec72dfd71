"""A blur that is the same in all directions: how fast the spectrum falls, its rings of zeros, and how soft edges are.

Source: the spectrum of a scene falls as f^-a (Field, JOSA A 4(12), 1987, DOI 10.1364/JOSAA.4.002379), that of a
Gaussian as exp(-4 pi^2 sigma^2 f^2), and a disk of radius r has (2 J1(x) / x)^2, x = 2 pi r f, with rings of zeros.
log(S |H|^2 + N) is fitted to the rings of the spectrum with and without a disk. Edges by blurring them once more: the
ratio R of the gradients before and after a Gaussian of s0 gives sigma^2 = s0^2 / (R^2 - 1), less what they were
smoothed by before (Zhuo, Sim, Pattern Recognition 44(9), 2011, DOI 10.1016/j.patcog.2011.03.009).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .blur_spectrum import LEAK, Frequencies, Tiles, means

RADII = np.concatenate([np.arange(1.5, 6, 0.25), np.arange(6, 15.1, 0.5)])
FALLS, ABOUT = 2.2, 0.35  # a of most pictures, and how far from it weighs as much as a misfit by e in one ring
WIDE = 3.0  # sigma from where edges are smoothed by 2 pixels
EDGE = 10  # times the noise
FEW = 200


@dataclass(frozen=True)
class SoftFit:
    """The blur that the rings of a spectrum follow best.

    sigma: of a Gaussian, pixels, with no disk. radius: of a disk, 0 for none. rings: part of the misfit of a Gaussian
    that the disk explains, 0..1. misfit: mean square of the logarithms that is left without a disk.
    """

    sigma: float
    radius: float
    rings: float
    misfit: float


@dataclass(frozen=True)
class Edges:
    """Softness, as sigma in pixels, of the strongest edges: of the middle one, and of one that 85 of 100 exceed."""

    middle: float
    sharp: float
    count: int


def fit_soft(tiles: Tiles) -> SoftFit:
    """The Gaussian and the disk that the spectrum of a picture follows best, whether or not it is blurred."""
    where = Frequencies(tiles.side, 2.5, 0.5, width=1)
    many = np.bincount(where.ring) > 15
    log_p = np.log(means(where.ring, tiles.mean[where.kept])[many] + 1e-9)
    f = np.flatnonzero(many) / tiles.side
    plain, sigma = _fit(f, log_p, np.ones_like(f))
    disks = [(_fit(f, log_p, _disk(r, f, tiles.side))[0], r) for r in RADII]
    least, radius = min(disks)
    for r in (radius - 0.125, radius + 0.125):
        least, radius = min((least, radius), (_fit(f, log_p, _disk(r, f, tiles.side))[0], r))
    return SoftFit(sigma, float(radius) if least < plain else 0.0, max(0.0, 1 - least / plain), plain / len(f))


def _disk(radius: float, f: np.ndarray, side: int) -> np.ndarray:
    """|H|^2 of a disk, its zeros filled as far as the window smears them."""
    from scipy.special import j1

    x = 2 * np.pi * radius * f
    smeared = np.square(2 * np.pi * radius * LEAK / side) * 4 / np.pi / np.maximum(x, 2) ** 3
    return np.square(2 * j1(x) / x) + smeared


def _fit(f: np.ndarray, log_p: np.ndarray, h2: np.ndarray) -> tuple[float, float]:
    """Misfit of c f^-a exp(-4 pi^2 sigma^2 f^2) h2 + N at its best, and that sigma."""
    from scipy.optimize import least_squares

    log_f, fall = np.log(f), np.square(2 * np.pi * f)

    def signal(at: np.ndarray) -> np.ndarray:
        return np.exp(np.clip(at[0] - at[1] * log_f - at[2] * fall, -60, 60)) * h2

    def misfit(at: np.ndarray) -> np.ndarray:
        return np.append(np.log(signal(at) + np.exp(at[3])) - log_p, (at[1] - FALLS) / ABOUT)

    def slopes(at: np.ndarray) -> np.ndarray:
        part = signal(at) / (signal(at) + np.exp(at[3]))
        return np.vstack([np.stack([part, -part * log_f, -part * fall, 1 - part], 1), [0, 1 / ABOUT, 0, 0]])

    start = [float((log_p + FALLS * log_f)[:8].mean()), FALLS, 1.0, float(np.clip(log_p.min(), -9, 20))]
    bounds = ([-50, 0, -0.3, -25], [50, 5, 60, 21])
    found = least_squares(misfit, start, slopes, bounds=bounds, max_nfev=30)
    return 2 * float(found.cost), float(np.sqrt(max(found.x[2], 0)))


def soft_edges(windows: list[np.ndarray], sigma: float, wide: bool) -> Edges | None:
    """How soft the strongest quarter of the edges of gray `windows` (levels of 255, noise `sigma`) is.

    wide: whether they are smoothed by 2 pixels before, as soft ones should be, or by 1. None for hardly any edges.
    """
    smooth = 2.0 if wide else 1.0
    found = [_edges(window, smooth, sigma) for window in windows]
    strength, squared = (np.concatenate(of) for of in zip(*found, strict=True))
    if len(strength) < FEW:
        return None
    strongest = squared[np.argsort(-strength)[: max(FEW, len(strength) // 4)]]
    sharp, middle = np.percentile(strongest, [15, 50])
    return Edges(float(max(middle, 0) ** 0.5), float(max(sharp, 0) ** 0.5), len(strongest))


def _edges(y: np.ndarray, smooth: float, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Gradient, and sigma squared by blurring once more, where the gradient is largest across an edge."""
    from scipy.ndimage import gaussian_filter

    once, twice = (gaussian_filter(y, s, mode="nearest", truncate=3) for s in (smooth, 2**0.5 * smooth))
    gy, gx = np.gradient(once)
    gradient = np.hypot(gy, gx)
    eighth = np.rint(np.arctan2(gy, gx) / (np.pi / 4)).astype(int) % 4
    rim = int(3 * smooth) + 2
    height, width = y.shape
    inner = (slice(rim, height - rim), slice(rim, width - rim))
    ridge = np.zeros((height - 2 * rim, width - 2 * rim), bool)
    for i, (dy, dx) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = gradient[rim + dy : height - rim + dy, rim + dx : width - rim + dx]
        behind = gradient[rim - dy : height - rim - dy, rim - dx : width - rim - dx]
        ridge |= (eighth[inner] == i) & (gradient[inner] > ahead) & (gradient[inner] >= behind)
    ridge &= gradient[inner] > max(EDGE * sigma / (np.sqrt(8 * np.pi) * smooth**2), 1 / smooth)
    strength = gradient[inner][ridge]
    hy, hx = (g[inner][ridge] for g in np.gradient(twice))
    after = (hy * gy[inner][ridge] + hx * gx[inner][ridge]) / np.maximum(strength, 1e-9)  # along the same direction
    ratio = np.square(strength / np.maximum(after, 1e-6))
    return strength, np.square(smooth) / np.maximum(ratio - 1, 1e-3) - np.square(smooth)
