"""The tables of docs/noise.md, from results/experiments/poisson_gaussian.csv.

python benchmarks/poisson_gaussian_page.py
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import marked
import numpy as np
from poisson_gaussian import STRONGEST, Row, code, read

from nonloc.degradation import GaussianNoise, PoissonGaussian, parse_fixed
from nonloc.methods.stabilise import FEW

PAGE = Path(__file__).parents[1] / "docs" / "noise.md"
FEWEST = 5  # pictures that a line of the page rests on


def groups(rows: list[Row], *names: str) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    """Rows that agree in `names`, in the order of the file's first rows."""

    def key(row: Row) -> tuple[str, ...]:
        return tuple(getattr(row, name) for name in names)

    order = {found: at for at, found in reversed(list(enumerate(map(key, rows))))}
    for found, members in groupby(sorted(rows, key=lambda row: order[key(row)]), key):
        yield found, list(members)


def by_picture(rows: list[Row]) -> dict[str, float]:
    return {row.picture: float(row.psnr) for row in rows}


def gain(rows: list[Row]) -> str:
    """What it brings: PSNR of each way, and the change of the whole way against single sigmas."""
    lines = []
    for (name, method, text), members in groups([r for r in rows if r.psnr], "set", "method", "noise"):
        ways = {way: by_picture(found) for (way,), found in groups([r for r in members if r.way != "single"], "way")}
        if "estimated" not in ways:
            continue
        pictures = ways["estimated"]
        tried = [
            (told, by_picture(found)) for (told,), found in groups([r for r in members if r.way == "single"], "told")
        ]
        tried = [(told, psnr) for told, psnr in tried if pictures.keys() <= psnr.keys()]
        if not tried or any(not pictures.keys() <= found.keys() for found in ways.values()):
            continue  # not all measured yet
        sigma, best = max(tried, key=lambda one: mean(one[1], pictures))
        known = [one for one in tried if float(one[0]) <= STRONGEST]
        usual = [f"{mean(psnr, pictures):.2f} ({told})" for told, psnr in known]
        chosen = "map" if parse_fixed(text).gain > FEW and "map" in ways else "stabilised"
        change = [pictures[p] - best[p] for p in pictures]
        own = [pictures[p] - max(psnr[p] for _, psnr in tried) for p in pictures]
        lines.append([
            f"{peak(text)}, {method}, {len(pictures)} of {name}",
            max(usual, key=lambda told: float(told.split()[0]), default=""), f"{mean(best, pictures):.2f} ({sigma})",
            *(f"{mean(ways[way], pictures):.2f}" if way in ways else "" for way in ("stabilised", "map", chosen)),
            f"{mean(pictures, pictures):.2f}", f"{np.mean(change):+.2f}", f"{min(change):+.2f}", f"{np.mean(own):+.2f}",
        ])  # fmt: skip
    head = ["", f"best single sigma to {STRONGEST}", "best single sigma", "stabilised", "map", "noise known"]
    return marked.table([*head, "noise estimated", "gain", "least of a picture", "over each picture's best"], lines)


def mean(psnr: dict[str, float], pictures: Iterable[str]) -> float:
    return float(np.mean([psnr[picture] for picture in pictures]))


def estimates(rows: list[Row]) -> str:
    """How well gain and read noise are found, in rows of `estimate`, or of `denoise` where these are more."""
    lines = []
    chosen = [r for r in rows if r.way == "estimated" or (r.way == "estimate" and r.noise.startswith("poisson"))]
    for (name, text, form), both in groups(chosen, "set", "noise", "input"):
        members = max((found for _, found in groups(both, "way", "method")), key=len)
        if len(members) < FEWEST:
            continue
        true, found = parse_fixed(text), [parse_fixed(r.told) if ":" in r.told else None for r in members]
        seen = [n for n in found if isinstance(n, PoissonGaussian)]
        off = np.array([n.gain / true.gain - 1 for n in seen]) * 100
        inside = [r.inside for r in members if r.inside]
        share = [f"{np.mean([i[at] == '1' for i in inside]):.0%}" if inside else "" for at in (0, 1)]
        read_off = np.mean([abs(n.sigma - true.sigma) for n in seen]) if seen else np.nan
        figures = [f"{np.abs(off).mean():.1f} %", f"{off.mean():+.1f} %", f"{max(off, key=abs):+.1f} %",
                   f"{read_off:.2f}", *share] if seen else [""] * 6  # fmt: skip
        lines.append(
            [f"{peak(text)}, {form}", f"{len(members)} of {name}", f"{len(seen) / len(members):.0%}", *figures]
        )
    head = ["", "pictures", "seen to be such", "error of the gain", "bias", "worst", "error of the read noise"]
    return marked.table([*head, "gain in its interval", "read noise in its"], lines)


def white(rows: list[Row]) -> str:
    """How often white noise is taken for other noise."""
    lines = []
    chosen = [r for r in rows if r.way == "estimate" and r.noise.startswith("gaussian")]
    for (name, text, form), members in groups(chosen, "set", "noise", "input"):
        kinds = [parse_fixed(r.told) for r in members]
        shot = sum(isinstance(kind, PoissonGaussian) for kind in kinds)
        camera = sum(type(kind) is not GaussianNoise for kind in kinds) - shot
        sure = min(float(r.sure) for r in members)
        lines.append([f"{name}, sigma {text[9:]}, {form}", str(len(members)), str(shot), str(camera), f"{sure:.2f}"])
    return marked.table(["", "pictures", "called shot noise", "called camera noise", "least sure"], lines)


def peak(text: str) -> str:
    noise = parse_fixed(text)
    return f"peak {1 / noise.gain:.4g}, read noise {noise.sigma:g}"


def main() -> None:
    rows = [row for row in read() if row.code == code()]
    for name, made in (("gain", gain), ("estimates", estimates), ("white", white)):
        marked.write(PAGE, name, made(rows) if rows else "Not measured yet.")


if __name__ == "__main__":
    main()
