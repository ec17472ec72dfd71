"""How near Monte Carlo SURE comes to the true PSNR, and how often it names the better of two methods.

    NONLOC_DATA=... python benchmarks/forecast.py nonloc-s nl-means wavelet [--sigma 15,25,50] [--every 8] [--set bsd68]

Gray pictures, noise numpy:0, not clipped; 4 probes. Prints a line a method and level: mean absolute and largest error
in dB, and in brackets the mean of what the forecast says of its own error; then, over all pairs of methods on a picture
that differ by more than 0.1 dB, how often the forecast names the better one.
"""

from __future__ import annotations

import argparse
import math
from itertools import combinations

import numpy as np

from nonloc.benchmark.draws import Track, noisy
from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.estimation.forecast import forecast
from nonloc.image.image import Image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="+")
    parser.add_argument("--sigma", default="15,25,50")
    parser.add_argument("--every", type=int, default=8)
    parser.add_argument("--set", default="bsd68")
    given = parser.parse_args()
    pictures, right, pairs = load(given.set)[:: given.every], 0, 0
    table: dict[tuple[str, float], list[tuple[float, float]]] = {}
    for sigma in map(float, given.sigma.split(",")):
        for picture in pictures:
            clean = picture.pixels8("gray")
            image = Image(noisy(clean, picture.path.name, sigma, Track("numpy")), 1.0)
            seen: dict[str, tuple[float, float]] = {}
            for method in given.methods:
                plan = Plan(method, GaussianNoise(sigma))
                restored = np.asarray(run(plan, image)[0].samples, np.float64)
                true = -10 * math.log10(float(np.square(restored - clean / 255).mean()))
                found = forecast(plan, image)
                assert found.psnr is not None
                seen[method] = true, found.psnr
                table.setdefault((method, sigma), []).append((found.psnr - true, found.error))
            for one, other in combinations(seen.values(), 2):
                if abs(one[0] - other[0]) > 0.1:
                    pairs += 1
                    right += (one[0] > other[0]) == (one[1] > other[1])
    for (method, sigma), rows in table.items():
        apart, told = np.array(rows).T
        print(f"{method:16s} {sigma:3g}  {np.abs(apart).mean():.3f}  {np.abs(apart).max():.3f}  ({told.mean():.3f})")
    if pairs:
        print(f"the better of two: {right} of {pairs}")


if __name__ == "__main__":
    main()
