"""A job over URLs, told in the same manifest as a job over files: it can be killed and given again.

The workers put the outputs into their places themselves, whole. So that a file which stands there and is not told of
may be known as ours, the manifest first claims all names that it will write:

    {"claims": [OUTPUT, ...], "job": ID}

In such a job's lines, inputs and outputs are URLs. The manifest is a local file while the job runs. Where the output
folder is a store's, it is fetched from there first and put back now and then, for at most a twentieth of the time; what
a kill takes of it is done again, with the same result.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import NonlocError, UsageError
from ..verbs.task import Task, differences, fingerprint
from .interrupts import Interrupts
from .manifest import NAME, Entry, Manifest, Output
from .remote import Found, deliver, fetch, find, join, opened, sizes, sweep
from .remote_work import RemoteItem, beside
from .runner import Crew, Runner
from .summary import ALREADY, FAILED, FileOutcome, Listener, Summary
from .work import Result

OFTEN, SHARE = 30.0, 20  # seconds between two savings of the manifest; and so many times what one takes


def carry_out_remote(
    words: Iterable[str],
    task: Task,
    output: str | None,
    crew: Crew,
    *,
    recursive: bool = False,
    resume: bool = True,
    overwrite: bool = False,
    manifest: str | os.PathLike | None = None,
    listener: Listener | None = None,
) -> Summary:
    """Do `task` to all pictures among `words`, URLs or local names. manifest: a local file; None: in the output folder.

    UsageError for what is wrong for all, before any work.
    """
    folder = _folder(output)
    summary, start = Summary(folder=folder), time.perf_counter()
    job = _Job(task, folder, resume and not overwrite, overwrite)
    sources: list[Found] = []
    missing: list[tuple[str, NonlocError]] = []
    for word in words:
        sources += find(word, recursive, missing, summary.skipped)
    job.failed = [(name, str(error)) for name, error in missing]
    if not sources and not missing:
        return summary
    with Interrupts() as interrupts, ExitStack() as stack:
        try:
            book = stack.enter_context(_Book(folder, manifest))
            summary.manifest = Path(manifest) if manifest is not None else None
            there = sizes(folder)
            job.sort({source.url: source for source in sources}.values(), book, there)
            summary.skipped = [path for path in summary.skipped if path.name != NAME]
            summary.results, summary.unfinished = job.results, len(job.items)
            runner = _Runner(book, task, listener or Listener(), summary, interrupts, crew)
            runner.listener.begins(job.items, len(job.already), len(job.failed))  # type: ignore[arg-type]
            for url, entry in job.already:
                runner.tell(None, FileOutcome(ALREADY, url, entry.outputs[0].path, record=dict(entry.record)))
            for name, error in job.failed:
                runner.tell(None, FileOutcome(FAILED, name, error=error))
            if job.items:
                sweep(there, job.names)
                book.claim(job.id, job.names)
                runner.run(job.items, len(job.items))
                if summary.unfinished or any(share.files == 0 for share in summary.shares.values()):
                    sweep(sizes(folder), job.names)  # of workers that died
        except KeyboardInterrupt:
            summary.interrupted = True
    summary.seconds = time.perf_counter() - start
    return summary


def _folder(output: str | None) -> str:
    """The output folder as a URL."""
    if output is None or "{" in output:
        asked = "-o" if output is None else f"-o {output}"
        raise UsageError(asked, "outputs of URLs go into a folder", "Give one: -o s3://bucket/restored/")
    fs, path = opened(output)
    if fs.isfile(path):
        raise UsageError(f"-o {output}", "it is a file", "Give a folder")
    return fs.unstrip_protocol(path).rstrip("/")


class _Runner(Runner):
    """Outputs lie in their places already; inputs and outputs are told as URLs."""

    book: _Book

    def _key(self, item: Any) -> str:
        return item.name

    def _target(self, item: Any, result: Result) -> str:
        return item.target

    def _publish(self, item: Any, result: Result) -> None:
        outputs = tuple(Output(beside(item.target, one.kind), one.size, one.sha256, one.kind) for one in result.staged)
        self.write_down(item, result, outputs)
        self.book.save(now=False)

    def _clear(self, item: Any, result: Result) -> None:
        """The worker's temporary folder is gone."""


