"""Whether `restore` picks well: six kinds of noise, five kinds of picture, three budgets of time.

    NONLOC_DATA=... python benchmarks/choice.py [--split test] [--only white-25] [--again] [--print-only]

Each picture is damaged, restored by every method that could be taken, told what was done to it, and by `restore`, told
nothing. A cell is good where `restore` under a budget is within 0.1 dB of the best method whose card's time is within
it; where any time may be taken, `best` is asked for. Photographs are of bsd32val; fabric, text, drawings and cells are
drawn here. `--again` measures `restore` anew, not its rivals. `--split tuning` has other pictures, to try things on.
Rows go to results/experiments/choice.csv, the table to docs/which_method.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import marked
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import torch
from equal_time import append, read

import nonloc
from nonloc.datasets import load
from nonloc.degradation import parse_fixed
from nonloc.errors import NonlocError
from nonloc.methods.registry import card
from nonloc.verbs.options import Options

ROOT = Path(__file__).parent.parent
FILE, PAGE = ROOT / "results" / "experiments" / "choice.csv", ROOT / "docs" / "which_method.md"
FIELDS = ("split", "noise", "kind", "number", "method", "psnr", "seconds")
SIDE, EACH = 160, 2  # pixels, pictures a cell
NOISES = {
    "white 5": "gaussian:5", "white 25": "gaussian:25", "white 50": "gaussian:50", "shot": "poisson-gaussian:0.03,3",
    "camera": "camera:8", "impulses": "salt-and-pepper:0.2",
}  # fmt: skip
BUDGETS: tuple[float | None, ...] = (1, 5, None)  # CPU seconds a megapixel
DENOISERS = (
    "nonloc-s", "nonloc-photo", "nlrn-fast", "bm3d", "wnnm", "epll", "tnrd", "nl-means", "wavelet", "wiener",
    "total-variation", "bilateral", "median", "gaussian",
)  # fmt: skip
REPAIRS = ("adaptive-median",)
WITHIN, GOOD = 0.1, 0.9
Draw = Callable[[np.random.Generator], np.ndarray]


def photograph(rng: np.random.Generator) -> np.ndarray:
    pictures = [p for p in load("bsd32val")]
    pixels = pictures[int(rng.integers(len(pictures)))].pixels8("rgb")
    y, x = (int(rng.integers(length - SIDE)) for length in pixels.shape[:2])
    return pixels[y : y + SIDE, x : x + SIDE] / 255


def fabric(rng: np.random.Generator) -> np.ndarray:
    """Twill of two threads, turned and uneven, in gray."""
    y, x = np.mgrid[:SIDE, :SIDE] / rng.uniform(7, 10)
    angle = rng.uniform(0.1, 0.6)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    over = (np.floor(u) + np.floor(v)) % 4 < 2
    thread = np.where(over, np.abs(np.sin(np.pi * v)), np.abs(np.sin(np.pi * u)))
    light = 0.8 + 0.2 * np.sin(0.05 * x + rng.uniform(0, 6)) * np.cos(0.04 * y)
    return (0.15 + 0.65 * thread**0.7 * np.where(over, 1, 0.7)) * light


def page(rng: np.random.Generator) -> np.ndarray:
    """Lines of letters, dark on paper, drawn at four times the size."""
    sheet = PIL.Image.new("L", (4 * SIDE, 4 * SIDE), 235)
    pen, font = PIL.ImageDraw.Draw(sheet), PIL.ImageFont.load_default(44)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz     ABCDEFGHIT0123456789,."))
    for top in range(20, 4 * SIDE - 60, 60):
        pen.text((24, top), "".join(rng.choice(letters, 60)), fill=int(rng.integers(15, 50)), font=font)
    return np.asarray(sheet.resize((SIDE, SIDE), PIL.Image.Resampling.BOX)) / 255


def drawing(rng: np.random.Generator) -> np.ndarray:
    """Flat colours with dark outlines."""
    sheet = PIL.Image.new("RGB", (4 * SIDE, 4 * SIDE), tuple(int(v) for v in rng.integers(120, 255, 3)))
    pen = PIL.ImageDraw.Draw(sheet)
    for _ in range(14):
        corners = rng.integers(0, 4 * SIDE, 2) + rng.integers(-260, 260, (5, 2))
        pen.polygon([tuple(map(int, c)) for c in corners], fill=tuple(int(v) for v in rng.integers(20, 255, 3)))
        pen.line([tuple(map(int, c)) for c in [*corners, corners[0]]], fill=(20, 20, 25), width=9, joint="curve")
    return np.asarray(sheet.resize((SIDE, SIDE), PIL.Image.Resampling.BOX)) / 255


def cells(rng: np.random.Generator) -> np.ndarray:
    """Soft round bodies with brighter middles on a dark ground, in gray."""
    y, x = np.mgrid[:SIDE, :SIDE]
    light = np.full((SIDE, SIDE), 0.08)
    for _ in range(45):
        row, column, radius = *rng.uniform(0, SIDE, 2), rng.uniform(6, 16)
        far = np.hypot(y - row, (x - column) * rng.uniform(0.8, 1.25)) / radius
        bright = rng.uniform(0.15, 0.5)
        light += bright / (1 + np.exp(8 * (far - 1))) + 0.5 * bright * np.exp(-((3 * far) ** 2))
    return np.clip(light, 0, 0.95)


KINDS: dict[str, Draw] = {
    "photograph": photograph, "fabric": fabric, "text": page, "drawing": drawing, "cells": cells,
}  # fmt: skip


def damaged(clean: np.ndarray, noise: str, rng: np.random.Generator) -> np.ndarray:
    """`clean` with noise, as an array of its shape; not clipped, but by impulses."""
    planes = np.moveaxis(np.atleast_3d(clean), -1, 0)
    found = parse_fixed(NOISES[noise]).apply(planes, rng)
    return np.ascontiguousarray(np.moveaxis(found, 0, -1).reshape(clean.shape), dtype=np.float32)


def attempts(noisy: np.ndarray, noise: str) -> dict[str, Callable[[], Any]]:
    """What is tried: each method, and `restore` within each budget."""
    tried: dict[str, Callable[[], Any]] = {}
    for budget in BUDGETS:
        name = f"restore {'any' if budget is None else f'{budget:g}'}"
        tried[name] = lambda b=budget: nonloc.restore(
            noisy, best=b is None, data_range=(0, 1), options=Options(budget=b)
        )
    if noise == "impulses":
        for method in REPAIRS:
            tried[method] = lambda m=method: nonloc.repair(noisy, damage="impulses", method=m, data_range=(0, 1))
    for method in DENOISERS:
        # by impulses the level that denoisers are told is that of their error
        sigma = NOISES[noise].removeprefix("gaussian:") if noise != "impulses" else "60"
        tried[method] = lambda m=method, s=sigma: nonloc.denoise(noisy, sigma=s, method=m, data_range=(0, 1))
    return tried


def measure(split: str, noise: str, kind: str, number: int, again: bool = False) -> None:
    seed = [number, list(KINDS).index(kind), list(NOISES).index(noise), split == "test"]
    rng = np.random.default_rng(seed)
    clean = KINDS[kind](np.random.default_rng([number, list(KINDS).index(kind), split == "test"]))
    noisy, rows = damaged(clean, noise, rng), []
    for name, attempt in attempts(noisy, noise).items():
        if again and not name.startswith("restore"):
            continue
        start = time.process_time()
        with suppress(NonlocError):  # it does not fit the level or the channels
            out = attempt()
            error = np.mean((np.clip(out, 0, 1) - clean) ** 2)
            rows.append((split, noise, kind, number, name, f"{-10 * np.log10(error):.3f}"))
            rows[-1] += (f"{time.process_time() - start:.2f}",)
    append(FILE, rows, FIELDS)
    print(noise, kind, number, {row[4]: row[5] for row in rows}, flush=True)


def restores(row: dict[str, str]) -> bool:
    return row["method"].startswith("restore")


def forget(split: str, noises: list[str]) -> None:
    """Drop what `restore` reached, so that it is measured again."""
    rows = [row for row in read(FILE) if not (restores(row) and row["split"] == split and row["noise"] in noises)]
    FILE.unlink()
    append(FILE, [[row[name] for name in FIELDS] for row in rows], FIELDS)


def allowed(method: str, budget: float | None) -> bool:
    seconds = card(method).seconds_per_mp
    return budget is None or (seconds is not None and seconds <= budget)


def cell(rows: list[dict[str, str]], noise: str, kind: str, budget: float | None) -> tuple[float, float, str]:
    """PSNR of `restore`, of the best method within the budget, and its name."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if (row["noise"], row["kind"]) == (noise, kind):
            found.setdefault(row["method"], []).append(float(row["psnr"]))
    most = max(map(len, found.values()))
    means = {name: float(np.mean(values)) for name, values in found.items() if len(values) == most}
    ours = means["restore any" if budget is None else f"restore {budget:g}"]
    rivals = {name: v for name, v in means.items() if not name.startswith("restore") and allowed(name, budget)}
    best = max(rivals, key=lambda name: rivals[name])
    return ours, rivals[best], best


