"""Where the figures in `nonloc.estimation.camera_fit` come from: simulated and real cameras, and clean pictures.

    NONLOC_DATA=... python benchmarks/camera_noise_fit.py [EVERY]

Fits the figures anew and writes them; prints how it does on pictures that were left out. EVERY takes each n-th picture
only. What they are worth is measured by benchmarks/camera_noise.py.
"""

import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nonloc.datasets import load
from nonloc.degradation.camera import Camera, blur, jpeg, middle_level, resize
from nonloc.estimation import camera_fit
from nonloc.estimation.correlated import (
    CHROMA_BANDS,
    EDGES,
    FAR,
    LEAST,
    picture_figures,
    read_blocks,
)

SIDE_OF_SHOT = 448  # of a simulated picture
NOISY, AMBIGUOUS = 1.5, 0.6  # noise counts from this level; none, below the other
SHOTS = 2  # simulated pictures of each
SPLITS = 5
NOISY_SHARE = 0.25  # of the weight of all cases: the more, the more noise is seen, and the more that is none
REAL_WEIGHT = 20.0  # of each of the twenty real pictures; at 3 those left out gain 0.1 dB less


@dataclass
class Case:
    """One picture of which it is known how strong its noise is. level: as `middle_level` has it, 0 for none, and for
    white noise, which is another estimate's."""

    kind: str
    name: str
    pixels: np.ndarray
    level: float = 0.0


# ---- cases ----


def clean_cases(every: int) -> Iterator[Case]:
    for name in ("train-open", "photos", "bsd398"):
        for picture in load(name)[:: every * (2 if name == "bsd398" else 1)]:
            pixels = picture.pixels8("rgb")
            yield Case(name, picture.name, pixels)
            yield Case(f"{name} halved", picture.name, halved(pixels))


def eight(pixels: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) of planes (3, H, W) with white 1."""
    return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)


def planes(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0), np.float32) / 255


def filed(pixels: np.ndarray, quality: int, subsampling: int) -> np.ndarray:
    """What a JPEG file gives back of `pixels` (H, W, 3), 0-255: uint8."""
    return eight(jpeg(planes(pixels), int(quality), int(subsampling)))


def level_of(noise: np.ndarray) -> float:
    """`middle_level` of (H, W, 3), 0-255."""
    return middle_level(noise.transpose(2, 0, 1) / 255)


def halved(pixels: np.ndarray) -> np.ndarray:
    return eight(resize(planes(pixels), 0.5))


def shot(pixels: np.ndarray, rng: np.random.Generator, noisy: bool) -> tuple[np.ndarray, np.ndarray]:
    """A camera's file of a part of `pixels`, uint8, and what it would be without noise and JPEG, 0-255."""
    camera = Camera.draw(float(2 ** rng.uniform(0.5, 4.7)) if noisy else 0.0, rng)
    side = int(SIDE_OF_SHOT / camera.enlarge / camera.shrink)
    top, left = (int(rng.integers(0, max(1, length - side))) for length in pixels.shape[:2])
    reference, file = camera.shoot(planes(pixels[top : top + side, left : left + side]), rng)
    return eight(file), reference.transpose(1, 2, 0) * 255.0


