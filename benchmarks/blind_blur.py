"""How often a blur is found, how well, and how often one is seen in a sharp picture.

    python benchmarks/blind_blur.py tune [--pictures 60]   # what the bounds were chosen on: train/bsd398, train/photos
    python benchmarks/blind_blur.py motion [--set bsd398] [--draw house|lines]
    python benchmarks/blind_blur.py soft
    python benchmarks/blind_blur.py sharp                  # false alarms on bsd68

Gray pictures are blurred where all neighbours are known, noise of 0.5 % and 1 % is added in turn, and all is rounded to
8 bits. `--draw lines` draws a motion by sharing each of its points among four pixels, where the house counts points in
the nearest pixel: below about 0.5 pixels of rise the latter has no angle.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from scipy.signal import oaconvolve

from nonloc.datasets import load
from nonloc.degradation import Blur, Defocus, GaussianBlur, KernelBlur, MotionBlur
from nonloc.estimation.blur import estimate_blur
from nonloc.estimation.blur_spectrum import periodograms
from nonloc.estimation.motion_blur import fit_motion
from nonloc.estimation.noise import estimate_any_noise
from nonloc.estimation.soft_blur import fit_soft, soft_edges
from nonloc.image.read import read

SIGMAS = (1.275, 2.55)  # 0.5 % and 1 %
SOFT = (*map(GaussianBlur, (0.6, 1.2, 2.0, 3.0, 4.5)), *map(Defocus, (2.0, 3.0, 5.0, 8.0)))
LARGE = 500  # both sides, of a set whose small pictures are left out


def line(length: float, angle: float) -> Blur:
    """A motion whose points are shared among the four pixels around them."""
    r = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * r + 1, 2 * r + 1))
    along = ((np.arange(4000) + 0.5) / 4000 - 0.5) * length
    x, y = along * np.cos(np.radians(angle)) + r, -along * np.sin(np.radians(angle)) + r
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for dy in (0, 1):
        for dx in (0, 1):
            np.add.at(kernel, (top + dy, left + dx), np.abs(1 - dy - (y - top)) * np.abs(1 - dx - (x - left)))
    return KernelBlur(kernel)


def shot(clean: np.ndarray, blur: Blur, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """`clean` (H, W), levels of 255, blurred, with noise, in 8 bits, as (1, H', W') with white 1."""
    blurred = oaconvolve(clean, blur.kernel, mode="valid")
    blurred += sigma * rng.standard_normal(blurred.shape)
    return (np.clip(np.rint(blurred), 0, 255) / 255).astype(np.float32)[np.newaxis]


def apart(one: Blur, other: Blur) -> float:
    """The part of one kernel that lies elsewhere in the other, 0 to 1."""
    r = max(one.radius, other.radius)
    wide = [np.pad(blur.kernel, r - blur.radius) for blur in (one, other)]
    return float(np.abs(wide[0] - wide[1]).sum() / 2)


def pictures(name: str, count: int) -> list[tuple[str, np.ndarray]]:
    found = load(name)
    return [(p.name, p.pixels8("gray").astype(float)) for p in found[:: max(1, len(found) // count)][:count]]


def found_in(pixels: np.ndarray):
    return estimate_blur(pixels, estimate_any_noise(pixels, step=1 / 255).sigma)


def tune(count: int) -> None:
    """The measures that the bounds are set on, of sharp pictures; those that come nearest to a blur first."""
    folder = Path(load("bsd398")[0].path).parent.parent / "photos"
    photos = sorted(folder.glob("*.jpg"))
    shown = [read(path).pixels().mean(0)[:512, :512] * 255.0 for path in photos[:: max(1, len(photos) // count)]]
    rows = []
    for gray in [y for _, y in pictures("bsd398", count)] + shown:
        tiles = periodograms([gray])
        motion, soft, edges = fit_motion(tiles), fit_soft(tiles), soft_edges([gray], 1.0, wide=False)
        rows.append((motion.follows, motion.agrees, motion.depth, soft.sigma, soft.rings, edges.sharp if edges else 0))
    print(f"{len(rows)} sharp pictures: the largest motion follows, agrees, depth; sigma, rings; softness of edges")
    for first in (0, 3, 4):
        for row in sorted(rows, key=lambda row: -row[first])[:5]:
            print("  ", *(f"{value:.2f}" for value in row))


def motion(name: str, draw: str, count: int) -> None:
    """Blind motion: within 1 pixel and 2 degrees."""
    chosen = pictures(name, 12 if name == "set12" else count)
    if name == "set12":
        chosen = [(n, y) for n, y in chosen if min(y.shape) > LARGE]
    right, seconds = 0, []
    for i in range(count):
        rng = np.random.default_rng(i)
        length, angle = float(rng.uniform(9, 31)), float(rng.uniform(0, 180))
        blur = line(length, angle) if draw == "lines" else MotionBlur(length, angle)
        pixels = shot(chosen[i % len(chosen)][1], blur, SIGMAS[i % 2], rng)
        start = time.process_time()
        seen = estimate_blur(pixels, SIGMAS[i % 2])
        seconds.append(time.process_time() - start)
        far = turned = float("inf")
        if isinstance(seen.blur, MotionBlur):
            far, turned = seen.blur.length - length, (seen.blur.angle - angle + 90) % 180 - 90
        right += (good := abs(far) <= 1 and abs(turned) <= 2)
        print(f"{chosen[i % len(chosen)][0]:12} {length:5.1f} px {angle:5.1f} deg, noise {SIGMAS[i % 2]}:", end=" ")
        told = "" if good else "  WRONG"
        if not good and seen.blur is not None:
            told += f", but {100 * (1 - apart(seen.blur, blur)):.0f} % of the kernel is the same"
        print(f"{far:+.2f} px {turned:+.2f} deg, sure {seen.sure:.2f}{told}", flush=True)
    print(f"{name}, {draw}: {right} of {count} within 1 px and 2 degrees; CPU {statistics.median(seconds):.2f} s each")


def soft(name: str, count: int) -> None:
    """Gaussian and defocus blur."""
    for blur in SOFT:
        kinds, errors = [], []
        for i, (_, clean) in enumerate(pictures(name, count)):
            seen = estimate_blur(shot(clean, blur, SIGMAS[i % 2], np.random.default_rng(i)), SIGMAS[i % 2]).blur
            kinds.append("none" if seen is None else type(seen).__name__)
            if type(seen) is type(blur):
                errors.append(abs(next(iter(vars(seen).values())) - next(iter(vars(blur).values()))))
        off = f", off by {statistics.median(errors):.2f} (at most {max(errors):.2f})" if errors else ""
        print(f"{blur}:", *(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds))), off, flush=True)


def sharp(name: str) -> None:
    """False alarms."""
    alarms = [(n, seen) for n, y in pictures(name, 10**6) if (seen := found_in(_unit(y))).blur is not None]
    for n, seen in alarms:
        print(n, seen)
    print(f"{name}: {len(alarms)} false alarms of {len(load(name))} sharp pictures")


def _unit(y: np.ndarray) -> np.ndarray:
    return (y / 255).astype(np.float32)[np.newaxis]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("tune", "motion", "soft", "sharp"))
    parser.add_argument("--set", dest="name")
    parser.add_argument("--draw", choices=("house", "lines"), default="house")
    parser.add_argument("--pictures", type=int, default=20)
    options = parser.parse_args()
    if options.what == "tune":
        tune(options.pictures)
    elif options.what == "motion":
        motion(options.name or "bsd398", options.draw, options.pictures)
    elif options.what == "soft":
        soft(options.name or "bsd398", options.pictures)
    else:
        sharp(options.name or "bsd68")


if __name__ == "__main__":
    main()
