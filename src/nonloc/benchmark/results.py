"""Rows of measured figures, and the CSV files that keep them: one file a set, one row a picture.

A row is appended as soon as it is measured, so a run that was killed goes on where it stopped. Nothing is
ever taken out of a file: when a method or its weights change, its new rows follow the old ones, and `current`
keeps the last.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .protocol import protocols

FORMATS = {
    "sigma": "g", "told": ".4g", "psnr": ".6f", "psnr_float": ".6f", "psnr_input": ".6f", "ssim": ".8f",
    "cpu_s": ".4f", "wall_s": ".4f",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One method on one picture.

    version: of nonloc. code: fingerprint of the method's source. weights: SHA-256 of its weights, empty for
    none. set: the protocol. sigma: of the noise, None for real noise; on the track 'downscale' the factor. told: the
    level the method was told.
    pixels: height times width. psnr, ssim: of the 8-bit output. psnr_float: of the output before clipping and
    rounding. psnr_input: of the noisy picture as 8 bits. cpu_s, wall_s: of the restoration alone, without
    reading, noise making and scoring.
    """

    version: str
    code: str
    method: str
    weights: str
    track: str
    regime: str
    set: str
    sigma: float | None
    told: float | None
    picture: str
    pixels: int
    psnr: float
    psnr_float: float
    ssim: float
    psnr_input: float
    cpu_s: float
    wall_s: float
    threads: int
    device: str

    @property
    def group(self) -> tuple[Any, ...]:
        """What a mean is taken over: all rows that agree in this."""
        return (self.set, self.method, self.track, self.regime, self.sigma)

    @property
    def key(self) -> tuple[Any, ...]:
        return (*self.group, self.picture)

    @property
    def identity(self) -> tuple[str, str]:
        """What has to stay the same for the row to hold."""
        return (self.code, self.weights)

    def cells(self) -> list[str]:
        """As text, rounded, in the order of the columns."""
        return [_text(getattr(self, name), FORMATS.get(name, "")) for name in COLUMNS]

    def rounded(self) -> Row:
        """The row that reading this one back gives."""
        return Row.from_cells(self.cells())

    @classmethod
    def from_cells(cls, cells: list[str]) -> Row:
        """ValueError when they are no row."""
        if len(cells) != len(COLUMNS):
            raise ValueError(f"{len(cells)} cells")
        return cls(**{f.name: _READERS[str(f.type)](cell) for f, cell in zip(fields(cls), cells, strict=True)})


COLUMNS = [f.name for f in fields(Row)]
_READERS: dict[str, Any] = {
    "str": str, "int": int, "float": float, "float | None": lambda text: float(text) if text else None,
}  # fmt: skip


@dataclass
class Results:
    """What a benchmark found. rows: in the order of the request. refused: what could not be run, and why.
    reused: rows that stood in the files already.
    """

    rows: list[Row] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    reused: int = 0

    @classmethod
    def read(cls, folder: Path | str = "results", sets: Iterable[str] | None = None) -> Results:
        """All current rows of a folder, or those of some sets; other tables that lie there are left alone."""
        files = [Path(folder) / f"{s}.csv" for s in sorted(protocols() if sets is None else sets)]
        return cls([row for file in files for row in current(read_rows(file))])

    def only(self, **wanted: Any) -> list[Row]:
        """The rows whose columns have these values: `only(set="bsd68", sigma=25)`."""
        return [row for row in self.rows if all(getattr(row, name) == value for name, value in wanted.items())]


def read_rows(path: Path) -> list[Row]:
    """Every row of a file, oldest first; none without a file. A last line that was cut off is left out."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    lines = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1])))
    if lines and lines[0] != COLUMNS:
        raise UsageError(
            f"results in {path.name}",
            "its columns are those of another version",
            "Move it away, or give another folder",
        )
    try:
        return [Row.from_cells(cells) for cells in lines[1:] if cells]
    except ValueError as error:
        raise UsageError(f"results in {path.name}", f"a line is no row ({error})", "Mend or remove the line") from error


def append_row(path: Path, row: Row) -> None:
    """Add one row, in one write, so that two runs into one file do not mix their lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_line(COLUMNS))
    except FileExistsError:
        _drop_half_line(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, _line(row.cells()).encode("utf-8"))
    finally:
        os.close(descriptor)


def current(rows: Iterable[Row]) -> list[Row]:
    """For each picture the last row, and of each group only those of its last code and weights."""
    last: dict[tuple[Any, ...], Row] = {}
    identity: dict[tuple[Any, ...], tuple[str, str]] = {}
    for row in rows:
        last.pop(row.key, None)
        last[row.key] = row
        identity[row.group] = row.identity
    return [row for row in last.values() if row.identity == identity[row.group]]


def _drop_half_line(path: Path) -> None:
    """What a run left that was killed while it wrote."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with path.open("rb+") as file:
            file.truncate(whole)


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def _text(value: Any, form: str) -> str:
    return "" if value is None else format(value, form)
