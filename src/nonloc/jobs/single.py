"""One file that was named by itself, standard input and output, and what a job would do: no manifest, no workers."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from ..errors import ImageError, NonlocError
from ..image import formats
from ..image.source import HEAD
from ..verbs.files import Outcome, process
from ..verbs.task import Task
from .inputs import STREAM, Input
from .interrupts import Interrupts
from .names import Names, fields_of
from .prepare import home
from .staging import hidden_place, publish, sweep, unstage
from .work import Item, Tell, restore

STDIN = "stdin"  # what the picture from standard input is called


def run_one(source: Input, task: Task, names: Names, *, overwrite: bool = False, tell: Tell | None = None) -> Outcome:
    """Restore one file; errors are raised. What a killed run of the same left behind is removed first."""
    folder, target = home(source, names), names.path(source)
    if names.kind == "file" and not folder.is_dir():
        raise ImageError(f"writing {target}", f"there is no folder {folder}", "Make the folder first")
    sweep([(folder, source.path.name), (target.parent, target.name)])
    item = Item(0, source, names, hidden_place(folder, source.path.name), overwrite=overwrite)
    with Interrupts() as interrupts:
        done = restore(item, task, tell)
        try:
            with interrupts.held():
                for staged in done.staged[::-1]:  # the picture last: when it is there, all is there
                    publish(staged.place, staged.target, replace=overwrite)
        finally:
            unstage(item.place)
    return done.outcome


def run_stream(
    source: str,
    task: Task,
    output: str | None,
    stdin: BinaryIO,
    stdout: BinaryIO,
    *,
    overwrite: bool = False,
    tell: Tell | None = None,
) -> Outcome:
    """One picture from standard input (source '-'), to standard output (output '-'), or both.

    The bytes pass through a folder of the system's temporary place, so that large pictures of several pages go the same
    way as files. A picture that nothing was done to comes out byte for byte.
    """
    with tempfile.TemporaryDirectory(prefix="nonloc-") as name:
        folder = Path(name)
        path = folder / STDIN if source == STREAM else Path(source)
        if source == STREAM:
            with open(path, "wb") as file:
                shutil.copyfileobj(stdin, file)
        try:
            if output not in (None, STREAM):
                # the temporary place is no folder that anyone means by {dir}
                names = Names.read(output.replace("{dir}", "."), task.verb, task.suffix, single=True)
                outcome = run_one(Input(path), task, names, overwrite=overwrite, tell=tell)
            else:
                made = folder / f"out{_ending(path)}"
                names = Names(str(made), "file", task.verb, task.suffix)
                outcome = replace(run_one(Input(path), task, names, tell=tell), output=Path(STREAM))
                with open(made, "rb") as file:
                    shutil.copyfileobj(file, stdout)
                stdout.flush()
        except NonlocError as error:
            parts = [part.replace(str(folder / "out"), "standard output") for part in error.args]
            if source == STREAM:
                parts = [part.replace(str(path), "standard input") for part in parts]
            raise type(error)(*parts) from error
        return replace(outcome, input=Path(STDIN) if source == STREAM else path)


def _ending(path: Path) -> str:
    with open(path, "rb") as file:
        head = file.read(HEAD)
    module = formats.by_content(head)
    if module is None:
        found = "it is empty" if not head else "its first bytes belong to no picture format known here"
        raise ImageError(str(path), found, f"Give a picture: {', '.join(m.NAME for m in formats.FORMATS)}")
    return module.SUFFIXES[0]


def preview(item: Item, task: Task) -> tuple[Outcome, Path]:
    """What would be done to one file, and where the result would go; nothing is written. Errors are raised."""
    fields: dict[str, str] = {}

    def planner(picture):
        plan, record = task.planner(picture)
        fields.update(fields or fields_of(plan, record))
        return plan, record

    target = item.names.path(item.source)
    replaces = item.may_replace(target) or item.names.late
    outcome = process(item.source.path, target, planner, overwrite=replaces, dry_run=True)
    return outcome, item.names.path(item.source, fields)
