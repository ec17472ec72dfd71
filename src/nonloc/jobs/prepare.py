"""Before any work: what is done already, what is to do, and what must not be done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError
from ..image.provenance import checksum
from ..verbs.task import Task, differences, fingerprint
from .inputs import Gathered, Input
from .manifest import NAME, Entry, Manifest, stamp
from .names import LATE, UNKNOWN, Names
from .staging import hidden_place, sweep
from .work import Item, beside


@dataclass
class Prepared:
    """A job, sorted. already: what was done before and is there, unchanged. results: how many inputs were left out
    because they are results themselves."""

    items: list[Item] = field(default_factory=list)
    already: list[tuple[Input, Entry]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    results: int = 0


def manifest_path(names: Names, found: Gathered, given: str | os.PathLike | None) -> Path:
    """Where the job's manifest is: as given, in the output folder, or in the folder that holds all inputs."""
    if given is not None:
        return Path(given)
    if names.folder is not None:
        return names.folder / NAME
    roots = [os.path.abspath(root) for root in found.roots] or [os.curdir]
    return Path(os.path.relpath(os.path.commonpath(roots))) / NAME


def prepare(
    found: Gathered,
    task: Task,
    names: Names,
    manifest: Manifest,
    *,
    resume: bool = True,
    overwrite: bool = False,
    clean: bool = True,
) -> Prepared:
    """Sort the inputs. `clean`: also remove what a killed run left behind.

    UsageError, before any work: two inputs with one output, an output that is an input, outputs that were made with
    other options.
    """
    job = Prepared(failed=[(name, str(error)) for name, error in found.failed])
    inputs = _originals(found, names, manifest, job)
    targets = {source: _targets(source, task, names) for source in inputs}
    _refuse_collisions(targets, names)
    described = task.describe()
    sorter = _Sorter(task, names, manifest, fingerprint(described), resume, overwrite)
    for number, source in enumerate(inputs):
        sorter.sort(job, number, source, targets[source])
    if sorter.others:
        _refuse_others(sorter, manifest, described)
    if clean:
        sweep(place for source in inputs for place in _places(source, targets[source], names))
    return job


def _originals(found: Gathered, names: Names, manifest: Manifest, job: Prepared) -> list[Input]:
    """The inputs without earlier results, which are known from the manifest or from their names."""
    results = {os.path.realpath(path) for path in manifest.results()}
    ours = {*results, os.path.realpath(manifest.path)}
    found.skipped = [path for path in found.skipped if os.path.realpath(path) not in ours]
    if names.kind == "beside":
        results |= {os.path.realpath(names.path(source)) for source in found.inputs}
    kept = [source for source in found.inputs if os.path.realpath(source.path) not in results]
    job.results = len(found.inputs) - len(kept)
    return kept


def _targets(source: Input, task: Task, names: Names) -> list[Path]:
    """The files that will be written, as far as their names are known."""
    target = names.path(source)
    return [target, *(beside(target, kind) for kind in task.beside)]


def _refuse_collisions(targets: dict[Input, list[Path]], names: Names) -> None:
    sources = {os.path.realpath(source.path): source for source in targets}
    claimed: dict[str, Input] = {}
    for source, paths in targets.items():
        for path in paths:
            real = os.path.normcase(os.path.realpath(path))
            if real in sources:
                itself = sources[real] is source
                what = "it is the input itself" if itself else f"it is an input as well, beside {source.path}"
                raise UsageError(f"writing {path}", what, "Give another name or folder with -o")
            if real in claimed:
                both = f"{claimed[real].path} and {source.path} would both be written there"
                how = "Name their common folder with -r, or give -o a name such as 'out/{dir}/{stem}{ext}'"
                raise UsageError(f"writing {path}", both, how)
            claimed[real] = source


def _refuse_others(sorter: _Sorter, manifest: Manifest, described: dict) -> None:
    path, job = sorter.others[0]
    more = f" and {len(sorter.others) - 1} more" if len(sorter.others) > 1 else ""
    how = differences(manifest.tasks.get(job, {}), described)
    raise UsageError(
        f"writing {path}{more}",
        f"it was made with other options ({how})",
        "Give --overwrite to make it anew, another folder with -o, or the same options to continue",
    )