def drawing(rng: np.random.Generator) -> np.ndarray:
    """Flat shapes and strokes."""
    pixels = np.full((320, 320, 3), rng.integers(120, 256, 3), np.uint8)
    for _ in range(int(rng.integers(20, 300))):
        y, x, h, w = rng.integers(0, 320, 2).tolist() + rng.integers(1, 60, 2).tolist()
        pixels[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    return pixels


def simulated_cases(every: int) -> Iterator[Case]:
    """Shots with noise and without, noise with JPEG after it, white noise, JPEGs of clean pictures and drawings."""
    for index, picture in enumerate([*load("train-open"), *load("photos")] * SHOTS):
        if index % every:
            continue
        rng = np.random.default_rng([index, zlib.crc32(picture.name.encode())])
        clean, name, draw = picture.pixels8("rgb"), picture.name, rng.random()
        if draw < 0.5:
            noisy, reference = shot(clean, rng, noisy=True)
            yield Case("shot", name, noisy, level_of(noisy - reference))
        elif draw < 0.68:
            yield Case("clean shot", name, shot(clean, rng, noisy=False)[0])
        elif draw < 0.76:
            reference = 255 * blur(planes(clean), rng.choice([0, 0, 0.5, 0.8])).transpose(1, 2, 0)
            noisy = reference + 10 ** rng.uniform(0.3, 1.4) * rng.standard_normal(clean.shape)
            noisy = filed(noisy, rng.integers(60, 96), rng.choice([0, 2]))
            yield Case("noise, jpeg", name, noisy, level_of(noisy - reference))
        elif draw < 0.86:
            noisy = clean + 10 ** rng.uniform(0.2, 1.8) * rng.standard_normal(clean.shape)
            yield Case("white", name, np.rint(np.clip(noisy, 0, 255)).astype(np.uint8))
        elif draw < 0.96:
            other = 255 * resize(planes(clean), rng.choice([0.5, 1, 1.5])).transpose(1, 2, 0)
            yield Case("clean jpeg", name, filed(other, rng.integers(30, 97), rng.choice([0, 2])))
        else:
            yield Case("drawing", name, filed(drawing(rng), rng.integers(50, 97), rng.choice([0, 2])))


def real_cases(part: str) -> Iterator[Case]:
    for picture in load("polyu40", part=part):
        noisy, clean = picture.noisy8(), picture.pixels8()
        yield Case("real", picture.name, noisy, level_of(noisy.astype(float) - clean))
        yield Case("real, mean of shots", picture.name, clean)


# ---- the fit ----


def fit(every: int) -> None:
    """Figures of all cases, the two lines through them, and how these do on pictures that were left out."""
    cases, figures = [], []
    for source in (real_cases("tune"), clean_cases(every), simulated_cases(every)):
        for case in source:
            blocks = read_blocks(planes(case.pixels))
            if blocks is not None and len(blocks) >= LEAST:
                figures.append(picture_figures(blocks))
                case.pixels = np.empty(0)
                cases.append(case)
    x, level = np.array(figures), np.array([case.level for case in cases])
    kind = np.array([case.kind for case in cases])
    real = np.char.startswith(kind, "real")
    noisy = level > NOISY
    known = noisy | (level < AMBIGUOUS)
    ratio = NOISY_SHARE / (1 - NOISY_SHARE) * np.count_nonzero(level < AMBIGUOUS) / np.count_nonzero(noisy)
    weight = np.where(noisy, ratio, 1.0) * np.where(real, REAL_WEIGHT, 1.0)
    split = np.array([zlib.crc32(case.name.encode()) % SPLITS for case in cases])
    seen = np.zeros((len(cases), 2))
    for out in range(SPLITS):
        use = split != out
        lines = both_lines(x[use], noisy[use], known[use], level[use], weight[use])
        seen[~use] = apply_lines(lines, x[~use])
    error = seen[noisy, 1] - np.log2(level[noisy])
    reach = float(2 ** np.quantile(np.abs(error), 0.8))
    for name in dict.fromkeys(kind):
        rows = (kind == name) & known
        for strong in (False, True):
            some = rows & (noisy == strong)
            if some.any():
                what = "noisy" if strong else "clean"
                print(f"{name:<22} {what}: {(seen[some, 0] > 0).sum():4d} of {some.sum():4d} taken for noisy")
    print(f"level, left out: rms error {error.std():.2f} octaves, real {error[real[noisy]].mean():+.2f} on average")
    write(both_lines(x, noisy, known, level, weight), reach)


def both_lines(x, noisy, known, level, weight):
    mean, spread = np.average(x[known], 0, weight[known]), x[known].std(0)
    away = np.clip((x - mean) / spread, -FAR, FAR)
    ones = np.ones((len(x), 1))
    noise = logistic(np.hstack([away, ones])[known], noisy[known].astype(float), weight[known])
    line = ridge(np.hstack([away, ones])[noisy], np.log2(level[noisy]), weight[noisy])
    return mean, spread, noise, line


def apply_lines(lines, x):
    mean, spread, *weights = lines
    away = np.hstack([np.clip((x - mean) / spread, -FAR, FAR), np.ones((len(x), 1))])
    return np.stack([away @ w for w in weights], 1)


def ridge(x, y, weight, strength=3e-3):
    keep = strength * weight.sum() * np.eye(x.shape[1])
    keep[-1, -1] = 0
    return np.linalg.solve((x.T * weight) @ x + keep, x.T @ (weight * y))


def logistic(x, y, weight):
    """Logistic regression by Newton's method, each step a ridge regression."""
    b = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ b))
        curve = np.maximum(p * (1 - p), 1e-4)
        keep = 3e-3 * weight.sum() * np.eye(len(b))
        keep[-1, -1] = 0
        b = np.linalg.solve((x.T * (weight * curve)) @ x + keep, x.T @ (weight * (curve * (x @ b) + y - p)))
    return b


def write(lines, reach: float) -> None:
    mean, spread, noise, line = (np.asarray(part, float) for part in lines)
    parts = [("luminance", len(EDGES) - 1), ("chroma", CHROMA_BANDS), ("look", 4)]
    names = [f"{group} {part} {i + 1}" for group in ("flat", "middling") for part, count in parts for i in range(count)]
    rows = zip(mean, spread, noise[:-1], line[:-1], names, strict=True)
    table = "".join(f"    [{m:.4f}, {s:.4f}, {n:.4f}, {v:.4f}],  # {name}\n" for m, s, n, v, name in rows)
    Path(camera_fit.__file__).write_text(
        f'''"""The two lines of `correlated`; benchmarks/camera_noise_fit.py fits them, and tells how well."""

import numpy as np

# mean and spread of each figure, its weight for the log odds of noise, its weight for log2 of the level
TABLE = np.array([
{table}])  # fmt: skip
MEAN, SPREAD, NOISE, LEVEL = TABLE.T
NOISE_AT_MEAN, LEVEL_AT_MEAN = {noise[-1]:.4f}, {line[-1]:.4f}
REACH = {reach:.2f}  # the level was at most so many times off in 80 of 100 simulated pictures left out
''',
        encoding="utf-8",
    )


if __name__ == "__main__":
    fit(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
