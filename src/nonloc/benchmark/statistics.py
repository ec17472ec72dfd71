"""Means of measured rows, and the paired difference of two methods with its 95 % interval.

The score of a set is the plain mean of its pictures' scores. A difference is taken picture by picture on the
same noise, which is much more exact than either mean; its interval is Student's t over the pictures. Several
draws of one picture are averaged first: they are no independent pictures.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from .results import Row


@dataclass(frozen=True)
class Mean:
    """Over the pictures of one set. psnr, ssim: means. error: standard error of the PSNR over draws, None for
    one draw.

    infinite: pictures that were restored exactly and are left out of the PSNR.
    """

    pictures: int
    draws: int
    psnr: float
    error: float | None
    ssim: float
    psnr_input: float
    cpu_s: float
    wall_s: float
    infinite: int


@dataclass(frozen=True)
class Difference:
    """`mean` plus or minus `half` dB at 95 %, over `pictures`; lowest: the worst picture's, and its name."""

    pictures: int
    mean: float
    half: float
    lowest: float
    lowest_picture: str

    @property
    def certain(self) -> bool:
        """Whether the interval leaves out zero."""
        return abs(self.mean) > self.half

    def __str__(self) -> str:
        half = f"{self.half:.3f}" if math.isfinite(self.half) else "?"
        return f"{self.mean:+.3f} ± {half}"


def mean(rows: Iterable[Row]) -> Mean:
    """The mean of one method's rows at one level on one set; UsageError for none."""
    rows = list(rows)
    if not rows:
        raise UsageError("a mean", "there is not one row", "Run the benchmark first")
    finite = [row for row in rows if math.isfinite(row.psnr)]
    draws: dict[str, list[float]] = defaultdict(list)
    for row in finite:
        draws[row.track].append(row.psnr)
    sets = [float(np.mean(scores)) for scores in draws.values()]
    several = len(sets) > 1
    return Mean(
        pictures=len({row.picture for row in rows}),
        draws=len({row.track for row in rows}),
        psnr=float(np.mean(sets)) if sets else math.inf,
        error=float(np.std(sets, ddof=1) / math.sqrt(len(sets))) if several else None,
        ssim=float(np.mean([row.ssim for row in rows])),
        psnr_input=float(np.mean([row.psnr_input for row in rows])),
        cpu_s=float(np.mean([row.cpu_s for row in rows])),
        wall_s=float(np.mean([row.wall_s for row in rows])),
        infinite=len(rows) - len(finite),
    )


def paired(first: Iterable[Row], second: Iterable[Row]) -> Difference:
    """PSNR of the first method minus that of the second, on the pictures and draws that both have.

    UsageError when they have none in common.
    """
    return _difference(_scores(first, "psnr"), _scores(second, "psnr"))


def gain(rows: Iterable[Row]) -> Difference:
    """PSNR of the output minus that of the noisy input as 8 bits."""
    rows = list(rows)
    return _difference(_scores(rows, "psnr"), _scores(rows, "psnr_input"))


def _scores(rows: Iterable[Row], column: str) -> dict[tuple[str, str], float]:
    return {(row.picture, row.track): getattr(row, column) for row in rows}


def _difference(first: Mapping[tuple[str, str], float], second: Mapping[tuple[str, str], float]) -> Difference:
    by_picture: dict[str, list[float]] = defaultdict(list)
    for key in first:
        if key in second and math.isfinite(first[key]) and math.isfinite(second[key]):
            by_picture[key[0]].append(first[key] - second[key])
    if not by_picture:
        raise UsageError("a paired difference", "the two have no picture in common", "Measure both on the same set")
    d = {picture: float(np.mean(values)) for picture, values in by_picture.items()}
    lowest = min(d, key=lambda picture: d[picture])
    values = np.array(list(d.values()))
    return Difference(len(d), float(values.mean()), _half(values), d[lowest], lowest)


def _half(values: np.ndarray) -> float:
    """Half the 95 % interval of a mean: t times its standard error; infinite for one value."""
    if len(values) < 2:
        return math.inf
    from scipy.stats import t

    return float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
