"""How blind denoising serves camera pictures, and where the figures in `nonloc.estimation.camera_fit` come from.

    NONLOC_DATA=... python benchmarks/camera_noise.py tune|score|clean|white|synthetic [EVERY]
    NONLOC_DATA=... python benchmarks/camera_noise.py fit [EVERY]

tune, score: the gain of nonloc-s, told what is estimated, on each real pair of polyu40. clean: what happens to clean
pictures, as they are and halved. white: whether white noise is taken for correlated noise. synthetic: simulated
cameras. fit: fits the figures anew and writes them; it prints how it does on pictures that were left out. EVERY takes
each n-th picture only.
"""

import io
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.fft import dctn
from scipy.ndimage import convolve, gaussian_filter

import nonloc
from nonloc.datasets import load
from nonloc.estimation import camera_fit, estimate_noise
from nonloc.estimation.correlated import (
    CHROMA_BANDS,
    EDGES,
    FAR,
    LEAST,
    OPPONENT,
    SIDE,
    estimate_correlated,
    frequency,
    picture_figures,
    read_blocks,
)
from nonloc.metrics import psnr

LUMA = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])  # JPEG's
SIDE_OF_SHOT = 448  # of a simulated picture
WORTH, AMBIGUOUS = 0.5, 0.6  # noise counts from this gain in dB; none, below this middle level
TRIED = (2.5, 4.5, 8.0, 14.0, 24.0)  # levels
SIDE_TRIED = 192  # of the crop from the middle of a simulated picture
SLOW = 8  # pixels; slower changes than this are no noise: see `serve`
SPLITS = 5
NOISY_SHARE = 0.25  # of the weight of all cases: the more, the more noise is seen, and the more that is none
REAL_WEIGHT = 10.0  # of each of the twenty real pictures; at 3 those left out gain 0.1 dB less


@dataclass
class Case:
    """One picture of which it is known whether there is noise.

    level: of the noise in the middle bands, or 0. serves, gain: the level that serves nonloc-s best, what it gains.
    """

    kind: str
    name: str
    pixels: np.ndarray
    level: float = 0.0
    serves: float = 0.0
    gain: float = 0.0


# ---- a camera ----


def resize(pixels: np.ndarray, factor: float) -> np.ndarray:
    height, width = (max(32, round(side * factor)) for side in pixels.shape[:2])
    planes = [Image.fromarray(pixels[..., k].astype(np.float32)) for k in range(3)]
    return np.stack([np.asarray(p.resize((width, height), Image.Resampling.BICUBIC)) for p in planes], -1)


def jpeg(pixels: np.ndarray, quality: int, subsampling: int) -> np.ndarray:
    file = io.BytesIO()
    eight = np.rint(np.clip(pixels, 0, 255)).astype(np.uint8)
    Image.fromarray(eight).save(file, "JPEG", quality=int(quality), subsampling=int(subsampling))
    return np.asarray(Image.open(file))


def blur(pixels: np.ndarray, sigma: float) -> np.ndarray:
    return np.stack([gaussian_filter(pixels[..., k], sigma) for k in range(3)], -1)


def demosaic(raw: np.ndarray, corrected: bool) -> np.ndarray:
    """Bilinear from RGGB, or with the gradient correction of green by Malvar, He, Cutler, ICASSP 2004."""
    sites = np.zeros((*raw.shape, 3))
    sites[::2, ::2, 0] = sites[::2, 1::2, 1] = sites[1::2, ::2, 1] = sites[1::2, 1::2, 2] = 1
    cross = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
    square = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4
    out = np.stack([convolve(raw * sites[..., k], (square, cross, square)[k], mode="mirror") for k in range(3)], -1)
    if corrected:
        bend = np.zeros((5, 5))
        bend[[0, 4, 2, 2], [2, 2, 0, 4]], bend[2, 2] = -1, 4
        out[..., 1] += np.where(sites[..., 1] > 0, 0, convolve(raw, bend, mode="mirror") / 8)
        for k in (0, 2):
            out[..., k] = out[..., 1] + convolve((raw - out[..., 1]) * sites[..., k], square, mode="mirror")
    return out


