"""Running a verb over the files of a command line: progress, reports, exit code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import NOTHING_DONE, OK, SOME_FAILED
from .options import Writing

if TYPE_CHECKING:
    from ...engine import Progress
    from ...verbs.files import Outcome, Planner


def run_files(inputs: list[Path], writing: Writing, planner: Planner, suffix: str) -> int:
    """Each input through the verb; one that fails is told and does not stop the others."""
    from ...errors import NonlocError
    from ...verbs.files import output_path, process

    # wrong use is told before any work is done
    targets = [output_path(path, writing.output, suffix, several=len(inputs) > 1) for path in inputs]
    told: list[dict[str, object]] = []
    failed = 0
    for source, target in zip(inputs, targets, strict=True):
        try:
            outcome = process(
                source,
                target,
                planner,
                overwrite=writing.overwrite,
                dry_run=writing.dry_run,
                quality=writing.quality,
                report=writing.report,
                progress=None if writing.quiet or writing.json else bar(source.name),
            )
        except NonlocError as error:
            if len(inputs) == 1 and not writing.json:
                raise
            failed += 1
            print(f"nonloc: {error}", file=sys.stderr)
            told.append({"input": str(source), "error": str(error)})
            continue
        told.append(outcome.as_dict())
        if not (writing.quiet or writing.json):
            print(_in_words(outcome, target))
    if writing.json:
        print(json.dumps(told[0] if len(told) == 1 else told, indent=2))
    if not failed:
        return OK
    return NOTHING_DONE if failed == len(inputs) else SOME_FAILED


def bar(name: str):
    """A progress line on a terminal; nothing where the output is no terminal."""
    if not sys.stderr.isatty():
        return None

    def tell(progress: Progress) -> None:
        left = f", {progress.left:.0f} s left" if progress.left is not None else ""
        end = "\r\033[K" if progress.done == progress.total else ""
        print(
            f"\r\033[K{name}: {progress.done} of {progress.total} tiles{left}",
            end=end,
            file=sys.stderr,
            flush=True,
        )

    return tell


def _in_words(outcome: Outcome, target: Path) -> str:
    record = outcome.record
    lines = [str(outcome.input), *(f"  {line}" for line in str(record).splitlines())]
    if outcome.output is None:
        peak = f"would need {record.peak / 2**20:.0f} MiB and " if record.changed else ""
        lines.append(f"  {peak}would be written to {target}")
    else:
        lines.append(f"  written to {outcome.output}")
    return "\n".join(lines)
