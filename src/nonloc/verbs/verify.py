"""Find out how a picture was made, and whether the same comes out once more."""

from __future__ import annotations

import filecmp
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.progress import Cancel, Listener
from ..errors import UsageError
from ..image import provenance
from ..image.holes import reopened
from ..image.image import Image
from ..image.read import read_pages
from ..version import __version__
from .files import process
from .options import Options
from .task import Task

CLOSE = 1.0  # stored steps of whole numbers, or 8-bit levels of floats: what another machine's rounding may do


@dataclass(frozen=True)
class Verification:
    """What a file tells of how it was made, and what became of doing it again.

    steps: as the file tells them, oldest first; the last one is what is verified. intact: whether the samples are
    still those that were written; None where the file does not tell. origin: whether the input is the one that it was
    made from; None where no input was given. same_bytes, same_samples: of the output made anew; None where
    that was not done. largest: difference of a sample, as stored. notes: what else there is to know.
    """

    path: Path
    steps: tuple[Mapping[str, Any], ...]
    intact: bool | None = None
    origin: bool | None = None
    same_bytes: bool | None = None
    same_samples: bool | None = None
    largest: float | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def holds(self) -> bool:
        """Whether all that could be checked is true."""
        checked = (self.intact, self.origin, self.same_samples)
        return bool(self.steps) and False not in checked

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "path": str(self.path), "holds": self.holds}

    def __str__(self) -> str:
        """In words, one fact a line."""
        if not self.steps:
            return f"{self.path} does not tell how it was made"
        lines = [f"{self.path} tells: {_in_words(step)}" for step in self.steps]
        if self.intact is not None:
            lines.append("its samples are those that were written" if self.intact else "ITS SAMPLES WERE CHANGED SINCE")
        if self.origin is not None:
            lines.append("the input is the one it was made from" if self.origin else "IT WAS MADE FROM ANOTHER INPUT")
        if self.same_bytes:
            lines.append("made anew, the file is the same, byte for byte")
        elif self.same_samples:
            lines.append("made anew, all samples are the same; the rest of the file differs")
        elif self.same_samples is not None:
            lines.append(f"MADE ANEW, SAMPLES DIFFER, by up to {self.largest:g}")
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def verify(
    output: str | os.PathLike,
    input: str | os.PathLike | None = None,
    *,
    progress: Listener | None = None,
    cancel: Cancel | None = None,
) -> Verification:
    """Read how a file was made, and, where the input is given, make it anew and compare.

    Without `input` it is only told whether the samples are still those that were written, where the format and the
    file let one know. Files that were used (a mask, a kernel) are looked for by name and checksum beside the input,
    beside the output and in the current folder.

    Raises
    ------
    ImageError, UsageError (a file that was used is missing), WeightsError, MemoryLimit, Cancelled
    """
    path = Path(output)
    first = next(read_pages(path))
    steps = provenance.steps(first)
    if not steps:
        return Verification(path, ())
    last = steps[-1]
    intact = provenance.fingerprint(first) == last["samples"] if "samples" in last else None
    if input is None:
        return Verification(path, steps, intact, notes=("give the input, and it is made anew and compared",))
    source, notes = Path(input), []
    if last["nonloc"] != __version__:
        notes.append(f"it was made by version {last['nonloc']}, this is {__version__}")
    kind, _, told = str(last.get("input", "")).partition(":")
    origin = told == (provenance.checksum(source) if kind == "sha256" else _of_samples(source))
    if not origin:
        return Verification(path, steps, intact, origin, notes=tuple(notes))
    task = _task(last, [source.parent, path.parent, Path()])
    with tempfile.TemporaryDirectory(prefix="nonloc-") as folder:
        anew = Path(folder) / path.name
        outcome = process(source, anew, task.planner, quality=task.quality, progress=progress, cancel=cancel, task=task)
        if outcome.record.weights_sha256 != last.get("weights"):
            notes.append("the weights are others than those that it was made with")
        if filecmp.cmp(anew, path, shallow=False):
            return Verification(path, steps, intact, origin, True, True, 0.0, tuple(notes))
        largest, close = _difference(read_pages(anew), read_pages(path))
    if largest > 0 and close:
        notes.append("that is no more than rounding on another machine may do")
    return Verification(path, steps, intact, origin, False, largest == 0, largest, tuple(notes))


def _task(step: Mapping[str, Any], folders: Iterable[Path]) -> Task:
    """The task that a step tells of."""
    settings = {name: _found(name, value, folders) for name, value in step["settings"].items()}
    return Task(step["verb"], settings=settings, options=Options(**step["options"]), quality=step.get("quality"))


def _found(name: str, value: Any, folders: Iterable[Path]) -> Any:
    """A setting as it was given; a file by its name and checksum."""
    if not isinstance(value, Mapping):
        return value
    if "array" in value:
        found = f"its {name} was an array in memory, of which only the checksum is known"
        raise UsageError("making it anew", found, "Do it in Python with that array, and compare")
    if "file" not in value:
        return value
    for folder in folders:
        path = folder / value["file"]
        if path.is_file() and provenance.checksum(path) == value["sha256"]:
            return str(path)
    found = f"the {name} {value['file']} that was used is not there, or is another one"
    raise UsageError("making it anew", found, "Put it beside the input")


def _of_samples(source: Path) -> str:
    return provenance.fingerprint(next(read_pages(source)))


def _difference(made: Iterable[Image], kept: Iterable[Image]) -> tuple[float, bool]:
    """The largest difference of stored samples, and whether it is within rounding everywhere."""
    largest, close = 0.0, True
    for one, other in zip(made, kept, strict=True):
        a, b = (np.asarray(reopened(image).samples) for image in (one, other))
        if a.shape != b.shape or a.dtype != b.dtype:
            return float("inf"), False
        apart = np.abs(a.astype(np.float64) - b.astype(np.float64))
        apart[~np.isfinite(a.astype(np.float64)) & ~np.isfinite(b.astype(np.float64))] = 0
        step = 1.0 if a.dtype.kind in "ui" else abs(1 / one.scale) / 255
        most = float(np.nan_to_num(apart, nan=np.inf).max())
        largest, close = max(largest, most), close and most <= CLOSE * step
    return largest, close


def _in_words(step: Mapping[str, Any]) -> str:
    pairs = [*step["settings"].items(), *step["options"].items()]
    given = ", ".join(f"{name} {_short(value)}" for name, value in pairs)
    how = f" with {step['method']}" if "method" in step else ""
    against = f" against {step['degradation']}" if "degradation" in step else ""
    weights = f", weights {step['weights'][:12]}" if "weights" in step else ""
    asked = f" ({given})" if given else ""
    return f"nonloc {step['nonloc']} {step['verb']}{asked}{how}{against}{weights}, from {str(step.get('input'))[:19]}"


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value["file"]) if "file" in value else ", ".join(f"{name}={value[name]}" for name in value)
    return str(value)
