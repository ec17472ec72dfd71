"""One file in, one file out: names, the clean file that is left alone, the report beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..engine import Plan, Record, prepare, run
from ..engine.progress import Cancel, Listener
from ..errors import UsageError
from ..image.atomic import atomic
from ..image.image import Image
from ..image.read import read
from ..image.write import write

Planner = Callable[[Image], tuple[Plan | None, Record]]


@dataclass(frozen=True)
class Outcome:
    """What became of one file. output is None on a dry run."""

    input: Path
    output: Path | None
    record: Record

    def as_dict(self) -> dict[str, object]:
        return {
            "input": str(self.input),
            "output": str(self.output) if self.output else None,
            "changed": self.record.changed,
            **self.record.as_dict(),
        }


def output_path(source: Path, output: str | Path | None, suffix: str, *, several: bool = False) -> Path:
    """Where the result of `source` goes: beside it with `-suffix`, into the folder `output`, or to that very file."""
    if output is None:
        return source.with_name(f"{source.stem}-{suffix}{source.suffix}")
    target = Path(output)
    if target.is_dir() or str(output).endswith(os.sep):
        return target / source.name
    if several:
        raise UsageError(f"-o {output}", "several inputs cannot go to one file", "Give a folder that exists")
    return target


def process(
    source: Path,
    target: Path,
    planner: Planner,
    *,
    overwrite: bool = False,
    dry_run: bool = False,
    quality: int | None = None,
    report: bool = False,
    progress: Listener | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Read, plan, run, write. The output is whole or absent, and never the input itself.

    A picture that nothing was done to is copied byte for byte where the output has the input's format.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise UsageError(f"writing {target}", "it is the input itself", "Give another name with -o")
    if target.exists() and not overwrite:
        raise UsageError(f"writing {target}", "it exists", "Give --overwrite, or another name with -o")
    picture = read(source)
    plan, record = planner(picture)
    if dry_run:
        if plan is not None:
            warnings = record.warnings
            record = prepare(plan, picture)[1]
            record.warnings = warnings
        return Outcome(source, None, record)
    if plan is None:
        if quality is None and source.suffix.lower() == target.suffix.lower():
            with open(source, "rb") as old, atomic(target, overwrite=overwrite) as new:
                while block := old.read(1 << 20):
                    new.write(block)
        else:
            write(picture, target, quality=quality, overwrite=overwrite)
    else:
        warnings = record.warnings
        picture, record = run(plan, picture, progress=progress, cancel=cancel)
        record.warnings = warnings
        write(picture, target, quality=quality, overwrite=overwrite)
    outcome = Outcome(source, target, record)
    if report:
        with atomic(target.with_name(target.name + ".json"), overwrite=True) as stream:
            stream.write(json.dumps(outcome.as_dict(), indent=2).encode())
    return outcome
