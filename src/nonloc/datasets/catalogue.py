"""The sets that nonloc knows, read from sets.toml."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import DataMissing, UsageError

# As the tables of attributions write them. A bare 'CC0' is not among them: two of the three photographs so
# marked are Unsplash ones from after Unsplash left CC0.
OPEN_LICENCES = frozenset({
    "CC0-1.0",
    "CC0-1.0 (Unsplash before 2017-06-08)",
    "CC0-1.0 (StockSnap)",
    "public domain (CC0), as the source states",
    "public domain (NASA)",
    "CC-BY-4.0",
    "CC-BY-3.0",
    "CC-BY-2.0",
})  # fmt: skip


@dataclass(frozen=True)
class Dataset:
    """One named set; the fields are explained at the head of sets.toml."""

    name: str
    title: str
    count: int
    colour: str
    use: str
    licence: str
    terms: str
    source: str
    folder: str | None = None
    fingerprint: str | None = None
    attribution: str | None = None
    not_open: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    clean_suffix: str = ""
    noisy_suffix: str = ""
    tuning_every: int | None = None

    @property
    def pairs(self) -> bool:
        """Whether each picture comes with a really noisy one."""
        return bool(self.noisy_suffix)


@cache
def catalogue() -> Mapping[str, Dataset]:
    """Every set by name, in the order of sets.toml."""
    raw = tomllib.loads((Path(__file__).parent / "sets.toml").read_text(encoding="utf-8"))
    return {name: _dataset(name, entry) for name, entry in raw.items()}


def _dataset(name: str, entry: dict[str, Any]) -> Dataset:
    for key in ("not_open", "parts"):
        entry[key] = tuple(entry.get(key, ()))
    return Dataset(name, **entry)


def names(use: str | None = None) -> list[str]:
    """Names of all sets, or of those for one use: 'test', 'train', 'validate'."""
    return [name for name, found in catalogue().items() if use in (None, found.use)]


def dataset(name: str) -> Dataset:
    """The set of that name; UsageError that names the nearest."""
    known = catalogue()
    if name not in known:
        near = get_close_matches(name.lower(), known, 1)
        hint = f"; the nearest is {near[0]!r}" if near else ""
        raise UsageError(f"set {name!r}", f"no set has that name{hint}", f"Known: {', '.join(known)}")
    return known[name]


def data_root(root: Path | str | None = None) -> Path:
    """`root`, or the folder that NONLOC_DATA names; DataMissing when there is none."""
    found = root or os.environ.get("NONLOC_DATA")
    if not found:
        raise DataMissing("the sets of pictures", "NONLOC_DATA is not set", "Set it to the folder that holds them")
    if not Path(found).is_dir():
        raise DataMissing("the sets of pictures", f"{found} is no folder", "Set NONLOC_DATA to the one that holds them")
    return Path(found)
