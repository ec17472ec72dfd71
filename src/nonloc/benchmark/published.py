"""Published figures beside ours, read from published.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import UnknownMethod
from ..methods.registry import card

RECREATED = "‡"  # behind the name of a method that has not the paper's own layers


@dataclass(frozen=True)
class Table2Row:
    """One row of the article's Table 2; the fields are explained at the head of published.toml."""

    name: str
    article: Mapping[float, float]
    evidence: str
    source: Mapping[float, float] = field(default_factory=dict)
    origin: str = ""
    caveat: str = ""
    remark: str = ""

    @property
    def best(self) -> Mapping[float, float]:
        """The figures to compare with: the source's where one is known."""
        return self.source or self.article


@cache
def table2_rows() -> tuple[Table2Row, ...]:
    """The 24 rows, in the article's order."""
    rows = []
    for entry in _raw()["row"]:
        entry = dict(entry)
        entry["origin"] = entry.pop("from", "")
        for name in ("article", "source"):
            if name in entry:
                entry[name] = _by_sigma(entry[name])
        rows.append(Table2Row(**entry))
    return tuple(rows)


def published(method: str, set: str) -> Mapping[float, float]:
    """PSNR by sigma that others published for a method, under our name for it, on a set; empty for none."""
    name = row_name(method)
    if set == "bsd68":
        for row in table2_rows():
            if row.name == name:
                return row.best
    for entry in _raw()["figure"]:
        if entry["set"] == set and name.lower() == entry["method"].lower():
            return _by_sigma(entry["psnr"])
    return {}


def caveat(method: str) -> str:
    """Why the published figure of a method cannot simply be compared; empty when it can."""
    return next((row.caveat for row in table2_rows() if row.name == row_name(method)), "")


def row_name(method: str) -> str:
    """The name in Table 2 of a method of ours, by its card; else its own name, in the table's spelling."""
    plain = method.partition(":")[0]
    try:
        known = card(plain).table2
    except UnknownMethod:
        known = None
    return known or next((row.name for row in table2_rows() if row.name.lower() == plain.lower()), plain)


def shown(method: str) -> str:
    """The name of a method, or of a method with settings, as tables and plots show it: a re-creation is marked."""
    return method + RECREATED * (fidelity(method) == "re-creation")


def fidelity(method: str) -> str | None:
    """How faithful a method, or a method with settings, is to its paper, by its card; None for an unknown one."""
    try:
        return card(method.partition(":")[0]).fidelity
    except UnknownMethod:
        return None


@cache
def _raw() -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / "published.toml").read_text(encoding="utf-8"))


def _by_sigma(raw: Mapping[str, float]) -> dict[float, float]:
    return {float(sigma): psnr for sigma, psnr in raw.items()}
