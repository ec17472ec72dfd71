"""Noise and lost resolution undone together, or one after the other: Set5, small pictures with noise of sigma 15.

    NONLOC_DATA=... python benchmarks/joint_resolution.py [--factors 2 3] [--sigma 15] [--enlarger sr-fast]

The small picture is made as `nonloc bench set5` makes it, then noise is added, neither clipped nor rounded. Rivals
of the joint methods: denoise, then enlarge; enlarge, then denoise, at the best of five levels, taken on the mean of the
set itself, which flatters it. PSNR of the luma as in the benchmark. Writes results/experiments/joint_resolution.csv.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import nonloc
from nonloc.benchmark.resolution import cut, score, small
from nonloc.datasets import load
from nonloc.methods.registry import card

RESULTS = Path(__file__).parent.parent / "results" / "experiments" / "joint_resolution.csv"
SHARES = (0.4, 0.55, 0.7, 0.85, 1.0)  # of the level, for a picture that was enlarged with its noise


def ways(noisy: np.ndarray, factor: int, sigma: float, enlarger: str) -> Iterator[tuple[str, np.ndarray]]:
    """What each way makes of `noisy`, float, white 1."""
    yield "bicubic", nonloc.upscale(noisy, factor, method="bicubic")
    yield "denoise, enlarge", nonloc.upscale(nonloc.denoise(noisy, sigma=sigma), factor, method=enlarger)
    larger = nonloc.upscale(noisy, factor, method=enlarger)
    for share in SHARES:
        yield f"enlarge, denoise at {share:g}", nonloc.denoise(larger, sigma=share * sigma)
    yield "pnp-upscale", nonloc.upscale(noisy, factor, method="pnp-upscale", sigma=sigma)
    yield from trained(noisy, factor, sigma)


def trained(noisy: np.ndarray, factor: int, sigma: float) -> Iterator[tuple[str, np.ndarray]]:
    """The network for both at once, where it has weights for the factor."""
    if any(weights.factor == factor for weights in card("sr-noisy").weights):
        yield "sr-noisy", nonloc.upscale(noisy, factor, method="sr-noisy", sigma=sigma)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--factors", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--sigma", type=float, default=15)
    parser.add_argument("--enlarger", default="sr-fast")
    parser.add_argument("--trained-only", action="store_true", help="measure sr-noisy; the rest is there")
    options = parser.parse_args()
    rows = []
    for factor in options.factors:
        for number, picture in enumerate(load("set5")):
            clean = cut(picture.pixels8("rgb"), factor)
            little = small(clean, factor) / 255
            noise = np.random.default_rng([factor, number]).normal(0, options.sigma / 255, little.shape)
            noisy = (little + noise).astype(np.float32)
            tried = (
                trained(noisy, factor, options.sigma)
                if options.trained_only
                else ways(noisy, factor, options.sigma, options.enlarger)
            )
            for way, restored in tried:
                rows.append([factor, options.sigma, picture.name, way, f"{score(clean, restored, factor).psnr:.3f}"])
    if options.trained_only and RESULTS.is_file():
        with open(RESULTS, newline="", encoding="utf-8") as file:
            kept = [row for row in list(csv.reader(file))[1:] if row[3] != "sr-noisy"]
        rows = [[int(row[0]), *row[1:]] for row in kept] + rows
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with open(RESULTS, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["factor", "sigma", "picture", "way", "psnr"], *rows])
    for factor in options.factors:
        for way in dict.fromkeys(row[3] for row in rows):
            found = [float(row[4]) for row in rows if row[0] == factor and row[3] == way]
            if found:
                print(f"x{factor}  {way:24}  {np.mean(found):.2f} dB")


if __name__ == "__main__":
    main()
