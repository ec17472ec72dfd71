"""Two workers of Ray against one, in one run: pictures and megapixels a second, seconds of starting, memory.

    python benchmarks/cluster.py [--methods gaussian nonloc-s] [--copies 24] [--rounds 2] [--workers 1 2] [--mosaic 1]
    python benchmarks/cluster.py --mosaic 9 --copies 4 --rounds 1    # 12.5 megapixels, as a photograph has
    python benchmarks/cluster.py --page    # only write the tables of docs/cluster.md anew

Copies of one picture of bsd32val, or of a mosaic of n x n of it, each with noise of its own (sigma 25), go from a
folder to a folder on this machine, one thread a worker. Rounds alternate: 1, 2, 1, 2 workers. Rows are added to
results/cluster.csv. Leave the machine to it: with other work beside it, two workers against one says nothing.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import platform
import statistics
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import marked
import numpy as np

ROOT = Path(__file__).parent.parent
FILE = ROOT / "results" / "cluster.csv"
PAGE = ROOT / "docs" / "cluster.md"
PICTURE = "train/bsd32val"
SIGMA = 25
HEAD = [
    "method", "workers", "threads", "pictures", "megapixels", "start_seconds", "work_seconds", "pictures_per_second",
    "mp_per_second", "peak_mb", "manifest_bytes_per_picture", "cores", "machine",
]  # fmt: skip
PHOTOGRAPHS, PHOTOGRAPH = 1_000_000, 12  # so many of so many megapixels
SLIDE = 1e12 / 3 / 1e6  # megapixels of a terabyte, three bytes a pixel
MACHINE = 32  # cores


def main() -> None:
    """Measure, unless only the page is wanted, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=["gaussian", "nonloc-s"])
    parser.add_argument("--copies", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--mosaic", type=int, default=1, help="side of the mosaic, in pictures")
    parser.add_argument("--page", action="store_true", help="measure nothing")
    given = parser.parse_args()
    if not given.page:
        os.environ.setdefault("NUMBA_NUM_THREADS", str(max(given.workers)))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            fill(folder / "in", given.copies, given.mosaic)
            for method in given.methods:
                for turn in range(given.rounds):
                    for workers in given.workers:
                        row = measure(folder / "in", folder / f"{method}-{turn}-{workers}", method, workers)
                        append(row)
                        print(", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    page()


def fill(folder: Path, copies: int, mosaic: int = 1) -> None:
    """Noisy copies of one picture, each with its own noise."""
    from nonloc import read
    from nonloc.image.image import Image
    from nonloc.image.write import write

    source = sorted(p for p in (Path(os.environ["NONLOC_DATA"]) / PICTURE).rglob("*") if p.suffix in (".png", ".jpg"))[
        0
    ]
    clean = np.tile(read(source).samples.astype(np.float32), (mosaic, mosaic, 1))
    folder.mkdir(parents=True)
    for number in range(copies):
        noisy = clean + np.random.default_rng(number).normal(0, SIGMA, clean.shape)
        write(Image(np.clip(noisy.round(), 0, 255).astype(np.uint8), 1 / 255), folder / f"{number:05}.png")


def measure(source: Path, out: Path, method: str, workers: int) -> dict[str, object]:
    """One job; one thread a worker."""
    from nonloc.interfaces.cluster import run_on_ray
    from nonloc.jobs import Task

    os.environ["OMP_NUM_THREADS"] = str(workers)  # the job shares them out: one each
    task = Task("denoise", "denoised", {"method": method, "sigma": str(SIGMA)})
    with Memory() as memory:
        summary = run_on_ray([source], task, output=f"{out}/", jobs=workers)
    assert summary.code == 0, [file.error for file in summary.files if file.error]
    files = summary.count("done")
    pixels = sum(share.pixels for share in summary.shares.values()) / 1e6
    pictures, megapixels = summary.rate
    cells = [
        method, workers, 1, files, round(pixels, 3), round(summary.starting, 2), round(summary.working, 2),
        round(pictures, 4), round(megapixels, 4), round(memory.peak / 1e6),
        round(summary.manifest.stat().st_size / files) if summary.manifest else 0, os.cpu_count(), platform.machine(),
    ]  # fmt: skip
    return dict(zip(HEAD, cells, strict=True))


class Memory(threading.Thread):
    """The most that this process and its descendants had in memory, in bytes; shared pages counted once (Linux)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.done = 0, threading.Event()

    def __enter__(self) -> Memory:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.join()

    def run(self) -> None:
        while not self.done.wait(1.0):
            self.peak = max(self.peak, sum(map(proportional, family(os.getpid()))))


def family(first: int) -> Iterator[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            children.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(int(path.parent.name))
        except OSError:
            continue
    left = [first]
    while left:
        yield (one := left.pop())
        left += children.get(one, [])


def proportional(process: int) -> int:
    """Bytes of a process, its part of shared pages only."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def append(row: dict[str, object]) -> None:
    """One line more in the table."""
    new = not FILE.exists()
    with open(FILE, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEAD, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


Table = dict[tuple[str, float, int], list[dict[str, str]]]


def rows() -> Table:
    """All that was measured, by method, megapixels of a picture, and number of workers."""
    found: Table = {}
    if FILE.exists():
        with open(FILE, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                size = round(float(row["megapixels"]) / int(row["pictures"]), 2)
                found.setdefault((row["method"], size, int(row["workers"])), []).append(row)
    return found


def middle(some: list[dict[str, str]], name: str) -> float:
    """The median of a column."""
    return statistics.median(float(row[name]) for row in some)


def page() -> None:
    """Write the tables of the page."""
    found = rows()
    for name, made in (("rates", rates), ("plan", plan)):
        marked.write(PAGE, name, made(found) if found else "Not measured yet.")


def rates(found: Table) -> str:
    """What was measured, the median of all rounds."""
    head = [
        "method, workers",
        "MP a picture",
        "runs",
        "pictures / s",
        "MP / s",
        "against 1 worker",
        "start in s",
        "peak MB",
    ]
    lines = []
    for (method, size, workers), some in sorted(found.items()):
        alone = found.get((method, size, 1))
        ratio = f"{middle(some, 'mp_per_second') / middle(alone, 'mp_per_second'):.2f}" if alone else ""
        cells = [
            f"`{method}`, {workers}", f"{size:g}", str(len(some)), f"{middle(some, 'pictures_per_second'):.2f}",
            f"{middle(some, 'mp_per_second'):.3f}", ratio, f"{middle(some, 'start_seconds'):.0f}",
            f"{middle(some, 'peak_mb'):.0f}",
        ]  # fmt: skip
        lines.append(cells)
    return marked.table(head, lines)


def plan(found: Table) -> str:
    """The arithmetic for an archive and for a slide, from the rate of one worker on the largest pictures measured."""
    largest = {method: size for method, size, workers in sorted(found) if workers == 1}
    alone = [found[method, size, 1] for method, size in largest.items()]
    rate = [middle(some, "mp_per_second") for some in alone]
    line = [middle(some, "manifest_bytes_per_picture") for some in alone]
    lines = [
        ["measured on pictures of", *(f"{size:g} MP" for size in largest.values())],
        ["one core, MP / s", *(f"{one:.3f}" for one in rate)],
        ["the archive: manifest, GB", *(f"{one * PHOTOGRAPHS / 1e9:.1f}" for one in line)],
    ]
    for what, megapixels in (("the archive", PHOTOGRAPHS * PHOTOGRAPH), ("the slide", SLIDE)):
        hours = [megapixels / one / 3600 for one in rate]
        lines += [
            [f"{what}: megapixels", *(f"{megapixels:,.0f}" for _ in rate)],
            [f"{what}: core hours = megapixels / rate / 3600", *(f"{one:,.0f}" for one in hours)],
            [f"{what}: hours on one machine of {MACHINE} cores", *(f"{one / MACHINE:,.1f}" for one in hours)],
            [f"{what}: such machines for one day", *(f"{math.ceil(one / MACHINE / 24):,}" for one in hours)],
        ]
    return marked.table(["", *(f"`{method}`" for method in largest)], lines)


if __name__ == "__main__":
    main()
