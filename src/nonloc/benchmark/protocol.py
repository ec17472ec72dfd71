"""Benchmark protocols: which pictures, gray or colour, which levels, how scored; from protocols/*.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from ..datasets import DatasetPicture, load
from ..errors import UsageError


@dataclass(frozen=True)
class Protocol:
    """How one set is measured.

    set: its name in nonloc.datasets. task: 'denoise', or 'upscale', whose `sigmas` are factors. channels: 'gray'
    (colour files go through rgb2gray) or 'colour'. noise:
    'synthetic', added by a track, 'real', or 'none'. sigmas: the levels of the literature; none for real noise, whose
    level is estimated.
    """

    name: str
    title: str
    set: str
    channels: str
    noise: str
    sigmas: tuple[float, ...]
    metric: str
    part: str | None = None
    task: str = "denoise"

    @property
    def real(self) -> bool:
        return self.noise == "real"

    @property
    def colour(self) -> str:
        """What a picture of the set is read as: 'gray' or 'rgb'."""
        return "gray" if self.channels == "gray" else "rgb"

    def pictures(self, every: int = 1, root: Path | str | None = None) -> list[DatasetPicture]:
        """The set's pictures, or each `every`-th of them from the first on; DataMissing without them."""
        if every < 1:
            raise UsageError(f"every {every}", "it is no step", "Give 1 for all pictures, 4 for a quarter of them")
        return load(self.set, part=self.part, root=root)[::every]


@cache
def protocols() -> Mapping[str, Protocol]:
    """Every protocol by name, sorted."""
    found = {}
    for path in sorted((Path(__file__).parent / "protocols").glob("*.toml")):
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        found[path.stem] = Protocol(path.stem, **{**raw, "sigmas": tuple(map(float, raw["sigmas"]))})
    return found


def protocol(name: str) -> Protocol:
    """The protocol of that name; UsageError that names the nearest."""
    known = protocols()
    if name not in known:
        near = get_close_matches(name.lower(), known, 1)
        hint = f"; the nearest is {near[0]!r}" if near else ""
        raise UsageError(f"benchmark {name!r}", f"no protocol has that name{hint}", f"Known: {', '.join(known)}")
    return known[name]
