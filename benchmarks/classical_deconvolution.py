"""The classical methods against a known blur: eight drawn camera shakes, four training pictures, two levels of noise.

    python benchmarks/classical_deconvolution.py                 # the table of docs/deblurring.md, on standard output
    python benchmarks/classical_deconvolution.py --borders       # circular borders beside unknown ones

Gray pictures of train/bsd32val; the camera sees the middle `SIDE` x `SIDE` pixels, blurred from the larger picture, so
that what lies beyond its borders is truly unknown. PSNR after clipping, as floats, a kernel's radius left out on each
side. None of these pictures was used to choose a rule.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from scipy.signal import fftconvolve
from shake_kernels import eight

from nonloc.datasets import load
from nonloc.degradation import GaussianNoise, KernelBlur, Sequence
from nonloc.methods.deconvolution import constrained_least_squares as cls
from nonloc.methods.deconvolution.known_blur import scene
from nonloc.methods.registry import create
from nonloc.metrics import psnr

SIDE = 220
PICTURES = (1, 10, 20, 29)  # of the 32, in the order of their names
LEVELS = (2.55, 7.65)  # 1 % and 3 %
METHODS: tuple[tuple[str, dict], ...] = (
    ("wiener-deconvolution", {}),
    ("unsupervised-wiener", {}),
    ("richardson-lucy", {}),
    ("richardson-lucy", {"tv": 0.002}),
    ("constrained-least-squares", {"rule": "hunt"}),
    ("constrained-least-squares", {}),
    ("tv-deconvolution", {}),
)


def shot(clean: np.ndarray, kernel: np.ndarray, sigma: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The middle of `clean` (H, W), and what a shaken camera that sees no more than this makes of it."""
    r = len(kernel) // 2
    top, left = ((n - SIDE) // 2 for n in clean.shape)
    wide = clean[top - r : top + SIDE + r, left - r : left + SIDE + r]
    blurred = fftconvolve(wide, kernel, mode="valid")
    noise = np.random.default_rng(seed).standard_normal(blurred.shape)
    return wide[r:-r, r:-r], (blurred + sigma / 255 * noise).astype(np.float32)


def score(clean: np.ndarray, restored: np.ndarray, rim: int) -> float:
    inner = (slice(rim, -rim),) * 2
    return psnr(clean[inner], np.clip(restored, 0, 1)[inner], data_range=1)


def each(sigma: float, restore: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> tuple[float, float]:
    """Mean PSNR over pictures and kernels of restore(measured, kernel), and seconds of one."""
    pictures = load("bsd32val")
    scores, start = [], time.process_time()
    for i in PICTURES:
        for j, kernel in enumerate(eight()):
            clean, measured = shot(pictures[i].pixels8("gray") / 255, kernel, sigma, seed=100 * i + j)
            scores.append(score(clean, restore(measured, kernel), len(kernel) // 2))
    return float(np.mean(scores)), (time.process_time() - start) / len(scores)


def by_method(name: str, arguments: dict, sigma: float) -> tuple[float, float]:
    method = create(name, channels=1, sigma=sigma, arguments=arguments)

    def restore(measured: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        told = Sequence((KernelBlur(kernel), GaussianNoise(sigma)))
        return method.restore(measured[np.newaxis, np.newaxis], told)[0, 0]

    return each(sigma, restore)


def borders(sigma: float, circular: bool) -> float:
    def restore(measured: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        lambda_ = cls.found(scene(measured[np.newaxis], kernel), sigma / 255)
        seen = scene(measured[np.newaxis], kernel, circular)
        return seen.cut(cls.smooth(seen, lambda_))[0]

    return each(sigma, restore)[0]


def main() -> None:
    if "--borders" in sys.argv:
        for sigma in LEVELS:
            print(f"sigma {sigma}: circular {borders(sigma, True):.2f}, unknown {borders(sigma, False):.2f}")
        return
    print("| method | noise 1 % | noise 3 % | s |\n| --- | ---: | ---: | ---: |")
    print("| as it was measured |", *(f"{each(sigma, lambda y, k: y)[0]:.2f} |" for sigma in LEVELS), "|")
    for name, arguments in METHODS:
        found = [by_method(name, arguments, sigma) for sigma in LEVELS]
        told = ", ".join(f"{key} {value}" for key, value in arguments.items())
        label = f"`{name}`" + (f", {told}" if told else "")
        print(f"| {label} |", *(f"{level[0]:.2f} |" for level in found), f"{found[0][1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
