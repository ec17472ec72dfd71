"""PSNR on the same pixels from pictures of other sizes: does a method work "on pictures of any size"?

The same 48 x 48 noisy pixels in the middle of each of 24 BSD68 pictures are restored as part of crops of 48, 96 and 192
pixels, of the whole picture, and of a mosaic of all 24 in 2048 x 2048. What is compared is those pixels only.

    python benchmarks/any_size.py nlrn nlrn-fast nonloc-s --sigma 15 [--threads 2]

Rows go to results/experiments/any_size.csv; what stands there is not measured again. The mosaic runs in tiles, under
2 GiB.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from pathlib import Path

import numba
import numpy as np
import torch
from equal_time import append, read

import nonloc
from nonloc.benchmark.draws import parse_tracks
from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.metrics import im2uint8, psnr
from nonloc.verbs.options import Options

FILE = Path("results/experiments/any_size.csv")
FIELDS = ("method", "sigma", "size", "picture", "psnr", "cpu_s", "peak_mib")
CORE, ROWS, COLUMNS = 48, 6, 4
SIZES = ("48", "96", "192", "whole", "mosaic")


def pictures() -> list[tuple[str, np.ndarray]]:
    """24 gray pictures, all lying: 321 x 481."""
    chosen = load("bsd68")[:68:2][: ROWS * COLUMNS]
    found = [(p.name, p.pixels8("gray")) for p in chosen]
    return [(name, pixels if pixels.shape[0] < pixels.shape[1] else np.rot90(pixels)) for name, pixels in found]


def middle(height: int, width: int, side: int) -> tuple[slice, slice]:
    y, x = (height - side) // 2, (width - side) // 2
    return slice(y, y + side), slice(x, x + side)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="+")
    parser.add_argument("--sigma", type=float, default=15)
    parser.add_argument("--sizes", nargs="+", default=SIZES, choices=SIZES)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    numba.set_num_threads(options.threads)
    track = parse_tracks("matlab4")[0]
    clean = dict(pictures())
    noise = GaussianNoise(options.sigma)
    noisy = {n: noise.apply(p / 255, track.rng(f"{n}.png")).astype(np.float32) for n, p in clean.items()}
    for method in options.methods:
        for size in options.sizes:
            key = (method, f"{options.sigma:g}", size)
            if key not in {(r["method"], r["sigma"], r["size"]) for r in read(FILE)}:
                append(FILE, [(*key, *row) for row in measured(method, options.sigma, size, clean, noisy)], FIELDS)
                report(method, options.sigma)


def measured(method: str, sigma: float, size: str, clean: dict, noisy: dict):
    """A row for each picture: name, PSNR of its middle, CPU seconds, peak memory of the process so far."""

    def restored(pixels: np.ndarray) -> tuple[np.ndarray, float]:
        start = time.process_time()
        result = nonloc.denoise(pixels, sigma=sigma, method=method, options=Options(halo="fast"))
        return result, time.process_time() - start

    if size == "mosaic":
        names = list(clean)
        rows = [np.concatenate([noisy[n] for n in names[COLUMNS * r : COLUMNS * (r + 1)]], 1) for r in range(ROWS)]
        canvas = np.concatenate(rows)
        canvas = np.pad(canvas, [(0, 2048 - side) for side in canvas.shape], mode="reflect")
        result, seconds = restored(canvas)
    for i, (name, picture) in enumerate(clean.items()):
        height, width = picture.shape
        reference = picture[middle(height, width, CORE)]
        if size == "mosaic":
            y, x = (i // COLUMNS) * height, (i % COLUMNS) * width
            whole, spent = result[y : y + height, x : x + width], seconds / len(clean)
        else:
            part = middle(height, width, int(size)) if size != "whole" else (slice(None), slice(None))
            whole, spent = restored(np.ascontiguousarray(noisy[name][part]))
        core = whole[middle(*whole.shape, CORE)]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        yield name, f"{psnr(reference, im2uint8(core), data_range=255):.4f}", f"{spent:.3f}", peak


def report(method: str, sigma: float) -> None:
    rows = [r for r in read(FILE) if (r["method"], r["sigma"]) == (method, f"{sigma:g}")]
    for size in dict.fromkeys(r["size"] for r in rows):
        mine = [r for r in rows if r["size"] == size]
        mean = statistics.mean(float(r["psnr"]) for r in mine)
        seconds = sum(float(r["cpu_s"]) for r in mine)
        print(
            f"{method} sigma {sigma:g}, {size:>6}: {mean:.3f} dB, {seconds:.1f} CPU s, peak {mine[-1]['peak_mib']} MiB"
        )


if __name__ == "__main__":
    main()
