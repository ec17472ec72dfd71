"""One file behind a URL: brought into a temporary folder, restored as any other file, and put where it belongs."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ImageError
from ..verbs.task import Task
from .inputs import Input
from .manifest import Stamp
from .names import Names
from .remote import deliver, fetch
from .staging import hidden_place
from .work import Item, Result, Staged, in_words, work


@dataclass(frozen=True)
class RemoteItem:
    """What a worker is told. name, target: URLs of the input and the picture; stamp, size: the input's."""

    number: int
    name: str
    target: str
    stamp: Stamp
    size: int


def work_remote(item: RemoteItem, task: Task) -> Result:
    """Restore one file; its outputs lie where they belong when this returns. Errors come back as a Result."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="nonloc-") as name:
        source = Path(name) / "in" / item.name.rpartition("/")[2]
        try:
            result = _work(item, task, Path(name), source)
        except Exception as error:
            result = Result(item.number, error=in_words(error, item.name))
    return replace(result, stamp=item.stamp, seconds=time.perf_counter() - start)


def _work(item: RemoteItem, task: Task, folder: Path, source: Path) -> Result:
    source.parent.mkdir()
    fetch(item.name, source)
    out = folder / "out"
    names = Names(str(out), "folder", task.verb, task.suffix)
    result = work(Item(item.number, Input(source), names, hidden_place(out, source.name)), task)
    if result.error is not None:
        return replace(result, error=_renamed(result.error, item, source, out), full=False)
    picture = next(one for one in result.staged if one.kind == "picture")
    if picture.target.name != item.target.rpartition("/")[2]:
        found = f"its content is {picture.target.suffix}, its name says otherwise"
        raise ImageError(item.name, found, "Give it the right ending")
    staged: list[Staged] = []
    for one in result.staged[::-1]:  # the picture last: when it is there, all is there
        if one.kind == "report":
            one = _told(one, item)
        deliver(one.place, beside(item.target, one.kind))
        staged.insert(0, one)
    record = {**result.record, "input": item.name, "output": item.target}
    return replace(result, staged=tuple(staged), record=record)


def beside(target: str, kind: str) -> str:
    """Where the picture, its report, or the picture of before and after goes."""
    if kind == "picture":
        return target
    return f"{target}.json" if kind == "report" else f"{target.rpartition('.')[0]}-compared.png"


def _told(report: Staged, item: RemoteItem) -> Staged:
    """The report with the names that the user knows."""
    from ..image.provenance import checksum

    told = {**json.loads(report.place.read_bytes()), "input": item.name, "output": item.target}
    report.place.write_text(json.dumps(told, indent=2), encoding="utf-8")
    return replace(report, size=report.place.stat().st_size, sha256=checksum(report.place))


def _renamed(error: str, item: RemoteItem, source: Path, out: Path) -> str:
    return error.replace(str(source), item.name).replace(str(out / source.name), item.target)
