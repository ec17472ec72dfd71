"""One file in, one file out: names, the clean file that is left alone, the report beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..engine import Plan, Record, prepare, run
from ..engine.progress import Cancel, Listener, Progress
from ..errors import UsageError
from ..image import formats
from ..image.atomic import atomic
from ..image.image import Image
from ..image.provenance import checksum
from ..image.read import header, read, read_pages
from ..image.write import write, write_pages
from .options import examined
from .task import Task
from .volume import plan_volume, restore_volume, sees_volumes

Planner = Callable[[Image], tuple[Plan | None, Record]]


@dataclass(frozen=True)
class Outcome:
    """What became of one file. output is None on a dry run.

    pages: the records of all pages of a file with several; `record` is then that of the first page that was changed.
    """

    input: Path
    output: Path | None
    record: Record
    pages: tuple[Record, ...] = ()

    def as_dict(self) -> dict[str, object]:
        told = {
            "input": str(self.input),
            "output": str(self.output) if self.output else None,
            "changed": self.record.changed,
            **self.record.as_dict(),
        }
        return {**told, "pages": [page.as_dict() for page in self.pages]} if self.pages else told


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
    task: Task | None = None,
) -> Outcome:
    """Read, plan, run, write. The output is whole or absent, and never the input itself.

    A picture that nothing was done to is copied byte for byte where the output has the input's format. All pages of a
    file are restored, one after the other, each by its own plan. task: what plans, so that the output tells of it.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise UsageError(f"writing {target}", "it is the input itself", "Give another name with -o")
    if target.exists() and not overwrite:
        raise UsageError(f"writing {target}", "it exists", "Give --overwrite, or another name with -o")
    if header(source).pages > 1:
        outcome = _process_pages(source, target, planner, overwrite, dry_run, quality, progress, cancel, task)
    else:
        outcome = _process_one(source, target, planner, overwrite, dry_run, quality, progress, cancel, task)
    if report and not dry_run:
        with atomic(target.with_name(target.name + ".json"), overwrite=True) as stream:
            stream.write(json.dumps(outcome.as_dict(), indent=2).encode())
    return outcome


def _process_one(source, target, planner, overwrite, dry_run, quality, progress, cancel, task) -> Outcome:
    picture = read(source)
    plan, record = planner(picture)
    if dry_run:
        return Outcome(source, None, _foreseen(plan, record, picture))
    if plan is not None:
        before = picture
        picture, record = run(plan, before, progress=progress, cancel=cancel)
        record = examined(before, picture, plan, record)
        if task is not None:
            picture = task.stepped(before, picture, record, f"sha256:{checksum(source)}")
    if plan is None and quality is None and _same_format(source, target):
        _copy(source, target, overwrite)
    else:
        write(picture, target, quality=quality, overwrite=overwrite)
    return Outcome(source, target, record)


def _process_pages(source, target, planner, overwrite, dry_run, quality, progress, cancel, task) -> Outcome:
    """Page after page, each with a plan of its own; never more than one page is held."""
    if quality is not None:
        raise UsageError(f"--quality {quality}", "a file of pages loses nothing, so it has no quality", "Leave it out")
    records: list[Record] = []
    origin = f"sha256:{checksum(source)}" if task is not None and not dry_run else ""

    def slabs(plan: Plan | None, told: Record) -> Iterator[Image]:
        """All pages by the one plan of a volume."""
        if plan is None or dry_run:
            for picture in read_pages(source):
                records.append(_foreseen(plan, told, picture))
                yield picture
            return
        for before, picture, record in restore_volume(read_pages(source), plan, progress=progress, cancel=cancel):
            record = examined(before, picture, plan, record)
            records.append(record)
            yield picture if task is None else task.stepped(before, picture, record, origin)

    def restored() -> Iterator[Image]:
        if sees_volumes(source, planner, task):
            yield from slabs(*plan_volume(read_pages(source), planner))
            return
        for picture in read_pages(source):
            plan, record = planner(picture)
            if dry_run:
                record = _foreseen(plan, record, picture)
            elif plan is not None:
                within = _within(progress, len(records), picture.metadata.tags.get("pages", 1))
                before = picture
                picture, record = run(plan, before, progress=within, cancel=cancel)
                record = examined(before, picture, plan, record)
                if task is not None:
                    picture = task.stepped(before, picture, record, origin)
            records.append(record)
            yield picture

    if dry_run:
        for _ in restored():
            pass
    else:
        write_pages(restored(), target, overwrite=overwrite)
        if not any(record.changed for record in records) and _same_format(source, target):
            _copy(source, target, True)  # nothing was done, so let every byte stay
    told = next((record for record in records if record.changed), records[0])
    return Outcome(source, None if dry_run else target, told, tuple(records))


def _foreseen(plan: Plan | None, told: Record, picture: Image) -> Record:
    """The record of what would be done."""
    return told if plan is None else prepare(plan, picture)[1]


def _within(progress: Listener | None, page: int, pages: int) -> Listener | None:
    """Progress of one page as that of the file, in hundredths of a page."""
    if progress is None:
        return None
    whole = max(pages, page + 1) * 100
    return lambda p: progress(Progress(page * 100 + 100 * p.done // max(p.total, 1), whole, p.seconds))


def _same_format(source: Path, target: Path) -> bool:
    return formats.ending(source.name).lower() == formats.ending(target.name).lower()


def _copy(source: Path, target: Path, overwrite: bool) -> None:
    with open(source, "rb") as old, atomic(target, overwrite=overwrite) as new:
        while block := old.read(1 << 20):
            new.write(block)
