"""WNNM and EPLL beside their naive forms: the same constants, the same picture, one thread, taking turns in one run.

    NONLOC_DATA=... python benchmarks/classical_speed.py [--side 96] [--sigma 25] [--rounds 2]

Naive is what one writes first from the papers, with NumPy and LAPACK: for WNNM a singular value decomposition of each
group and three re-weightings; for EPLL every patch, the whole covariance of each of the 200 components. Both find the
groups with the same matcher. Prints CPU seconds of the fastest round, the ratio, and how far the pictures are apart.
The picture is the middle of the first one of bsd32val.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numba
import numpy as np
import torch

from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.methods.classical.epll import BETAS, MORE, STRONG
from nonloc.methods.classical.wnnm import constants
from nonloc.methods.registry import create
from nonloc.metrics.psnr import im2uint8, psnr
from nonloc.nonlocal_ops.matching import match, reference_grid

Restore = Callable[[np.ndarray, float], np.ndarray]


def naive_wnnm(noisy: np.ndarray, sigma: float, profile: str) -> np.ndarray:
    """One singular value decomposition for each group."""
    k = constants(sigma, profile)
    y = noisy * np.float32(255)
    rows, columns = (reference_grid(side, k.patch, k.step) for side in y.shape)
    inside = (np.arange(k.patch)[:, None] * y.shape[1] + np.arange(k.patch)).ravel()
    x, count = y, k.count
    for t in range(k.iterations):
        x = x + np.float32(k.feedback) * (y - x)
        if t % k.rematch == 0:
            count -= k.fewer
            found = match(x[None, None], k.patch, k.window, count, rows, columns).neighbours.reshape(-1, count)
        total, weight = np.zeros((2, x.size), np.float32)
        for places in found:
            pixels = places[places >= 0, None] + inside
            first = pixels[0]
            taken = np.mean((y.ravel()[first] - x.ravel()[first]) ** 2)
            std = k.left * np.sqrt(abs(sigma**2 - taken)) if t else sigma
            group = x.ravel()[pixels].T
            mean = group.mean(1, keepdims=True)
            u, s, v = np.linalg.svd(group - mean, full_matrices=False)
            left = np.sqrt(np.maximum(s**2 - len(pixels) * std**2, 0))
            for _ in range(3):
                left = np.maximum(s - 2 * np.sqrt(2 * len(pixels)) * std**2 / (left + 1e-12), 0)
            np.add.at(total, pixels, ((u * left) @ v + mean).T)
            np.add.at(weight, pixels, 1)
        x = (total / weight).reshape(y.shape)
    return x / 255


def naive_epll(noisy: np.ndarray, sigma: float) -> np.ndarray:
    """All patches, the whole covariance of each component."""
    mixture = create("epll", channels=1, sigma=sigma).mixture
    bases, variances = mixture.bases.numpy(), mixture.log_variances.exp().numpy()
    n, (height, width) = mixture.patch, noisy.shape
    std, x = sigma / 255, noisy
    covariances = np.einsum("kpd,kd,kqd->kpq", bases, variances, bases)
    for beta in BETAS if sigma < STRONG else BETAS + MORE:
        variance = std**2 / beta
        z = np.lib.stride_tricks.sliding_window_view(x, (n, n)).reshape(-1, n * n)
        means = z.mean(1, keepdims=True)
        z = z - means
        best, likeliest = np.zeros(len(z), int), np.full(len(z), -np.inf)
        for k, covariance in enumerate(covariances):
            with_noise = covariance + variance * np.eye(n * n, dtype=np.float32)
            whitened = np.linalg.solve(np.linalg.cholesky(with_noise), z.T)
            score = (
                float(mixture.log_weights[k]) - np.linalg.slogdet(with_noise)[1] / 2 - np.square(whitened).sum(0) / 2
            )
            best[score > likeliest] = k
            likeliest = np.maximum(score, likeliest)
        for k in np.unique(best):
            with_noise = covariances[k] + variance * np.eye(n * n, dtype=np.float32)
            z[best == k] = z[best == k] @ np.linalg.solve(with_noise, covariances[k])
        clean = (z + means).reshape(height - n + 1, width - n + 1, n, n)
        total, weight = np.zeros((2, height, width), np.float32)
        for i, j in np.ndindex(n, n):
            total[i : height - n + 1 + i, j : width - n + 1 + j] += clean[:, :, i, j]
            weight[i : height - n + 1 + i, j : width - n + 1 + j] += 1
        x = (noisy + beta * total / weight) / (1 + beta)
    return x


def ours(name: str, **arguments: object) -> Restore:
    def restore(noisy: np.ndarray, sigma: float) -> np.ndarray:
        method = create(name, channels=1, sigma=sigma, arguments=arguments)
        return method.restore(noisy[None, None], GaussianNoise(sigma))[0, 0]

    return restore


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--sigma", type=float, default=25)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    numba.set_num_threads(1)
    torch.set_num_threads(1)
    pixels = load("bsd32val")[0].pixels8("gray")
    top, left = ((length - asked.side) // 2 for length in pixels.shape)
    clean = pixels[top : top + asked.side, left : left + asked.side]
    noisy = GaussianNoise(asked.sigma).apply(clean / np.float32(255), np.random.default_rng(0)).astype(np.float32)
    pairs: dict[str, tuple[Restore, Restore]] = {
        "wnnm, authors": (lambda y, s: naive_wnnm(y, s, "authors"), ours("wnnm", profile="authors")),
        "wnnm, ours": (lambda y, s: naive_wnnm(y, s, "ours"), ours("wnnm", profile="ours")),
        "epll, step 1": (naive_epll, ours("epll", step=1)),
        "epll, step 2": (naive_epll, ours("epll", step=2)),
    }
    print(f"{asked.side} x {asked.side} pixels, sigma {asked.sigma:g}, CPU seconds of one thread")
    print("method          naive     ours    ratio   apart (rms of 255)   PSNR naive, ours")
    for name, pair in pairs.items():
        for restore in pair:  # compile and load before the clock counts
            restore(noisy[:24, :24], asked.sigma)
        seconds, restored = [[], []], [noisy, noisy]
        for _ in range(asked.rounds):
            for i, restore in enumerate(pair):
                start = time.process_time()
                restored[i] = restore(noisy, asked.sigma)
                seconds[i].append(time.process_time() - start)
        naive, fast = map(min, seconds)
        apart = 255 * float(np.sqrt(np.mean(np.square(restored[0] - restored[1]))))
        scores = ", ".join(f"{psnr(clean, im2uint8(x), data_range=255):.2f}" for x in restored)
        print(f"{name:<14}{naive:7.2f}  {fast:7.2f}  {naive / fast:7.1f}   {apart:18.3f}   {scores}", flush=True)


if __name__ == "__main__":
    main()
