"""Write the README's table of figures from the measured rows in results/.

    python benchmarks/readme_figures.py

A cell is the mean PSNR in dB of the whole set, in brackets the same for 8-bit input; times are CPU seconds a megapixel.
"""

from pathlib import Path

import marked
import numpy as np

from nonloc.benchmark import Results
from nonloc.benchmark.protocol import protocol

ROOT = Path(__file__).parent.parent
METHODS = ("nonloc-s", "bm3d", "nl-means", "wavelet", "gaussian")
SETS = {"bsd68": 68, "cbsd68": 68}


def figures() -> str:
    results = Results.read(ROOT / "results")
    head = [f"{protocol(name).title} {sigma}" for name in SETS for sigma in (15, 25, 50)]
    lines = []
    for method in METHODS:
        cells = [cell(results, method, name, sigma) for name in SETS for sigma in (15, 25, 50)]
        if any(cells):
            lines.append([f"`{method}`", *cells, seconds(results, method)])
    return marked.table(["method", *head, "CPU s / Mpx"], lines)


def cell(results: Results, method: str, name: str, sigma: float) -> str:
    means = []
    for regime in ("float", "clip8"):
        rows = results.only(method=method, set=name, sigma=sigma, track="matlab4", regime=regime)
        if len(rows) == SETS[name]:  # a mean over some of the pictures is no figure of the set
            means.append(f"{np.mean([row.psnr for row in rows]):.2f}")
    return f"{means[0]} ({means[1]})" if len(means) == 2 else "".join(means)


def seconds(results: Results, method: str) -> str:
    rows = [row for row in results.only(method=method, regime="float") if row.set in SETS]
    return f"{np.median([1e6 * row.cpu_s / row.pixels for row in rows]):.2g}"


def main() -> None:
    marked.write(ROOT / "README.md", "figures", figures())


if __name__ == "__main__":
    main()
