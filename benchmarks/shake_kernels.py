"""Kernels of camera shake, drawn: the hand moves with inertia and trembles, the shutter stands open.

    from shake_kernels import shake
    kernel = shake(seed=3, size=19)

Ours. The shape of the paths follows Boracchi and Foi, "Modeling the performance of image restoration from motion
blur", IEEE TIP 21(8), 2012, DOI 10.1109/TIP.2012.2192126: a particle with a speed that random pushes change, that is
pulled back to where it began, and that is jerked now and then. No measured kernel went into it.
"""

from __future__ import annotations

import numpy as np

STEPS = 1000  # of the path, so that neighbouring points lie well within a pixel
SIZES = (15, 19, 23, 27, 17, 21, 25, 19)  # of the eight kernels that benchmarks take, seeds 0 to 7


def shake(seed: int, size: int) -> np.ndarray:
    """The kernel of one random shake: float64 (size, size), at least 0, sum 1, its centre of mass in the middle.

    size: odd, at least 5; the path fills it up to a rim of one pixel. The same seed gives the same kernel.
    """
    path = _path(np.random.default_rng(seed))
    path -= path.mean(0)  # bilinear sharing keeps the centre of mass
    path *= (size - 3) / 2 / np.abs(path).max()
    return _drawn(path, size)


def eight() -> list[np.ndarray]:
    """The kernels that benchmarks take."""
    return [shake(seed, size) for seed, size in enumerate(SIZES)]


def _path(rng: np.random.Generator) -> np.ndarray:
    """Places (STEPS, 2) of the particle, without a unit."""
    place, speed = np.zeros(2), rng.standard_normal(2)
    path = np.empty((STEPS, 2))
    for t in range(STEPS):
        push = 0.12 * rng.standard_normal(2) - 4e-5 * place - 0.004 * speed
        if rng.random() < 0.002:  # a jerk, which turns the particle
            push -= (1 + rng.random()) * speed
        speed = speed + push
        place = place + speed
        path[t] = place
    return path


def _drawn(path: np.ndarray, size: int) -> np.ndarray:
    """The time that the path spends at each pixel, shared between the four around each point; sum 1."""
    y, x = path.T + size // 2
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    down, right = y - top, x - left
    kernel = np.zeros((size, size))
    for dy, wy in ((0, 1 - down), (1, down)):
        for dx, wx in ((0, 1 - right), (1, right)):
            np.add.at(kernel, (top + dy, left + dx), wy * wx)
    return kernel / kernel.sum()