def _places(source: Input, targets: list[Path], names: Names) -> Iterator[tuple[Path, str]]:
    yield home(source, names), source.path.name
    yield from ((path.parent, path.name) for path in targets)


def home(source: Input, names: Names) -> Path:
    """The folder in which results wait: that of the output, or as much of it as is known."""
    folder = names.path(source).parent
    if not names.late:
        return folder
    known = []
    for part in folder.parts:
        if any(UNKNOWN[name] in part for name in LATE):
            break
        known.append(part)
    return Path(*known)


class _Sorter:
    """Decides, input by input, whether it is done, to be done, or not to be touched."""

    def __init__(self, task: Task, names: Names, manifest: Manifest, job: str, resume: bool, overwrite: bool):
        self.task, self.names, self.manifest, self.job = task, names, manifest, job
        self.resume, self.overwrite = resume and not overwrite, overwrite
        self.others: list[tuple[Path, str]] = []

    def sort(self, job: Prepared, number: int, source: Input, targets: list[Path]) -> None:
        try:
            entries = self._entries(source)
            done = next((e for e in entries if self._done(source, e)), None) if self.resume else None
            if done is not None:
                job.already.append((source, done))
                return
            replace = self._replaceable(source, targets, entries)
        except UsageError as error:
            job.failed.append((str(source.path), str(error)))
            return
        except OSError as error:
            job.failed.append((str(source.path), f"{source.path}: {error.strerror}. Check the file and its rights."))
            return
        place = hidden_place(home(source, self.names), source.path.name)
        item = Item(number, source, self.names, place, frozenset(replace), self.overwrite)
        job.items.append(item)

    def _entries(self, source: Input) -> list[Entry]:
        """What the manifest knows of this input, done this way under this name; newest first."""
        known = self.manifest.entries.get(self.manifest.name(source.path), [])
        return [
            entry
            for entry in reversed(known)
            if entry.job == self.job
            and self.manifest.name(self.names.path(source, entry.fields)) == entry.outputs[0].path
        ]

    def _done(self, source: Input, entry: Entry) -> bool:
        """The input is the same, and all that should be there is there, byte for byte."""
        now = stamp(source.path)
        if now != entry.stamp and (now[0] != entry.stamp[0] or checksum(source.path) != entry.sha256):
            return False
        wanted = {"picture", *self.task.beside}
        outputs = [output for output in entry.outputs if output.kind in wanted]
        if {output.kind for output in outputs} != wanted:
            return False
        for output in outputs:
            path = self.manifest.place(output.path)
            if not path.is_file() or path.stat().st_size != output.size or checksum(path) != output.sha256:
                return False
        return True

    def _replaceable(self, source: Input, targets: list[Path], entries: list[Entry]) -> list[Path]:
        """Outputs that are there and that this job wrote. UsageError for one that it did not."""
        if self.overwrite:
            return []
        if self.names.late:
            named = [self.names.path(source, entry.fields) for entry in entries]
            targets = [path for n in named for path in (n, *(beside(n, kind) for kind in self.task.beside))]
        found = []
        for path in targets:
            if not path.exists():
                continue
            ours = self.manifest.written.get(self.manifest.name(path))
            if ours is None:
                raise UsageError(f"writing {path}", "it exists", "Give --overwrite, or another name with -o")
            made = ours.get(checksum(path))
            if made is None:
                what = "it has been changed since this job wrote it"
                raise UsageError(f"writing {path}", what, "Move it away, or give --overwrite to lose the changes")
            if made.input != self.manifest.name(source.path):
                what = f"it was made from {self.manifest.place(made.input)}"
                raise UsageError(f"writing {path}", what, "Give --overwrite, or another name with -o")
            if made.job != self.job:
                self.others.append((path, made.job))
            found.append(path)
        return found