class _Book(Manifest):
    """The manifest of a job whose output folder is a URL. As a context: on leaving, it is saved and closed."""

    def __init__(self, folder: str, given: str | os.PathLike | None):
        fs, path = opened(folder)
        local = "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)
        self.home = None if given is not None or local else join(folder, NAME)
        self._temporary: tempfile.TemporaryDirectory | None = None
        self.saved, self.took = time.monotonic(), 0.0
        place = Path(given) if given is not None else Path(path) / NAME
        if self.home is not None:
            self._temporary = tempfile.TemporaryDirectory(prefix="nonloc-job-")
            place = Path(self._temporary.name) / NAME
            home, there = opened(self.home)
            if home.exists(there):
                fetch(self.home, place)
        super().__init__(place)

    def __enter__(self) -> _Book:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.save()
        finally:
            self.close()
            if self._temporary is not None:
                self._temporary.cleanup()

    def claim(self, job: str, names: list[str]) -> None:
        """Tell that files of these names are of this job, should they be found there untold."""
        self.claimed.update(dict.fromkeys(names, job))
        self.line({"claims": names, "job": job})
        self.save()

    def save(self, now: bool = True) -> None:
        """Put it into the output folder; unless `now`, only when the last time is long ago."""
        since = time.monotonic() - self.saved
        if self.home is None or not self.path.exists() or not (now or since > max(OFTEN, SHARE * self.took)):
            return
        before = time.monotonic()
        with suppress(NonlocError) if not now else ExitStack():  # a store that stutters is asked again later
            deliver(self.path, self.home)
        self.saved = time.monotonic()
        self.took = self.saved - before


@dataclass
class _Job:
    """Decides, input by input, whether it is done, to be done, or not to be touched."""

    task: Task
    folder: str
    resume: bool
    overwrite: bool
    items: list[RemoteItem] = field(default_factory=list)
    already: list[tuple[str, Entry]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    results: int = 0

    def __post_init__(self) -> None:
        self.id = fingerprint(self.task.describe())
        self.kinds = ("picture", *self.task.beside)

    @property
    def names(self) -> list[str]:
        """All that will be written."""
        return [beside(item.target, kind) for item in self.items for kind in self.kinds]

    def sort(self, sources: Iterable[Found], book: _Book, there: dict[str, int]) -> None:
        """UsageError when two inputs have one output, or an output is an input."""
        originals = {one.url: one for one in sources if one.url not in book.written}
        claimed: dict[str, str] = {}
        for number, source in enumerate(originals.values()):
            target = join(self.folder, source.inside, source.name)
            for name in (beside(target, kind) for kind in self.kinds):
                if name in originals:
                    raise UsageError(f"writing {name}", "it is an input", "Give another folder with -o")
                if claimed.setdefault(name, source.url) != source.url:
                    both = f"{claimed[name]} and {source.url} would both be written there"
                    raise UsageError(f"writing {name}", both, "Name their common folder with -r")
            done = next(
                (e for e in book.entries.get(source.url, ())[::-1] if self._done(source, target, e, there)), None
            )
            if done is not None and self.resume:
                self.already.append((source.url, done))
                continue
            try:
                self._check(source, target, book, there)
            except UsageError as error:
                self.failed.append((source.url, str(error)))
                continue
            self.items.append(RemoteItem(number, source.url, target, source.stamp, max(source.size, 1)))

    def _done(self, source: Found, target: str, entry: Entry, there: dict[str, int]) -> bool:
        outputs = {output.path: output for output in entry.outputs}
        wanted = [beside(target, kind) for kind in self.kinds]
        return (
            entry.job == self.id
            and tuple(entry.stamp) == source.stamp
            and all(name in outputs and there.get(name) == outputs[name].size for name in wanted)
        )

    def _check(self, source: Found, target: str, book: _Book, there: dict[str, int]) -> None:
        """UsageError for an output that is there and not ours."""
        for name in (beside(target, kind) for kind in self.kinds):
            if name not in there or self.overwrite or book.claimed.get(name) == self.id:
                continue
            made = [entry for entry in book.written.get(name, {}).values() if entry.input == source.url]
            if not made:
                raise UsageError(f"writing {name}", "it exists", "Give --overwrite, or another folder with -o")
            if all(entry.job != self.id for entry in made):
                how = differences(book.tasks.get(made[-1].job, {}), self.task.describe())
                found = f"it was made with other options ({how})"
                raise UsageError(f"writing {name}", found, "Give --overwrite, or another folder with -o")