@dataclass
class Camera:
    """A draw of what lies between a scene and its file; `develop` goes from raw samples to 0-255 pixels."""

    rng: np.random.Generator

    def __post_init__(self):
        pick, uniform = self.rng.choice, self.rng.uniform
        self.enlarge = float(pick([1, 1.4, 1.8, 2.3, 3]))  # a camera's own pixels are softer than a small picture's
        self.gamma, self.exposure = uniform(1.9, 2.4), uniform(0.5, 1)
        self.balance = np.array([uniform(1.3, 2.2), 1, uniform(1.2, 2.2)])
        self.corrected = self.rng.random() < 0.6
        saturation = uniform(0, 0.6)
        self.colours = (1 + saturation) * np.eye(3) - saturation / 3
        self.chroma_blur, self.luma_blur = float(pick([0, 1, 2, 3, 4])), float(pick([0, 0, 0.4, 0.6, 0.8]))
        self.core, self.sharpen = float(pick([0, 0, 0, 0.5, 0.8])), float(pick([0, 0, 0.4, 0.8]))
        self.contrast, self.shrink = uniform(0, 0.5), float(pick([1, 1, 1, 1, 0.7, 0.5]))
        self.quality, self.subsampling = int(self.rng.integers(70, 99)), int(pick([0, 2, 2]))
        self.read_noise = uniform(0, 0.05)  # variance where the signal is 0, over that at 1
        self.level = float(2 ** uniform(1, 3.9))

    def raw(self, clean: np.ndarray) -> np.ndarray:
        scene = np.clip(resize(clean.astype(float) / 255, self.enlarge), 0, 1)
        side = int(SIDE_OF_SHOT / self.shrink)
        top, left = (int(self.rng.integers(0, max(1, length - side))) for length in scene.shape[:2])
        scene = scene[top : top + side, left : left + side]
        scene = scene[: scene.shape[0] // 2 * 2, : scene.shape[1] // 2 * 2]
        light = scene**self.gamma * self.exposure / self.balance
        raw = light[..., 1].copy()
        raw[::2, ::2], raw[1::2, 1::2] = light[::2, ::2, 0], light[1::2, 1::2, 2]
        return raw

    def develop(self, raw: np.ndarray, level: float) -> np.ndarray:
        """level: of the noise that the camera expects and smooths."""
        y = (demosaic(raw, self.corrected) * self.balance) @ self.colours.T
        y = np.clip(y / self.exposure, 0, 1) ** (1 / 2.2) @ LUMA.T
        y[..., 0] = gaussian_filter(y[..., 0], self.luma_blur) if self.luma_blur else y[..., 0]
        for k in (1, 2):
            y[..., k] = gaussian_filter(y[..., k], self.chroma_blur) if self.chroma_blur else y[..., k]
        if self.core:
            slow = gaussian_filter(y[..., 0], 1.2)
            fine = y[..., 0] - slow
            kept = 1 - (self.core * level / 255 / np.maximum(np.abs(fine), 1e-9)) ** 2
            y[..., 0] = slow + fine * np.clip(kept, 0.25, 1)
        y = y @ np.linalg.inv(LUMA).T
        y = y + self.contrast * (y * y * (3 - 2 * y) - y)
        y = y + self.sharpen * (y - blur(y, 1)) if self.sharpen else y
        return np.clip(resize(y, self.shrink) if self.shrink != 1 else y, 0, 1) * 255

    def shoot(self, clean: np.ndarray, noisy: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """The file (uint8) and what it would be without noise and JPEG; noise of `self.level` in the middle bands."""
        raw = self.raw(clean)
        reference = self.develop(raw, 0.0 if noisy else self.level * (self.rng.random() < 0.5))
        if not noisy:
            return jpeg(reference, self.quality, self.subsampling), reference
        draw, gain = self.rng.standard_normal(raw.shape), 0.002  # variance per unit signal
        for _ in range(3):  # the last round has found the gain
            exposed = np.clip(raw + np.sqrt(gain * (raw + self.read_noise)) * draw, 0, 1)
            shot = self.develop(exposed, self.level)
            gain = float(np.clip(gain * (self.level / max(middle_level(shot - reference), 0.05)) ** 2, 1e-6, 0.3))
        return jpeg(shot, self.quality, self.subsampling), reference


def middle_level(noise: np.ndarray) -> float:
    """Level of `noise` (H, W, 3) in the middle bands of luminance."""
    plane = noise @ OPPONENT[0]
    height, width = (side // SIDE * SIDE for side in plane.shape)
    blocks = plane[:height, :width].reshape(height // SIDE, SIDE, width // SIDE, SIDE).swapaxes(1, 2)
    middle = (frequency() >= 0.15) & (frequency() < 0.6)
    return float(np.sqrt((dctn(blocks, axes=(2, 3), norm="ortho")[:, :, middle] ** 2).mean()))


# ---- what serves ----


def serve(noisy: np.ndarray, sigma: float) -> np.ndarray:
    """nonloc-s on `noisy` (0-255), slow changes taken back: told more white noise than there is, it shifts colours."""
    restored = nonloc.denoise((noisy / 255).astype(np.float32), sigma=sigma, method="nonloc-s") * 255.0
    return restored - blur(restored - noisy, SLOW)


def best_level(noisy: np.ndarray, reference: np.ndarray, side: int | None = SIDE_TRIED) -> tuple[float, float]:
    """The level that serves best, and its gain in dB: the vertex through the best of `TRIED` and its neighbours."""
    if side:
        top, left = ((length - min(side, length)) // 2 for length in noisy.shape[:2])
        noisy, reference = (p[top : top + side, left : left + side] for p in (noisy, reference))
    noisy, error = noisy.astype(float), np.square(noisy.astype(float) - reference).mean()
    gains = [10 * np.log10(error / np.square(serve(noisy, sigma) - reference).mean()) for sigma in TRIED]
    at = int(np.clip(np.argmax(gains), 1, len(TRIED) - 2))
    octaves = np.log2(TRIED)[at - 1 : at + 2]
    a, b, c = np.polyfit(octaves, gains[at - 1 : at + 2], 2)
    best = float(np.clip(-b / (2 * a), octaves[0], octaves[2])) if a < 0 else float(np.log2(TRIED)[np.argmax(gains)])
    return 2**best, float(a * best * best + b * best + c)


# ---- cases ----


def clean_cases(every: int) -> Iterator[Case]:
    for name in ("train-open", "photos", "bsd398"):
        for picture in load(name)[:: every * (2 if name == "bsd398" else 1)]:
            pixels = picture.pixels8("rgb")
            yield Case(name, picture.name, pixels)
            yield Case(f"{name} halved", picture.name, np.rint(np.clip(resize(pixels, 0.5), 0, 255)).astype(np.uint8))


def drawing(rng: np.random.Generator) -> np.ndarray:
    """Flat shapes and strokes."""
    pixels = np.full((320, 320, 3), rng.integers(120, 256, 3), np.uint8)
    for _ in range(int(rng.integers(20, 300))):
        y, x, h, w = rng.integers(0, 320, 2).tolist() + rng.integers(1, 60, 2).tolist()
        pixels[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    return pixels


def simulated_cases(every: int) -> Iterator[Case]:
    """Shots with noise and without, noise with JPEG after it, white noise, JPEGs of clean pictures and drawings."""
    for index, picture in enumerate([*load("train-open"), *load("photos")] * 2):
        if index % every:
            continue
        rng = np.random.default_rng([index, zlib.crc32(picture.name.encode())])
        clean, name, draw = picture.pixels8("rgb"), picture.name, rng.random()
        if draw < 0.5:
            noisy, reference = Camera(rng).shoot(clean)
            yield Case("shot", name, noisy, middle_level(noisy - reference), *best_level(noisy, reference))
        elif draw < 0.68:
            yield Case("clean shot", name, Camera(rng).shoot(clean, noisy=False)[0])
        elif draw < 0.76:
            reference = blur(clean.astype(float), rng.choice([0.01, 0.01, 0.5, 0.8]))
            noisy = reference + 10 ** rng.uniform(0.3, 1.4) * blur(rng.standard_normal(clean.shape), 0.3)
            noisy = jpeg(noisy, rng.integers(60, 96), rng.choice([0, 2]))
            yield Case("noise, jpeg", name, noisy, middle_level(noisy - reference), *best_level(noisy, reference))
        elif draw < 0.86:
            noisy = clean + 10 ** rng.uniform(0.2, 1.8) * rng.standard_normal(clean.shape)
            yield Case("white", name, np.rint(np.clip(noisy, 0, 255)).astype(np.uint8))
        elif draw < 0.96:
            smaller = resize(clean, rng.choice([0.5, 1, 1.5]))
            yield Case("clean jpeg", name, jpeg(smaller, rng.integers(30, 97), rng.choice([0, 2])))
        else:
            yield Case("drawing", name, jpeg(drawing(rng), rng.integers(50, 97), rng.choice([0, 2])))


def real_cases(part: str) -> Iterator[Case]:
    for picture in load("polyu40", part=part):
        noisy, clean = picture.noisy8(), picture.pixels8()
        level = middle_level(noisy.astype(float) - clean)
        yield Case("real", picture.name, noisy, level, *best_level(noisy, clean, side=None))
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
    x, level, gain, serves = (np.array(part) for part in (figures, *zip(*map(numbers, cases), strict=True)))
    kind = np.array([case.kind for case in cases])
    real = np.char.startswith(kind, "real")
    noisy = (gain > WORTH) & (level > AMBIGUOUS)
    known = noisy | (level < AMBIGUOUS)
    ratio = NOISY_SHARE / (1 - NOISY_SHARE) * np.count_nonzero(level < AMBIGUOUS) / np.count_nonzero(noisy)
    weight = np.where(noisy, ratio, 1.0) * np.where(real, REAL_WEIGHT, 1.0)
    split = np.array([zlib.crc32(case.name.encode()) % SPLITS for case in cases])
    seen = np.zeros((len(cases), 2))
    for out in range(SPLITS):
        use = split != out
        lines = both_lines(x[use], noisy[use], known[use], serves[use], weight[use])
        seen[~use] = apply_lines(lines, x[~use])
    error = seen[noisy, 1] - np.log2(serves[noisy])
    reach = float(2 ** np.quantile(np.abs(error), 0.8))
    for name in dict.fromkeys(kind):
        rows = (kind == name) & known
        for strong in (False, True):
            some = rows & (noisy == strong)
            if some.any():
                what = "noisy" if strong else "clean"
                print(f"{name:<22} {what}: {(seen[some, 0] > 0).sum():4d} of {some.sum():4d} taken for noisy")
    print(f"level, left out: rms error {error.std():.2f} octaves, real {error[real[noisy]].mean():+.2f} on average")
    write(both_lines(x, noisy, known, serves, weight), reach)


def numbers(case: Case) -> tuple[float, float, float]:
    return case.level, case.gain, case.serves


def both_lines(x, noisy, known, serves, weight):
    mean, spread = np.average(x[known], 0, weight[known]), x[known].std(0)
    away = np.clip((x - mean) / spread, -FAR, FAR)
    ones = np.ones((len(x), 1))
    noise = logistic(np.hstack([away, ones])[known], noisy[known].astype(float), weight[known])
    line = ridge(np.hstack([away, ones])[noisy], np.log2(serves[noisy]), weight[noisy])
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
        f'''"""The two lines of `correlated`, fitted by benchmarks/camera_noise.py, which says what to and how well."""

import numpy as np

# mean and spread of each figure, its weight for the log odds of noise, its weight for log2 of the level
TABLE = np.array([
{table}])  # fmt: skip
MEAN, SPREAD, NOISE, LEVEL = TABLE.T
NOISE_AT_MEAN, LEVEL_AT_MEAN = {noise[-1]:.4f}, {line[-1]:.4f}
REACH = {reach:.2f}  # the best level was at most so many times off in 80 of 100 simulated pictures left out
''',
        encoding="utf-8",
    )


# ---- measuring ----


def planes(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0), np.float32) / 255


def shown(name: str, clean: np.ndarray, noisy: np.ndarray, telling: bool = True) -> tuple[float, float, bool]:
    """Gain in dB (the change, where both are the same), RMS change, and whether anything was done."""
    restored, record = nonloc.denoise(noisy, method="nonloc-s", return_report=True)
    change = float(np.sqrt(np.square(restored.astype(float) - noisy).mean()))
    gain = 0.0 if clean is noisy else psnr(clean, restored, data_range=255) - psnr(clean, noisy, data_range=255)
    if telling:
        print(f"{name:<44} {gain:+6.2f} dB  {record.diagnosis}", flush=True)
    return gain, change, bool(record.changed)


def measure_pairs(part: str, every: int) -> None:
    rows = [shown(p.name, p.pixels8(), p.noisy8()) for p in load("polyu40", part=part)[::every]]
    gains = np.array([gain for gain, _, _ in rows])
    done = sum(changed for _, _, changed in rows)
    print(f"{part}: mean gain {gains.mean():+.2f} dB, least {gains.min():+.2f}; {done} of {len(rows)} changed")
    rows = [shown(p.name, *[p.pixels8()] * 2, telling=False) for p in load("polyu40", part=part)[::every]]
    print(f"means of many shots: {sum(r[2] for r in rows)} changed, RMS {np.mean([r[1] for r in rows]):.2f} levels")


def measure_clean(every: int) -> None:
    rows: dict[str, list[tuple[float, float, bool]]] = {}
    for case in clean_cases(every):
        rows.setdefault(case.kind, []).append(shown(case.name, case.pixels, case.pixels, telling=False))
    for kind, found in rows.items():
        changes = np.array([change for _, change, _ in found])
        print(
            f"{kind:<18} {sum(r[2] for r in found):3d} of {len(found)} changed; RMS {changes.mean():.3f} levels on"
            f" average, {changes.max():.2f} at most"
        )


def measure_white(every: int) -> None:
    print("white noise on bsd32val: told level, share taken for correlated")
    for sigma in (2, 5, 10, 15, 25, 50):
        for clipped in (False, True):
            seen = []
            for picture in load("bsd32val")[::every]:
                rng = np.random.default_rng([2, zlib.crc32(picture.name.encode())])
                clean = planes(picture.pixels8("rgb"))
                noisy = clean + sigma / 255 * rng.standard_normal(clean.shape)
                noisy = np.rint(np.clip(noisy, 0, 1) * 255) / 255 if clipped else noisy
                found = estimate_correlated(noisy.astype(np.float32))
                seen.append((estimate_noise(noisy.astype(np.float32)).sigma, found.sigma))
            white, correlated = np.array(seen).T
            print(
                f"{sigma:>3} {'clip8' if clipped else 'float'}  white {white.mean():6.2f}, correlated seen in"
                f" {np.mean(correlated > 0):.2f}, more than 1.5 times white in {np.mean(correlated > 1.5 * white):.2f}"
            )


def measure_simulated(every: int) -> None:
    """Shots of which the fit saw others of the same kind; gains are against the file without noise and JPEG."""
    rows = []
    for index, picture in enumerate(load("bsd32val")[::every]):
        camera = Camera(np.random.default_rng([3, index]))
        noisy, reference = camera.shoot(picture.pixels8("rgb"))
        level = middle_level(noisy - reference)
        found = estimate_correlated(planes(noisy))
        gain, _, done = shown(f"{picture.name}, level {level:.1f}", np.rint(reference).astype(np.uint8), noisy)
        rows.append((level, found.sigma, gain, done))
    table = np.array(rows, float)
    seen, gain = table[:, 3].mean(), table[:, 2]
    print(f"simulated: {seen:.2f} seen, gain {gain.mean():+.2f} dB, least {gain.min():+.2f}")


def main() -> None:
    what, every = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    start = time.process_time()
    if what in ("tune", "score"):
        measure_pairs(what, every)
    else:
        {"fit": fit, "clean": measure_clean, "white": measure_white, "synthetic": measure_simulated}[what](every)
    print(f"{time.process_time() - start:.0f} s CPU")


if __name__ == "__main__":
    main()
