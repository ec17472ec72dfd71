"""The tables and plots of docs/table1.md, from the rows of results/table1.csv."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import marked
from equal_time import spread
from noise_kinds import KINDS
from table1_verdicts import CELLS, LEAST, TEXT, Claim, Figures, Seeds, larger_spread, verdict

Rows = list[dict[str, str]]
NETWORKS = ("mlp", "cnn", "cnn-nl", "rnn", "rnn-nl")
CLIPS = ("recurrent", "five-frame")


def write(rows: Rows, page: Path) -> None:
    """All that stands between marks of the page, and the plots beside it."""
    figures = Figures(rows)
    content = {
        "cells": claims(CELLS, figures),
        "claims": claims(TEXT, figures),
        "cost": table(figures, COSTS),
        "memory": by_place(figures, "step", "after step {}"),
        "context": table(figures, [("gradient", "radius", "pixels that hold 90 % of the gradient")])
        + "\n\n"
        + by_place(figures, "copy", "copy {} pixels away, dB gained"),
        "attention": by_place(figures, "entropy", "step {}: entropy", ("cnn-nl", "rnn-nl"))
        + "\n\n"
        + by_place(figures, "distance", "step {}: mean distance in pixels", ("cnn-nl", "rnn-nl")),
        "noise": table(figures, [("noise", kind, kind) for kind in KINDS]),
        "size": by_place(figures, "size", "{}"),
        "sequences": by_place(figures, "memory", "memory {}", CLIPS)
        + "\n\n"
        + table(figures, [*COSTS[:2], COSTS[-1]], CLIPS),
        "default": pays(figures),
    }  # fmt: skip
    for name, text in content.items():
        marked.write(page, name, text if rows else "Not measured yet.")
    if rows:
        plots(figures, page.parent)


COSTS = [
    ("cost", "parameters", "parameters stored"),
    ("cost", "kflop", "kFLOP a pixel"),
    ("cost", "uses", "uses of a weight a pixel"),
    ("cost", "seconds", "CPU seconds a megapixel"),
    ("train", "steps", "steps of training"),
]


def shown(seeds: Seeds, signed: bool = False) -> str:
    """Mean ± standard deviation over the seeds; a single value where there is no spread."""
    mean, about = statistics.mean(seeds), spread(seeds)
    digits = 0 if abs(mean) >= 1000 else 1 if abs(mean) >= 100 else 3
    text = f"{mean:{'+' if signed else ''},.{digits}f}"
    return f"{text} ± {about:,.{digits}f}" if about else text


def difference(more: Seeds, less: Seeds) -> str:
    return f"{statistics.mean(more) - statistics.mean(less):+,.3f} ± {larger_spread(more, less):,.3f}"


def claims(listed: Sequence[Claim], figures: Figures) -> str:
    lines = []
    for claim in listed:
        found = claim.figures(figures)
        cells = ["", "", ""]
        if found:
            more, less = found
            cells = [shown(more), shown(less), f"{difference(more, less)} {claim.unit}".strip()]
        lines.append([claim.where, claim.says, claim.shown_by, *cells, claim.judged(figures)])
    head = ["of what", "the article", "shown by", "the one", "the other", "difference", "verdict"]
    return marked.table(head, lines)


def table(figures: Figures, lines: list[tuple[str, str, str]], networks: Sequence[str] = NETWORKS) -> str:
    """A line for each (probe, place, name), a column for each network."""
    rows = []
    for probe, at, name in lines:
        cells = [figures.rows.get((network, probe), {}).get(at) for network in networks]
        rows.append([name, *(shown(seeds) if seeds else "" for seeds in cells)])
    return marked.table(["", *networks], rows)


def by_place(figures: Figures, probe: str, name: str, networks: Sequence[str] = NETWORKS) -> str:
    """A line for each place that any network has."""
    longest = max((figures.places(n, probe) for n in networks), key=len)
    return table(figures, [(probe, at, name.format(at)) for at in longest], networks)


def pays(figures: Figures) -> str:
    """Whether each part is worth its time in a network of one size: what the default network takes or leaves."""
    answers = {"confirmed": "pays", "refuted": "costs quality", "undecided": "no difference shown"}
    rows = []
    for part, guest in (("a non-local part", "cnn-nl"), ("recurrence", "rnn"), ("both", "rnn-nl")):
        found = [figures.rows.get((network, "noise"), {}).get("white") for network in (guest, "cnn")]
        more, less = found
        gain, judged = ("", "not measured")
        if more and less:
            gain, judged = difference(more, less), answers[verdict(more, less, LEAST)]
        rows.append([f"{part}: {guest} over cnn", gain, judged])
    return marked.table(["at equal time and cost", "dB, white noise", "verdict"], rows)


# probe, what is across, what is up, whether places double, networks
PLOTS = {
    "curves": ("curve", "fraction of the core minutes", "PSNR in dB, sigma 25", False, NETWORKS),
    "context": ("gradient", "distance in pixels", "share of the gradient within", True, NETWORKS),
    "copy": ("copy", "distance of the copy in pixels", "gain in dB", True, NETWORKS),
    "size": ("size", "side of the picture in pixels", "PSNR in dB, the same pixels", False, NETWORKS),
    "memory": ("memory", "frames of memory", "PSNR in dB, last frame", True, CLIPS),
}


def plots(figures: Figures, folder: Path) -> None:
    """The plots as SVG, the same bytes for the same rows; left out where matplotlib is not installed."""
    try:
        import matplotlib as mpl
    except ImportError:
        print("no plots: matplotlib is not installed (nonloc[bench])")
        return
    with mpl.rc_context({"svg.hashsalt": "nonloc", "svg.fonttype": "none", "font.size": 9}):
        for name, given in PLOTS.items():
            _draw(figures, folder / f"table1_{name}.svg", *given)


def _draw(
    figures: Figures, path: Path, probe: str, across: str, up: str, doubling: bool, networks: Sequence[str]
) -> None:
    """One line a network over the places of a probe, with the spread of the seeds."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    for i, network in enumerate(networks):
        found = {at: seeds for at, seeds in figures.rows.get((network, probe), {}).items() if at != "radius"}
        if not found:
            continue
        numbers = all(at.replace(".", "").isdigit() for at in found)
        x = [float(at) for at in found] if numbers else list(found)
        means, about = [statistics.mean(s) for s in found.values()], [spread(s) for s in found.values()]
        axes.errorbar(x, means, about, marker="o", markersize=3, capsize=2, color=f"C{i}", label=network)
        if doubling:
            axes.set_xscale("log", base=2)
            axes.set_xticks(x, list(found))
    axes.set(xlabel=across, ylabel=up)
    axes.grid(linewidth=0.4, alpha=0.6)
    if axes.lines:
        axes.legend(fontsize=8)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
