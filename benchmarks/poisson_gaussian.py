"""How well noise that grows with the light is seen and estimated, and what it brings to take it for what it is.

    NONLOC_DATA=... python benchmarks/poisson_gaussian.py estimate [SET] [EVERY] [PEAK,READ ...]
    NONLOC_DATA=... python benchmarks/poisson_gaussian.py white [SET] [EVERY]
    NONLOC_DATA=... python benchmarks/poisson_gaussian.py denoise [SET] [EVERY] [METHOD] [PEAK,READ ...]

estimate: gain and read noise, and which kind `nonloc estimate` tells; float and clip8. white: the same of white noise.
denoise: PSNR told single sigmas (contrast is lowered where one is above what the method knows), on stabilised
variance, told a map, and by `nonloc denoise` without any level. A picture goes from 0 to `peak` counts, gray or colour
as its set is; seeds are of the picture's name. EVERY takes each n-th picture only. Rows go to
results/experiments/poisson_gaussian.csv as soon as they are measured, and are not measured again;
benchmarks/poisson_gaussian_page.py makes the tables. Constants were chosen on bsd398 and bsd32val.
"""

import ast
import csv
import hashlib
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

import nonloc
from nonloc.datasets import load
from nonloc.degradation import Clip8, Degradation, GaussianNoise, PoissonGaussian
from nonloc.engine import Plan, run
from nonloc.estimation.noise import estimate_any_noise
from nonloc.image.image import Image
from nonloc.methods.base import Method
from nonloc.methods.networks.conditional import ConditionalMethod
from nonloc.methods.networks.signal_map import mapped
from nonloc.methods.registry import card, create
from nonloc.methods.stabilise import stabilised
from nonloc.verbs.denoise import plan_denoise
from nonloc.version import __version__

