"""Our BM3D beside the authors' package, on the same noise, one thread each, taking turns (ours, theirs, ours, theirs).

    NONLOC_DATA=... python benchmarks/bm3d_against_peers.py [--peer PYTHON] [--set bsd68] [--sigma 15,25,50] [--every 1]

PYTHON is the interpreter of another environment that has the wheel `bm3d` (free for non-commercial use only: to measure
against, never a dependency); without it, our columns alone. Track matlab4, 8-bit PSNR. Prints a line a picture, then
means, the paired difference with its 95 % interval, CPU seconds and their ratio. `--profiles` takes our profiles in
turn instead, on training pictures: that is how the constants in methods/classical/bm3d.py were compared.
"""

import argparse
import os
import subprocess
import sys
import time

import numba
import numpy as np

from nonloc.benchmark.draws import noisy, parse_tracks
from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.methods.registry import create
from nonloc.metrics.psnr import im2uint8, psnr

ONE = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}

PEER = """
import sys, time
import numpy as np
import bm3d
while header := sys.stdin.buffer.readline():
    shape, std = eval(header)
    pixels = np.frombuffer(sys.stdin.buffer.read(4 * int(np.prod(shape))), np.float32).reshape(shape).astype(float)
    start = time.process_time()
    restored = bm3d.bm3d(pixels, std) if len(shape) == 2 else bm3d.bm3d_rgb(pixels, std)
    seconds = time.process_time() - start
    sys.stdout.buffer.write(repr(seconds).encode() + b"\\n" + restored.astype(np.float32).tobytes())
    sys.stdout.buffer.flush()
"""


class Peer:
    """The package in its own environment, spoken to by pipes."""

    def __init__(self, python: str):
        self.process = subprocess.Popen(
            [python, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | ONE
        )

    def __call__(self, pixels: np.ndarray, sigma: float) -> tuple[np.ndarray, float]:
        told, heard = self.process.stdin, self.process.stdout
        told.write(f"({pixels.shape}, {sigma / 255})\n".encode() + pixels.tobytes())
        told.flush()
        seconds = float(heard.readline())
        return np.frombuffer(heard.read(pixels.nbytes), np.float32).reshape(pixels.shape), seconds


class Ours:
    def __init__(self, profile: str = "ours"):
        self.profile = profile

    def __call__(self, pixels: np.ndarray, sigma: float) -> tuple[np.ndarray, float]:
        planes = np.ascontiguousarray(np.moveaxis(np.atleast_3d(pixels), -1, 0))[np.newaxis]
        method = create("bm3d", channels=planes.shape[1], sigma=sigma, arguments={"profile": self.profile})
        start = time.process_time()
        restored = method.restore(planes, GaussianNoise(sigma))
        seconds = time.process_time() - start
        return np.moveaxis(restored[0], 0, -1).reshape(pixels.shape), seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer")
    parser.add_argument("--set", default="bsd68")
    parser.add_argument("--sigma", default="15,25,50")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--gray", action="store_true", help="make colour pictures gray")
    parser.add_argument("--profiles", action="store_true")
    asked = parser.parse_args()
    numba.set_num_threads(1)
    runs = {"ours": Ours()}
    if asked.profiles:
        runs |= {"normal": Ours("normal"), "strong-noise": Ours("strong-noise")}
    elif asked.peer:
        runs["wheel"] = Peer(asked.peer)
    pictures = load(asked.set)[asked.first :: asked.every]
    small = np.zeros_like(pictures[0].pixels8("gray" if asked.gray else None)[:64, :64], np.float32)
    for run in runs.values():  # compile and load before the clock counts
        run(small, 25)
        run(small, 50)
    (track,) = parse_tracks("matlab4")
    for sigma in map(float, asked.sigma.split(",")):
        found = []
        for picture in pictures:
            clean = picture.pixels8("gray" if asked.gray else None)
            y = noisy(clean, picture.path.name, sigma, track)
            row = []
            for run in runs.values():
                restored, seconds = run(y, sigma)
                row += [psnr(clean, im2uint8(restored), data_range=255), seconds]
            found.append(row)
            print(f"{picture.name} {sigma:g} " + " ".join(f"{v:8.3f}" for v in row), flush=True)
        report(sigma, list(runs), np.array(found))


def report(sigma: float, names: list[str], found: np.ndarray) -> None:
    """Means, and every other run against the first: difference in dB with its interval, ratio of CPU time."""
    scores, seconds = found[:, ::2], found[:, 1::2]
    print(f"sigma {sigma:g}, {len(found)} pictures")
    for i, name in enumerate(names):
        print(f"  {name:<13} {scores[:, i].mean():.3f} dB, {seconds[:, i].mean():.2f} CPU s a picture")
    for i, name in enumerate(names[1:], 1):
        gain = scores[:, 0] - scores[:, i]
        spread = 1.96 * gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else float("nan")
        print(
            f"  {names[0]} - {name}: {gain.mean():+.3f} +- {spread:.3f} dB ({gain.min():+.2f} to {gain.max():+.2f}),"
            f" {seconds[:, i].sum() / seconds[:, 0].sum():.1f} times as fast"
        )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
