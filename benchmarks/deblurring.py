"""Deblurring where the kernel is known and the borders are not: eight camera shakes, noise of 1 % and 3 %.

    NONLOC_DATA=... python benchmarks/deblurring.py [METHOD...] [--set bsd68] [--pictures N] [--out FILE]

METHOD is a name, or a name with arguments: `richardson-lucy:tv=0.004,iterations=60`. From the middle of each picture,
in gray, a square is blurred by what is really around it (no border is made up), then noise is added; neither clipped
nor rounded. The kernels are those of `shake_kernels.eight`. Each method is told kernel and noise, and goes through the
engine. PSNR is that of the whole square, and of its inner part, without a rim of 20 pixels.

Writes a row as each run ends, and leaves out what the file already has; then tells the means.
"""

from __future__ import annotations

import argparse
import statistics
import time
import zlib
from pathlib import Path

import numpy as np
import torch
from equal_time import append, read
from scipy.signal import fftconvolve
from shake_kernels import eight

from nonloc.datasets import load
from nonloc.degradation import GaussianNoise, KernelBlur, Sequence
from nonloc.engine import Plan, run
from nonloc.image.image import Image
from nonloc.metrics import im2uint8, psnr

RESULTS = Path(__file__).parent.parent / "results" / "experiments" / "deblurring.csv"
FIELDS = ("set", "picture", "side", "kernel", "sigma", "method", "psnr", "psnr_inner", "cpu_s")
METHODS = (
    "blurred",
    "wiener-deconvolution",
    "constrained-least-squares",
    "unsupervised-wiener",
    "richardson-lucy",
    "tv-deconvolution",
    "pnp",
)
SIGMAS = (2.55, 7.65)
RIM = 20


def case(clean: np.ndarray, kernel: np.ndarray, sigma: float, side: int, seed: list[int]):
    """The middle of `clean` (H, W), 8 bit, sharp; and blurred and noisy, white 1."""
    r = len(kernel) // 2
    top, left = ((length - side) // 2 - r for length in clean.shape)
    wide = clean[top : top + side + 2 * r, left : left + side + 2 * r]
    blurred = fftconvolve(wide / 255, kernel, mode="valid")
    noise = np.random.default_rng(seed).standard_normal(blurred.shape)
    return wide[r : r + side, r : r + side], (blurred + sigma / 255 * noise).astype(np.float32)


def restored(method: str, told: Sequence, pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """What the method makes of `pixels`, and its CPU seconds; 'blurred' makes nothing of them."""
    if method == "blurred":
        return pixels, 0.0
    name, _, rest = method.partition(":")
    arguments = dict(pair.split("=", 1) for pair in rest.split(",") if pair)
    out, record = run(Plan(name, told, arguments=arguments), Image(pixels, scale=1.0))
    return np.asarray(out.samples), record.cpu_seconds


def scores(sharp: np.ndarray, pixels: np.ndarray) -> tuple[float, float]:
    whole, inner = slice(None), slice(RIM, -RIM)
    made = im2uint8(pixels)
    return tuple(psnr(sharp[part, part], made[part, part], data_range=255) for part in (whole, inner))  # type: ignore[return-value]


def tell(rows: list[dict[str, str]]) -> None:
    """Means over pictures and kernels, of what all methods told have in common being left to the reader."""
    print(f"{'method':<44} {'sigma':>5} {'cases':>5} {'PSNR':>6} {'inner':>6} {'CPU s':>6}")
    for method in dict.fromkeys(row["method"] for row in rows):
        for sigma in sorted({row["sigma"] for row in rows}, key=float):
            mine = [row for row in rows if row["method"] == method and row["sigma"] == sigma]
            if mine:
                means = [statistics.mean(float(row[key]) for row in mine) for key in ("psnr", "psnr_inner", "cpu_s")]
                print(f"{method:<44} {sigma:>5} {len(mine):>5} {means[0]:6.2f} {means[1]:6.2f} {means[2]:6.2f}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("methods", nargs="*", default=METHODS, metavar="METHOD")
    options.add_argument("--set", default="bsd68", dest="set_name")
    options.add_argument("--pictures", type=int, help="only so many, evenly from the set")
    options.add_argument("--kernels", type=int, default=8, help="only the first so many")
    options.add_argument("--side", type=int, default=256)
    options.add_argument("--out", type=Path, default=RESULTS)
    given = options.parse_args()
    torch.set_num_threads(1)
    pictures = load(given.set_name)
    pictures = pictures[:: max(1, len(pictures) // (given.pictures or len(pictures)))][: given.pictures]
    names = {picture.name for picture in pictures}
    done = {tuple(row[key] for key in FIELDS[:6]) for row in read(given.out)}
    for picture in pictures:
        clean = picture.pixels8("gray")
        for k, kernel in enumerate(eight()[: given.kernels]):
            for sigma in SIGMAS:
                seed = [k, round(100 * sigma), zlib.crc32(picture.name.encode())]
                sharp, blurred = case(clean, kernel, sigma, given.side, seed)
                told = Sequence((KernelBlur(kernel, f"shake-{k}"), GaussianNoise(sigma)))
                for method in given.methods:
                    key = (given.set_name, picture.name, str(given.side), str(k), f"{sigma:g}", method)
                    if key not in done:
                        pixels, seconds = restored(method, told, blurred)
                        whole, inner = scores(sharp, pixels)
                        append(given.out, [(*key, f"{whole:.4f}", f"{inner:.4f}", f"{seconds:.3f}")], FIELDS)
        print(f"{time.strftime('%H:%M:%S')} {picture.name}", flush=True)
    chosen = set(given.methods)
    tell([
        row
        for row in read(given.out)
        if row["set"] == given.set_name and row["picture"] in names and row["method"] in chosen
        and row["side"] == str(given.side) and int(row["kernel"]) < given.kernels
    ])  # fmt: skip


if __name__ == "__main__":
    main()
