"""PSNR against time, one point a method: what a tenth of a decibel costs. Needs the extra `bench`.

Full points and the line are the Pareto front: nothing measured beside them is both better and faster.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import UsageError
from .published import shown
from .results import Results
from .statistics import mean
from .tables import Block, blocks


def plot(results: Results, folder: Path | str = "results") -> list[Path]:
    """Draw every set and level of `results` as SVG into `folder`; the files written.

    Mean PSNR against CPU seconds per megapixel, on a logarithmic axis. The same results give the same bytes.
    UsageError when matplotlib is not installed.
    """
    written = []
    for block in blocks(results):
        for sigma in block.sigmas:
            level = "blind" if sigma is None else f"{sigma:g}"
            path = Path(folder) / f"{block.protocol.name}-{block.kind}-{block.regime}-{level}.svg"
            path.parent.mkdir(parents=True, exist_ok=True)
            _draw(block, sigma, path)
            written.append(path)
    return written


def front(points: dict[str, tuple[float, float]]) -> set[str]:
    """The names of the Pareto front of (seconds, PSNR): those that no other beats in one and equals in the other."""
    return {
        name
        for name, (s, p) in points.items()
        if not any((t <= s and q > p) or (t < s and q >= p) for t, q in points.values())
    }


def label(axes: Any, points: dict[str, tuple[float, float]]) -> None:
    """Write names beside points so that none covers another: beside its point where there is room, else above."""
    unit = 72 / axes.figure.dpi
    at = {name: axes.transData.transform(point) * unit for name, point in points.items()}
    taken = [(x - 3, x + 3, y - 3, y + 3) for x, y in at.values()]  # points, in 1/72 inch, as all below
    places = [(5, 3), (5, -11), (None, 3), (None, -11), *((side, 13 + 10 * i) for i in range(8) for side in (5, None))]
    for name in sorted(points, key=lambda name: points[name]):
        width = 5.4 * len(name)
        for right, up in places:
            dx = -5 - width if right is None else right
            x, y = at[name] + (dx, up)
            box = (x, x + width, y, y + 8)
            if not any(a < box[1] and box[0] < b and c < box[3] and box[2] < d for a, b, c, d in taken):
                break
        taken.append(box)
        axes.annotate(name, points[name], xytext=(dx, up), textcoords="offset points")


def _draw(block: Block, sigma: float | None, path: Path) -> None:
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("a plot", "matplotlib is not installed", "Install nonloc[bench]") from None
    with mpl.rc_context({"svg.hashsalt": "nonloc", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        points = {}
        for method in block.methods:
            if rows := block.of(method, sigma):
                seconds = sum(row.cpu_s for row in rows) / sum(row.pixels for row in rows) * 1e6
                points[method] = max(seconds, 1e-4), mean(rows).psnr
        best = front(points)
        for method, at in points.items():
            axes.plot(*at, "o", color="black", markersize=4, fillstyle="full" if method in best else "none")
        line = sorted(points[method] for method in best)
        axes.plot(*zip(*line, strict=True), color="0.6", linewidth=0.8, zorder=0)
        axes.set_xscale("log")
        axes.margins(x=0.3, y=0.15)
        axes.set_xlabel("CPU seconds per megapixel")
        axes.set_ylabel("PSNR in dB")
        level = "blind" if sigma is None else f"sigma {sigma:g}"
        axes.set_title(f"{block.protocol.title}, {level}, {block.kind} {block.regime}", fontsize=9)
        label(axes, {shown(method): at for method, at in points.items()})
        axes.grid(True, which="major", linewidth=0.4, alpha=0.6)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
