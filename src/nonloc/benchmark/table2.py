"""The article's Table 2, whole: as printed, as the sources have it, as measured, and how each row was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..methods.card import Card, read_card
from ..methods.parameters import parameters
from ..methods.registry import card, methods
from .published import RECREATED, Table2Row, row_name, table2_rows
from .results import Results, Row
from .statistics import mean
from .table import Table

SIGMAS = (15.0, 25.0, 50.0)
WHOLE = 68
CLOSE = 0.05  # dB below the published figure, up to which it counts as reproduced
BEST = "¹²³"
CAVEAT = "†"  # the printed figure cannot simply be compared
KINDS = (
    "reproduced", "faithful, trained shorter", "faithful, below", "faithful, not measured", "faithful, no weights yet",
    "re-created", "not built",
)  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """Where we are with one row.

    measured: PSNR by sigma, each the mean of all 68 pictures. milliseconds: CPU time of a picture, the mean. imported:
    whether that was with the authors' weights. parameters: of the network; None where there is none.
    """

    row: Table2Row
    card: Card | None = None
    measured: Mapping[float, float] = field(default_factory=dict)
    milliseconds: float | None = None
    imported: bool = False
    parameters: int | None = None

    @property
    def recreated(self) -> bool:
        return self.card is not None and self.card.fidelity == "re-creation"

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        if self.card is None:
            return "not built"
        if self.recreated:
            return "re-created"
        if self.card.trained and not self.card.weights and not self.imported:
            return "faithful, no weights yet"
        if not self.measured:
            return "faithful, not measured"
        common = [sigma for sigma in self.measured if sigma in self.row.best]
        close = all(self.measured[sigma] > self.row.best[sigma] - CLOSE for sigma in common)
        if common and close:
            return "reproduced"
        return "faithful, trained shorter" if self.card.trained else "faithful, below"

    @property
    def made(self) -> str:
        """How the row was made, in words."""
        if self.recreated and self.card is not None and not self.card.runnable and not self.measured:
            return "re-created, no weights yet"
        return self.kind + ", authors' weights" * self.imported

    @property
    def name(self) -> str:
        """As tables show it."""
        return self.row.name + CAVEAT * bool(self.row.caveat) + RECREATED * self.recreated


def standings(results: Results) -> list[Standing]:
    """All 24 rows, in the article's order. Measured: all 68 pictures, track matlab4, regime float, the plain method."""
    ours: dict[str, list[Row]] = {}
    for row in results.only(set="bsd68", track="matlab4", regime="float"):
        if ":" not in row.method:
            ours.setdefault(row_name(row.method), []).append(row)
    return [_standing(entry, ours.get(entry.name, [])) for entry in table2_rows()]


def _standing(entry: Table2Row, rows: Sequence[Row]) -> Standing:
    name = next((n for n in methods() if card(n).table2 == entry.name), None)
    if name is None:
        return Standing(entry)
    known = read_card(card(name).path)  # without what the user imported
    measured, used = {}, []
    for sigma in SIGMAS:
        whole = [row for row in rows if row.sigma == sigma and row.method == name]
        if len({row.picture for row in whole}) == WHOLE:
            measured[sigma] = mean(whole).psnr
            used += whole
    shipped = {weights.sha256 for weights in known.weights}
    return Standing(
        entry,
        known,
        measured,
        1000 * mean(used).cpu_s if used else None,
        any(row.weights and row.weights not in shipped for row in used),
        parameters(known),
    )


def table2(results: Results) -> Table:
    """The table. The three best of each column are marked where the noise is the same for all."""
    found = standings(results)
    printed = [not one.row.caveat for one in found]
    columns = [
        ([one.row.article for one in found], printed),
        ([one.row.source for one in found], printed),
        ([one.measured for one in found], [True] * len(found)),
    ]
    body = []
    for i, one in enumerate(found):
        cells = [_three(column, i, fair) for column, fair in columns]
        count = "-" if one.parameters is None else f"{one.parameters:,}"
        time = "-" if one.milliseconds is None else f"{one.milliseconds:,.0f}"
        body.append((one.name, *cells, one.made, count, time))
    counts = Counter(one.kind for one in found)
    notes = [
        "; ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind]),
        f"{BEST} the three best of a column at that level, rows with {CAVEAT} left out of the printed ones",
        f"{RECREATED} re-created: the paper's own layers are not known to us",
        *(f"{CAVEAT} {one.row.name}: {one.row.caveat}; {one.row.remark}" for one in found if one.row.caveat),
    ]
    versions = ", ".join(sorted({row.version for row in results.only(set="bsd68")})) or "none yet"
    return Table(
        "PSNR in dB on BSD68, gray, sigma 15 / 25 / 50. Article: as printed in its Table 2. Source: as others print "
        "it. Measured: here, all 68 pictures, track matlab4, regime float, 8-bit output; ms: of CPU time, for one of "
        f"481 x 321; nonloc {versions}",
        ("method", "article", "source", "measured", "how made", "parameters", "ms"),
        tuple(body),
        tuple(notes),
    )


def _three(column: Sequence[Mapping[float, float]], i: int, fair: Sequence[bool]) -> str:
    """The figures of row `i`, each with its mark when it is among the three best of the fair ones."""
    if not column[i]:
        return "-"
    cells = []
    for sigma in SIGMAS:
        values = [round(c[sigma], 2) if sigma in c else None for c in column]
        best = sorted({v for v, ok in zip(values, fair, strict=True) if ok and v is not None}, reverse=True)[:3]
        value = values[i]
        mark = BEST[best.index(value)] if fair[i] and value in best else ""
        cells.append("-" if value is None else f"{value:.2f}{mark}")
    return " / ".join(cells)


def as_data(results: Results) -> list[dict]:
    """The table as plain data, for programs: levels are text, as JSON has them."""
    return [
        {
            "row": one.row.name,
            "method": one.card.name if one.card else None,
            "fidelity": one.card.fidelity if one.card else None,
            "kind": one.kind,
            "made": one.made,
            "article": {f"{sigma:g}": psnr for sigma, psnr in one.row.article.items()},
            "source": {f"{sigma:g}": psnr for sigma, psnr in one.row.source.items()},
            "measured": {f"{sigma:g}": psnr for sigma, psnr in one.measured.items()},
            "caveat": one.row.caveat,
            "parameters": one.parameters,
            "milliseconds": one.milliseconds,
        }
        for one in standings(results)
    ]