FILE = Path("results/experiments/poisson_gaussian.csv")
SETTINGS = {
    "estimate": [(peak, read) for peak in (4, 10, 30, 100, 1000) for read in (0, 5, 10)],
    "denoise": [(peak, read) for peak in (4, 10, 30) for read in (0, 10)],
}
WHITE = (5, 15, 25, 50)
SINGLES = (1.0, 1.2, 1.4)  # of the level on middle gray; then the peak of a parabola
STRONGEST = 75
# what decides the figures, beside the method
PARTS = (
    "degradation/poisson_gaussian", "estimation/clipped_counts", "estimation/noise_curve", "estimation/weak_texture",
    "estimation/poisson_gaussian", "methods/stabilise", "methods/networks/signal_map",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One picture. code: fingerprint of the parts; weights: SHA-256. input: float or clip8. method and way: how it was
    restored, empty where it was only looked at. told: the noise that was estimated or told. psnr in dB, clipped to
    [0, 1]; empty where nothing was restored. inside: whether gain and read noise lie in their intervals."""

    version: str
    code: str
    weights: str
    set: str
    picture: str
    input: str
    noise: str
    method: str
    way: str
    told: str
    sure: str
    inside: str
    psnr: str
    cpu_s: str


class Book:
    """The rows that are there, and a place for new ones."""

    def __init__(self, name: str, method: str = "", weights: str = ""):
        self.head = {"version": __version__, "code": code(), "weights": weights, "set": name, "method": method}
        FILE.parent.mkdir(parents=True, exist_ok=True)
        self.rows = read()

    def row(self, measure: Callable[..., dict], *given: Any, **what: str) -> Row:
        """The row that is `what`; `measure(*given)` gives the columns that it does not have."""
        known = {**self.head, **what}
        for row in self.rows:
            if all(getattr(row, name) == value for name, value in known.items()):
                return row
        start = time.process_time()
        found = measure(*given)
        cpu = f"{time.process_time() - start:.2f}"
        row = Row(**{"told": "", "sure": "", "inside": "", "psnr": "", **known, **found, "cpu_s": cpu})
        fresh = not FILE.exists()
        with FILE.open("a", newline="", encoding="utf-8") as file:
            lines = csv.writer(file, lineterminator="\n")
            if fresh:
                lines.writerow([field.name for field in fields(Row)])
            lines.writerow(asdict(row).values())
        self.rows.append(row)
        return row


def read() -> list[Row]:
    if not FILE.exists():
        return []
    with FILE.open(newline="", encoding="utf-8") as file:
        return [Row(**row) for row in csv.DictReader(file)]


def code() -> str:
    """12 hex digits that change with the source of the parts, comments and layout apart."""
    root = Path(nonloc.__file__).parent
    trees = [ast.dump(ast.parse((root / f"{part}.py").read_text(encoding="utf-8"))) for part in PARTS]
    return hashlib.sha256("\n".join(trees).encode()).hexdigest()[:12]


def clean_pictures(name: str, every: int) -> Iterator[tuple[str, np.ndarray]]:
    for picture in load(name)[::every]:
        yield picture.name, np.atleast_3d(picture.pixels8("gray" if name == "bsd68" else None)).transpose(2, 0, 1) / 255


def damaged(clean: np.ndarray, name: str, noise: Degradation, clipped: bool = False) -> np.ndarray:
    rng = np.random.default_rng([1, zlib.crc32(name.encode())])
    noisy = noise.apply(clean, rng)
    return (Clip8().apply(noisy, rng) if clipped else noisy).astype(np.float32)


def look(name: str, every: int, noises: list[Degradation]) -> None:
    """What is seen of each of `noises`, as `nonloc estimate` tells it."""
    book = Book(name)
    for picture, clean in clean_pictures(name, every):
        for noise, clipped in ((n, c) for n in noises for c in (False, True)):
            what = {"picture": picture, "input": "clip8" if clipped else "float", "noise": str(noise)}
            book.row(seen, clean, picture, noise, clipped, way="estimate", **what)


def seen(clean: np.ndarray, picture: str, noise: Degradation, clipped: bool) -> dict:
    found = estimate_any_noise(damaged(clean, picture, noise, clipped), step=1 / 255 if clipped else None)
    inside = ""
    if found.shot is not None and isinstance(noise, PoissonGaussian):
        (a, b), (c, d) = found.shot.gain_range, found.shot.sigma_range
        inside = f"{a <= noise.gain <= b:d}{c <= noise.sigma <= d:d}"
    return {"told": str(found.told), "sure": f"{found.sure:.3f}", "inside": inside}


def score(restored: np.ndarray, clean: np.ndarray) -> dict:
    return {"psnr": f"{-10 * np.log10(np.mean((restored.clip(0, 1) - clean) ** 2)):.4f}"}


def as_image(planes: np.ndarray) -> Image:
    return Image(np.ascontiguousarray(planes[0] if len(planes) == 1 else planes.transpose(1, 2, 0)), scale=1.0)


def restored(plan: Plan, planes: np.ndarray) -> np.ndarray:
    return np.atleast_3d(np.asarray(run(plan, as_image(planes))[0].samples)).transpose(2, 0, 1)


def single(method: Method, sigma: float, noisy: np.ndarray, clean: np.ndarray) -> dict:
    """Told one level; the contrast is lowered where the level would be too high."""
    contrast = min(1.0, STRONGEST / sigma)
    low = ((noisy - 0.5) * contrast + 0.5).astype(np.float32)
    return score((restored(Plan(method, GaussianNoise(sigma * contrast)), low) - 0.5) / contrast + 0.5, clean)


def told(plan: Plan, noisy: np.ndarray, clean: np.ndarray) -> dict:
    return {"told": str(plan.degradation), **score(restored(plan, noisy), clean)}


def blind(name: str, noisy: np.ndarray, clean: np.ndarray) -> dict:
    """As `nonloc denoise --method NAME` does it."""
    plan, record = plan_denoise(as_image(noisy), method=name)
    return told(plan, noisy, clean) if plan is not None else {"told": record.reason, **score(noisy, clean)}


def denoise(name: str, every: int, method_name: str, settings: list[tuple[float, float]]) -> None:
    pictures = list(clean_pictures(name, every))
    low, high = card(method_name).sigma or (0, STRONGEST)
    method = create(method_name, channels=len(pictures[0][1]), sigma=min(max(25, low), high))
    book = Book(name, method_name, method.weights.sha256 if method.weights else "")
    for peak, read_noise in settings:
        noise = PoissonGaussian(1 / peak, read_noise)
        shots = [(picture, damaged(clean, picture, noise), clean) for picture, clean in pictures]
        singles(book, method, noise, shots)
        ways = {"stabilised": stabilised(method)}
        if isinstance(method, ConditionalMethod):
            ways["map"] = mapped(method)
        for picture, *shot in shots:
            what = {"picture": picture, "input": "float", "noise": str(noise)}
            for way, made in ways.items():
                book.row(told, Plan(made, noise), *shot, way=way, **what)
            book.row(blind, method_name, *shot, way="estimated", **what)
        print(f"peak {peak:g}, read noise {read_noise:g}: done", flush=True)


def singles(book: Book, method: Method, noise: PoissonGaussian, shots: list[tuple]) -> None:
    """All pictures told one sigma: several, where a parabola through these has its peak, the strongest known."""

    def mean(sigma: int) -> float:
        what = {"input": "float", "noise": str(noise), "way": "single", "told": str(sigma)}
        rows = [book.row(single, method, sigma, *shot, picture=picture, **what) for picture, *shot in shots]
        return float(np.mean([float(row.psnr) for row in rows]))

    tried = [round(factor * noise.noise.sigma) for factor in SINGLES]
    a, b, _ = np.polyfit(tried, [mean(sigma) for sigma in tried], 2)
    best = round(-b / (2 * a)) if a < 0 else tried[0]
    for sigma in {best, min(best, STRONGEST)}:
        mean(sigma)


def pairs(words: list[str], usual: list) -> list[tuple[float, float]]:
    return [(float(p), float(r)) for p, _, r in (word.partition(",") for word in words)] or usual


def main(what: str = "estimate", name: str = "bsd68", every: str = "1", *more: str) -> None:
    if what == "denoise":
        method, *rest = more or ("nonloc-s",)
        denoise(name, int(every), method, pairs(rest, SETTINGS[what]))
    elif what == "white":
        look(name, int(every), [GaussianNoise(sigma) for sigma in WHITE])
    else:
        look(name, int(every), [PoissonGaussian(1 / p, r) for p, r in pairs(list(more), SETTINGS["estimate"])])


if __name__ == "__main__":
    main(*sys.argv[1:])
