"""Write the tables of docs/which_method.md and docs/results.md from the measured rows in results/ and the cards.

    python benchmarks/which_method.py

A cell is the mean PSNR of a whole set, with the weights that are in the package; it stays empty where not every picture
was measured. Seconds are medians of the measured rows, one thread; memory is what the card says `restore` works with.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import marked
import numpy as np

from nonloc.benchmark import Results
from nonloc.benchmark.entry import parse_entry
from nonloc.benchmark.protocol import protocol
from nonloc.benchmark.statistics import mean
from nonloc.methods.card import Card
from nonloc.methods.registry import card, cards
from nonloc.methods.weights import PACKAGE, companion
from nonloc.verbs.choose import DENOISERS, PHOTOGRAPHS

ROOT = Path(__file__).parent.parent
SIZES = {"bsd68": 68, "cbsd68": 68, "set12": 12, "set5": 5, "set14": 14, "polyu40": 30}
LEVELS = (15, 25, 50)
AS_DEFAULT = {"denoise": DENOISERS[0], "photo": PHOTOGRAPHS[0], "upscale": "sr-fast"}


def cell(results: Results, method: str, name: str, sigma: float | None, regime: str, track: str = "matlab4") -> str:
    shipped = {w.sha256 for w in card(method).weights} or {""}
    rows = results.only(method=method, set=name, sigma=sigma, track=track, regime=regime)
    rows = [row for row in rows if row.weights in shipped]
    return f"{mean(rows).psnr:.2f}" if len(rows) == SIZES[name] else ""


def seconds(results: Results, method: str, found: Card, sets: tuple[str, ...]) -> str:
    rows = [row for row in results.only(method=method) if row.set in sets]
    if rows:
        return f"{np.median([1e6 * row.cpu_s / row.pixels for row in rows]):.2g}"
    return f"{found.seconds_per_mp:.2g}" if found.seconds_per_mp and not found.weights else ""


def named(name: str, task: str) -> str:
    return f"**`{name}`** (default)" if name == AS_DEFAULT[task] else f"`{name}`"


def denoisers(results: Results) -> str:
    """Every denoiser that runs as it comes, best first where it was measured."""
    listed = [c for c in cards().values() if c.task == "denoise" and c.runnable and "gaussian" in c.handles and ours(c)]
    lines = []
    for found in listed:
        cells = [cell(results, found.name, name, sigma, "float") for name in ("bsd68", "cbsd68") for sigma in LEVELS]
        lines.append(
            [
                named(found.name, "denoise"),
                *cells,
                seconds(results, found.name, found, ("bsd68", "cbsd68")),
                f"{found.bytes_per_pixel:.0f}",
                found.fidelity,
                " / ".join(found.licences),
            ]
        )
    lines.sort(key=lambda line: (-float(line[2] or 0), -float(line[5] or 0), line[0]))
    head = ["method", *(f"gray {s}" for s in LEVELS), *(f"colour {s}" for s in LEVELS)]
    return marked.table([*head, "CPU s / Mpx", "MB / Mpx", "fidelity", "licence"], lines)


def ours(found: Card) -> bool:
    """Whether it runs on a still picture with what is shipped; weights that a user imported are left out."""
    folders = (PACKAGE, companion())
    shipped = not found.weights or any((folder / w.file).is_file() for folder in folders for w in found.weights)
    return shipped and found.family != "video"


def photographs(results: Results) -> str:
    measured = sorted({row.method for row in results.only(set="polyu40")})
    lines = []
    for name in measured:
        rows = results.only(set="polyu40", method=name)
        if len(rows) == SIZES["polyu40"]:
            found = mean(rows)
            gain, worst = found.psnr - found.psnr_input, min(row.psnr - row.psnr_input for row in rows)
            lines.append([named(name, "photo"), f"{found.psnr:.2f}", f"{gain:+.2f}", f"{worst:+.2f}"])
    lines.sort(key=lambda line: -float(line[1]))
    return marked.table(["method", "PSNR", "gain", "least gain of a picture"], lines)


def enlarging(results: Results) -> str:
    lines = []
    for found in (c for c in cards().values() if c.task == "upscale" and c.runnable and ours(c)):
        cells = [
            cell(results, found.name, name, factor, "clip8", "downscale")
            for name in ("set5", "set14")
            for factor in (2, 3, 4)
        ]
        if any(cells):
            spent = seconds(results, found.name, found, ("set5", "set14"))
            lines.append([named(found.name, "upscale"), *cells, spent, found.fidelity])
    lines.sort(key=lambda line: (-float(line[1] or 0), line[0]))
    head = [f"{name} x{factor}" for name in ("Set5", "Set14") for factor in (2, 3, 4)]
    return marked.table(["method", *head, "CPU s / Mpx", "fidelity"], lines)


def everything(results: Results) -> str:
    """Each group of rows: set, method, level, input, with how many pictures."""
    rows = sorted(results.rows, key=lambda r: (r.set, r.track, r.sigma or 0, r.regime, r.method))
    lines: dict[str, list[list[str]]] = {}
    for (name, track, sigma, regime, method), group in groupby(
        rows, key=lambda r: (r.set, r.track, r.sigma, r.regime, r.method)
    ):
        found = mean(group)
        level = "" if sigma is None else f"{sigma:g}"
        fidelity = parse_entry(method).card.fidelity
        lines.setdefault(f"{protocol(name).title}, {track}", []).append(
            [f"`{method}`", level, regime, str(found.pictures), f"{found.psnr:.2f}", f"{found.ssim:.4f}", fidelity]
        )
    head = ["method", "level or factor", "input", "pictures", "PSNR", "SSIM", "fidelity"]
    return "\n\n".join(f"## {title}\n\n{marked.table(head, table)}" for title, table in lines.items())


def main() -> None:
    results = Results.read(ROOT / "results")
    page = ROOT / "docs" / "which_method.md"
    marked.write(page, "denoisers", denoisers(results))
    marked.write(page, "photographs", photographs(results))
    marked.write(page, "enlarging", enlarging(results))
    marked.write(ROOT / "docs" / "results.md", "results", everything(results))


if __name__ == "__main__":
    main()
