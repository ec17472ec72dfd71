"""One file of a job, from input to finished results that wait to be published; it runs in a worker."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ImageError, MemoryLimit, NonlocError, UsageError
from ..image import formats
from ..image.atomic import atomic
from ..image.provenance import checksum
from ..verbs.task import Task
from .inputs import Input
from .manifest import Stamp, stamp
from .names import Names, fields_of
from .staging import is_full, stage, unstage

if TYPE_CHECKING:
    from ..verbs.files import Outcome

SHEET, LARGE = 360, 16 << 20  # side of the crops before and after; pixels beyond which their place is not searched for
Tell = Callable[[float], None]


@dataclass(frozen=True)
class Item:
    """What a worker is told. place: where its results wait. replace: older outputs of ours that it may replace.

    overwrite: it may replace any, but never an input.
    """

    number: int
    source: Input
    names: Names
    place: Path
    replace: frozenset[Path] = frozenset()
    overwrite: bool = False

    def may_replace(self, target: Path) -> bool:
        return self.overwrite or target in self.replace

    @property
    def name(self) -> str:
        """The input, for people."""
        return str(self.source.path)

    @property
    def size(self) -> int:
        """Of the input, in bytes; 1 where that cannot be known."""
        try:
            return max(self.source.path.stat().st_size, 1)
        except OSError:
            return 1


@dataclass(frozen=True)
class Staged:
    """A finished file and the name it is to get."""

    place: Path
    target: Path
    size: int
    sha256: str
    kind: str


@dataclass(frozen=True)
class Result:
    """What became of one file: results that wait, or `error`. full: the disk is full, so that going on is useless.

    pixels: of the input, all pages. worker: who did it, where a crew does the work.
    """

    number: int
    staged: tuple[Staged, ...] = ()
    stamp: Stamp = (0, 0, 0)
    sha256: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)
    words: str = ""
    seconds: float = 0.0
    error: str | None = None
    full: bool = False
    pixels: int = 0
    worker: str = ""


def work(item: Item, task: Task, tell: Tell | None = None) -> Result:
    """Restore one file into a hidden folder. Errors come back as a Result; only interrupts are raised."""
    start = time.perf_counter()
    try:
        before = stamp(item.source.path)
        digest = checksum(item.source.path)
        finished = restore(item, task, tell)
        if stamp(item.source.path) != before:
            unstage(item.place)
            found = "the file was changed while it was read"
            raise ImageError(str(item.source.path), found, "Start the job again when it is at rest")
    except Exception as error:
        text = in_words(error, str(item.source.path))
        return Result(item.number, error=text, full=is_full(error), seconds=time.perf_counter() - start)
    return Result(
        item.number,
        finished.staged,
        before,
        digest,
        finished.fields,
        finished.outcome.as_dict(),
        str(finished.outcome.record),
        time.perf_counter() - start,
        pixels=sum(record.size[0] * record.size[1] for record in finished.outcome.pages or (finished.outcome.record,)),
    )


@dataclass(frozen=True)
class Finished:
    """The results of one file, which wait in the item's place."""

    outcome: Outcome
    staged: tuple[Staged, ...]
    fields: dict[str, str]


def restore(item: Item, task: Task, tell: Tell | None = None) -> Finished:
    """Restore one file into a hidden folder; on any error or interrupt nothing is left. Errors as for `process`."""
    if not item.names.late:
        _free(item, item.names.path(item.source), task)
    try:
        stage(item.place)
        return _restore(item, task, tell)
    except BaseException as error:
        unstage(item.place)
        if isinstance(error, NonlocError):  # the hidden folder is nothing that a user need know of
            target = item.names.path(item.source)
            raise type(error)(*(_renamed(part, item.place, target) for part in error.args)) from error
        raise


def _restore(item: Item, task: Task, tell: Tell | None) -> Finished:
    from ..verbs.files import process

    source, folder, fields = item.source, item.place, dict[str, str]()

    def planner(picture):
        plan, record = task.planner(picture)
        if not fields:  # of a file with several pages, the first names it
            fields.update(fields_of(plan, record))
            if item.names.late:
                _free(item, item.names.path(source, fields), task)
        return plan, record

    def progress(done):
        if tell is not None:
            tell(done.done / max(done.total, 1))

    # the ending decides the format, and no plan is needed to know it
    waiting = folder / ("picture" + formats.ending(item.names.path(source).name))
    outcome = process(source.path, waiting, planner, quality=task.quality, progress=progress, task=task)
    target = item.names.path(source, fields)
    outcome = replace(outcome, output=target)
    staged = [_staged(waiting, target, "picture")]
    if task.report:
        told = folder / "report.json"
        with atomic(told) as stream:
            stream.write(json.dumps(outcome.as_dict(), indent=2).encode())
        staged.append(_staged(told, beside(target, "report"), "report"))
    if task.compare:
        sheet = _sheet(source.path, waiting, outcome, folder / "compare.png")
        staged.append(_staged(sheet, beside(target, "compare"), "compare"))
    return Finished(outcome, tuple(staged), fields)


def beside(target: Path, kind: str) -> Path:
    """Where the report, or the picture of before and after, goes."""
    return target.with_name(f"{target.name}.json" if kind == "report" else f"{target.stem}-compared.png")


def _free(item: Item, target: Path, task: Task) -> None:
    """Tell before the work is done that a name is taken."""
    for path in (target, *(beside(target, kind) for kind in task.beside)):
        if not path.exists():
            continue
        if path.samefile(item.source.path):
            raise UsageError(f"writing {path}", "it is the input itself", "Give another name with -o")
        if not item.may_replace(path):
            raise UsageError(f"writing {path}", "it exists", "Give --overwrite, or another name with -o")


def _staged(place: Path, target: Path, kind: str) -> Staged:
    return Staged(place, target, place.stat().st_size, checksum(place), kind)


def _sheet(source: Path, restored: Path, outcome: Outcome, place: Path) -> Path:
    """Before and after, from the files themselves, so that one sees what was written."""
    from ..image.read import read
    from ..image.write import write
    from ..verbs.compare import Comparison, Entry

    before, after = read(source), read(restored)
    entry = Entry(outcome.record.method or "unchanged", after, outcome.record)
    large = before.height * before.width > LARGE
    centre = (before.height // 2, before.width // 2) if large else None
    return write(Comparison(before, None, 0.0, (entry,)).sheet(SHEET, centre), place)


def in_words(error: Exception, source: str) -> str:
    """One line that names the file."""
    if isinstance(error, NonlocError):
        text = str(error)
    elif isinstance(error, MemoryError):
        text = str(MemoryLimit(source, "the memory of the machine ran out", "Take fewer --jobs or a smaller --memory"))
    elif isinstance(error, OSError):
        text = str(ImageError(source, error.strerror or str(error), "Check the file, its folder and the disk"))
    else:
        text = f"{source}: {type(error).__name__}: {error}. Run it alone with --debug for the traceback."
    return text if source in text else f"{source}: {text}"


def _renamed(text: str, folder: Path, target: Path) -> str:
    return re.sub(re.escape(str(folder)) + r"([\\/][^\s:]*)?", lambda _: str(target), text)
