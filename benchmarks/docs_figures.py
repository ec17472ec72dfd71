"""Write the tables of docs/nonlocal.md from the measured rows in results/experiments/.

python benchmarks/docs_figures.py
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

import any_size
import marked
import nlrn_ablations
import nlrn_fast_claim
import numpy as np
from equal_time import read, spread

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "results" / "experiments"
Rows = list[dict[str, str]]


def mean(rows: Rows, column: str = "psnr") -> float:
    return statistics.mean(float(row[column]) for row in rows)


def window(rows: Rows) -> str:
    """Microseconds a pixel and step of each path."""
    regions = list(dict.fromkeys((r["network"], r["height"], r["width"]) for r in rows))
    lines = []
    for path in dict.fromkeys(r["path"] for r in rows):
        mine = {(r["network"], r["height"], r["width"]): r for r in rows if r["path"] == path}
        lines.append([path, *(f"{float(mine[at]['microseconds_per_pixel_and_step']):.2f}" for at in regions)])
    return marked.table(["path", *(f"{name}, {height} x {width}" for name, height, width in regions)], lines)


def modes(rows: Rows) -> str:
    """NLRN beside DnCNN-S, and strides beside the whole picture at once."""
    lines = []
    bsd68 = [r for r in rows if r["picture"].startswith("bsd68")]
    for where in ["bsd68", *dict.fromkeys(r["picture"] for r in rows if r not in bsd68)]:
        here = bsd68 if where == "bsd68" else [r for r in rows if r["picture"] == where]
        both = {r["picture"] for r in here if r["method"] == "nlrn"} & {r["picture"] for r in here}
        here = [r for r in here if r["picture"] in both]
        name = f"BSD68, {len(both)} pictures" if where == "bsd68" else where
        for label in dict.fromkeys(r["method"] for r in here):
            mine = [r for r in here if r["method"] == label]
            lines.append([name, label, f"{mean(mine):.3f}", f"{mean(mine, 'cpu_s'):.1f}"])
    return marked.table(["picture", "method, sigma 15", "PSNR in dB", "CPU seconds"], lines)


def sizes(rows: Rows) -> str:
    lines = []
    for method, sigma in dict.fromkeys((r["method"], r["sigma"]) for r in rows):
        cells = []
        for size in any_size.SIZES:
            mine = [r for r in rows if (r["method"], r["sigma"], r["size"]) == (method, sigma, size)]
            cells.append(f"{mean(mine):.2f}" if mine else "")
        lines.append([f"`{method}`, sigma {sigma}", *cells])
    return marked.table(["", *("2048, mosaic" if s == "mosaic" else s for s in any_size.SIZES)], lines)


def claim(rows: Rows) -> str:
    names = [*nlrn_fast_claim.SETS, "Barbara"]
    lines = [
        [variant, *(f"{statistics.mean(seeds):.3f} ± {spread(seeds):.3f}" for seeds in found)]
        for variant, found in nlrn_fast_claim.by_seed(rows).items()
    ]
    for other, found in nlrn_fast_claim.differences(rows).items():
        lines.append([f"non-local minus {other}", *(f"{d:+.3f} {'sure' if sure else 'open'}" for d, sure in found)])
    return marked.table(["", *names], lines)


def ablations(rows: Rows) -> str:
    base = [float(r["psnr"]) for r in rows if r["variant"] == "unchanged"]
    lines = []
    for variant in dict.fromkeys(r["variant"] for r in rows):
        mine = [r for r in rows if r["variant"] == variant]
        change = f"± {spread(base):.3f}" if variant == "unchanged" else f"{mean(mine) - statistics.mean(base):+.3f}"
        steps = f"{mean(mine, 'steps'):.0f}"
        lines.append([variant, f"{mean(mine):.3f}", change, steps, mine[0]["parameters"], mine[0]["seconds"]])
    head = ["", "PSNR in dB", "change", "steps of training", "parameters", "seconds on 481 x 321"]
    return f"{marked.table(head, lines)}\n\n![PSNR against time]({nlrn_ablations.PLOT.name})"


def block(rows: Rows) -> str:
    lines = []
    for variant in dict.fromkeys(r["variant"] for r in rows):
        mine = [r for r in rows if r["variant"] == variant]
        scores, steps = [float(r["psnr"]) for r in mine], np.mean([int(r["steps"]) for r in mine])
        lines.append([variant, f"{np.mean(scores):.3f} ± {spread(scores):.3f}", f"{steps:.0f}", mine[0]["parameters"]])
    minutes = "/".join(dict.fromkeys(r["core_minutes"] for r in rows))
    return marked.table([f"{minutes} core minutes", "PSNR in dB, sigma 25", "steps", "parameters"], lines)


TABLES: dict[str, tuple[str, Callable[[Rows], str]]] = {
    "window": ("window_attention.csv", window),
    "modes": ("nlrn_modes.csv", modes),
    "sizes": (any_size.FILE.name, sizes),
    "claim": (nlrn_fast_claim.FILE.name, claim),
    "ablations": (nlrn_ablations.FILE.name, ablations),
    "block": ("block_in_dncnn.csv", block),
}


def main() -> None:
    for name, (file, made) in TABLES.items():
        rows = read(RESULTS / file)
        marked.write(ROOT / "docs" / "nonlocal.md", name, made(rows) if rows else "Not measured yet.")


if __name__ == "__main__":
    main()