def table(split: str) -> str:
    """Each cell: what `restore` reaches, and by how much the best allowed method is better, where it is by more."""
    rows, lines, good, count = [row for row in read(FILE) if row["split"] == split], [], 0, 0
    for noise in NOISES:
        for budget in BUDGETS:
            line = [f"{noise}, {'any time' if budget is None else f'{budget:g} s'}"]
            for kind in KINDS:
                ours, best, name = cell(rows, noise, kind, budget)
                fine = ours > best - WITHIN
                good, count = good + fine, count + 1
                line.append(f"{ours:.2f}" if fine else f"{ours:.2f} ({best - ours:+.2f} `{name}`)")
            lines.append(line)
    head = marked.table(["noise, budget a megapixel", *KINDS], lines)
    return f"{good} of {count} cells ({good / count:.0%}) are within {WITHIN} dB of the best.\n\n{head}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=["test", "tuning"], default="test")
    parser.add_argument("--only", nargs="*", default=list(NOISES), choices=list(NOISES))
    parser.add_argument("--again", action="store_true", help="measure `restore` again")
    parser.add_argument("--print-only", action="store_true", help="print the table of what is measured")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.again:
        forget(options.split, options.only)
    rivals, ours = (
        {(row["split"], row["noise"], row["kind"], row["number"]) for row in read(FILE) if restores(row) is mine}
        for mine in (False, True)
    )
    for number, noise, kind in product(range(EACH), () if options.print_only else options.only, KINDS):
        case = (options.split, noise, kind, str(number))
        if case not in rivals or case not in ours:
            measure(options.split, noise, kind, number, case in rivals)
    if options.split == "test":
        marked.write(PAGE, "choice", table("test"))
    print(table(options.split))


if __name__ == "__main__":
    main()
