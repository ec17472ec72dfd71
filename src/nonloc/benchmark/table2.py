"""The article's Table 2 with two columns more: what the sources print, and what we measured."""

from __future__ import annotations

from collections.abc import Mapping

from .published import row_name, table2_rows
from .results import Results, Row
from .statistics import mean
from .table import Table

SIGMAS = (15.0, 25.0, 50.0)
WHOLE = 68


def table2(results: Results) -> Table:
    """All 24 rows: PSNR on BSD68 at 15 / 25 / 50 as printed in the article, in the sources, and measured
    here.

    Measured means: all 68 pictures, track matlab4, regime float. A method that was not measured so has a
    dash.
    """
    ours: dict[str, list[Row]] = {}
    for row in results.only(set="bsd68", track="matlab4", regime="float"):
        if ":" not in row.method:
            ours.setdefault(row_name(row.method), []).append(row)
    body, notes = [], []
    for entry in table2_rows():
        rows = ours.get(entry.name, [])
        measured = {}
        for sigma in SIGMAS:
            whole = [row for row in rows if row.sigma == sigma]
            if len({row.picture for row in whole}) == WHOLE:
                measured[sigma] = mean([row for row in whole if row.method == whole[0].method]).psnr
        mark = "†" if entry.caveat else ""
        body.append((entry.name + mark, _three(entry.article), _three(entry.source), _three(measured)))
        if entry.caveat:
            notes.append(f"† {entry.name}: {entry.caveat}; {entry.remark}")
    versions = ", ".join(sorted({row.version for rows in ours.values() for row in rows})) or "none yet"
    return Table(
        "PSNR in dB on BSD68, gray, sigma 15 / 25 / 50. Article: as printed in its Table 2. Source: as "
        "others print it. "
        f"Measured: here, all 68 pictures, track matlab4, regime float, 8-bit output; nonloc {versions}",
        ("method", "article", "source", "measured"),
        tuple(body),
        tuple(notes),
    )


def _three(psnr: Mapping[float, float]) -> str:
    return " / ".join(f"{psnr[sigma]:.2f}" if sigma in psnr else "-" for sigma in SIGMAS) if psnr else "-"
