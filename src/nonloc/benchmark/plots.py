"""PSNR against time, one point a method: what a tenth of a decibel costs. Needs the extra `bench`."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
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
        for method in block.methods:
            if rows := block.of(method, sigma):
                seconds = sum(row.cpu_s for row in rows) / sum(row.pixels for row in rows) * 1e6
                psnr = mean(rows).psnr
                axes.plot(max(seconds, 1e-4), psnr, "o", color="black", markersize=4)
                axes.annotate(method, (max(seconds, 1e-4), psnr), xytext=(5, 3), textcoords="offset points")
        axes.set_xscale("log")
        axes.margins(x=0.25, y=0.12)
        axes.set_xlabel("CPU seconds per megapixel")
        axes.set_ylabel("PSNR in dB")
        level = "blind" if sigma is None else f"sigma {sigma:g}"
        axes.set_title(f"{block.protocol.title}, {level}, {block.kind} {block.regime}", fontsize=9)
        axes.grid(True, which="major", linewidth=0.4, alpha=0.6)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
