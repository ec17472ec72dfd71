"""What it brings to take speckle for what it is, beside the best that white noise of one level can do.

    NONLOC_DATA=... python benchmarks/speckle.py measure [METHOD] [SET] [EVERY] [LOOKS ...]
    python benchmarks/speckle.py page

measure: PSNR, output clipped to [0, 1], and mean of the output over that of the clean picture: told single sigmas
(contrast is lowered where one is above what the method knows), on plain logarithms, and as `nonloc denoise --sigma
speckle:L` does it. Pictures are gray; seeds are of the picture's name. EVERY takes each n-th picture only. Rows go to
results/experiments/speckle.csv as soon as they are measured, and are not measured again. page: docs/laboratory.md has
its table from them. Constants were chosen on bsd32val.
"""

import ast
import csv
import hashlib
import sys
import zlib
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path

import numpy as np
from marked import table, write

import nonloc
from nonloc.datasets import load
from nonloc.degradation import Degradation, GaussianNoise, Speckle
from nonloc.engine import Plan, run
from nonloc.image.image import Image
from nonloc.methods.base import Method
from nonloc.methods.mulog import despeckled
from nonloc.methods.registry import create
from nonloc.verbs.denoise import plan_denoise
from nonloc.version import __version__

FILE = Path("results/experiments/speckle.csv")
LOOKS = ("1", "4", "16")
SINGLES = (0.8, 1.0, 1.2, 1.4, 1.7, 2.0, 2.4)  # of the level on middle gray; 2.4 was measured at 1 look only
STRONGEST = 75
PARTS = ("degradation/speckle", "methods/speckle", "methods/mulog")  # what decides the figures, beside the method


@dataclass(frozen=True)
class Row:
    """One picture. code: fingerprint of the parts; weights: SHA-256. way: single, logarithm or denoise. told: what the
    method was told. psnr in dB. mean: of what came out, over that of the clean picture."""

    version: str
    code: str
    weights: str
    set: str
    picture: str
    looks: str
    method: str
    way: str
    told: str
    psnr: str
    mean: str


KEY = ("weights", "set", "picture", "looks", "method", "way", "told")


def read() -> list[Row]:
    if not FILE.exists():
        return []
    with FILE.open(newline="", encoding="utf-8") as file:
        return [Row(**row) for row in csv.DictReader(file)]


def add(row: Row) -> None:
    fresh = not FILE.exists()
    FILE.parent.mkdir(parents=True, exist_ok=True)
    with FILE.open("a", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        if fresh:
            lines.writerow([field.name for field in fields(Row)])
        lines.writerow(asdict(row).values())


def code() -> str:
    """12 hex digits that change with the source of the parts, comments and layout apart."""
    root = Path(nonloc.__file__).parent
    trees = [ast.dump(ast.parse((root / f"{part}.py").read_text(encoding="utf-8"))) for part in PARTS]
    return hashlib.sha256("\n".join(trees).encode()).hexdigest()[:12]


def measure(name: str = "nonloc-s", set_: str = "bsd68", every: str = "4", *looks: str) -> None:
    method = create(name, channels=1, sigma=25)
    fingerprint = code()
    head = {"weights": method.weights.sha256 if method.weights else "", "set": set_, "method": name}
    known = {tuple(getattr(row, key) for key in KEY): row for row in read() if row.code == fingerprint}
    for picture, number in product(load(set_)[:: int(every)], looks or LOOKS):
        clean = (picture.pixels8("gray") / 255).astype(np.float64)
        noise = Speckle(float(number))
        rng = np.random.default_rng([1, zlib.crc32(picture.name.encode())])
        noisy = noise.apply(clean, rng).astype(np.float32)
        for way, told in [("denoise", noise), ("logarithm", noise), *(("single", one) for one in singles(noise))]:
            what = {**head, "picture": picture.name, "looks": number, "way": way, "told": str(told)}
            if tuple(what[key] for key in KEY) in known:
                continue
            out = restored(way, method, told, noisy)
            psnr = -10 * np.log10(np.mean((out.clip(0, 1) - clean) ** 2))
            mean = f"{out.mean() / clean.mean():.4f}"
            add(Row(version=__version__, code=fingerprint, psnr=f"{psnr:.4f}", mean=mean, **what))
        print(picture.name, number, flush=True)


def singles(noise: Speckle) -> list[GaussianNoise]:
    return [GaussianNoise(round(factor * noise.noise.sigma)) for factor in SINGLES]


def restored(way: str, method: Method, told: Degradation, noisy: np.ndarray) -> np.ndarray:
    if way == "single":
        contrast = min(1.0, STRONGEST / told.noise.sigma)
        low = ((noisy - 0.5) * contrast + 0.5).astype(np.float32)
        plan = Plan(method, GaussianNoise(told.noise.sigma * contrast))
        return (samples(plan, low) - 0.5) / contrast + 0.5
    if way == "logarithm":
        return samples(Plan(despeckled(method, Speckle(1e3)), told), noisy)
    plan, _ = plan_denoise(Image(noisy, scale=1.0), told, method.card.name)
    assert plan is not None
    return samples(plan, noisy)


def samples(plan: Plan, pixels: np.ndarray) -> np.ndarray:
    return np.asarray(run(plan, Image(pixels, scale=1.0))[0].samples, np.float64)


def page() -> None:
    """The table of all methods and looks that were measured."""
    lines = []
    rows = read()
    newest = rows[-1].code
    rows = [row for row in rows if row.code == newest]
    for method, looks in dict.fromkeys((row.method, row.looks) for row in rows):
        here = [row for row in rows if (row.method, row.looks) == (method, looks)]
        singles = {told: figures(here, "single", told) for told in {row.told for row in here if row.way == "single"}}
        best = max(singles, key=lambda told: np.mean(list(singles[told].values())))
        each = {name: max(of[name] for of in singles.values()) for name in singles[best]}
        ours, plain = figures(here, "denoise"), figures(here, "logarithm")
        mean = [float(row.mean) for row in here if row.way == "denoise"]
        gain = [ours[name] - singles[best][name] for name in ours]
        lines.append(
            [
                f"{looks} looks, {method}, {len(ours)} of bsd68".replace("1 looks", "1 look"),
                f"{np.mean(list(singles[best].values())):.2f} ({best.partition(':')[2]})",
                f"{np.mean(list(plain.values())):.2f}",
                f"{np.mean(list(ours.values())):.2f}",
                f"{np.mean(gain):+.2f}",
                f"{min(gain):+.2f}",
                f"{np.mean([ours[name] - each[name] for name in ours]):+.2f}",
                f"{100 * (np.mean(mean) - 1):+.2f} %",
                f"{100 * np.abs(np.array(mean) - 1).max():.2f} %",
            ]
        )
    head = ["", "best single sigma", "logarithm", "`--sigma speckle:L`", "gain", "least of a picture"]
    head += ["over each picture's best", "mean off by", "at most"]
    write(Path("docs/laboratory.md"), "speckle", table(head, lines))


def figures(rows: list[Row], way: str, told: str | None = None) -> dict[str, float]:
    return {row.picture: float(row.psnr) for row in rows if row.way == way and told in (None, row.told)}


if __name__ == "__main__":
    {"measure": measure, "page": page}[sys.argv[1]](*sys.argv[2:])
