"""The driver of a job: it takes results as they come and writes them down, manifest first, then the output appears.

Who does the work is another matter: this process, worker processes of this machine (workers.py), or a `Crew`.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from typing import Any, Protocol

from ..errors import NonlocError
from ..verbs.task import Task, fingerprint
from .interrupts import Interrupts
from .manifest import Entry, Manifest, Output
from .prepare import Prepared
from .staging import is_full, publish, unstage
from .summary import ALREADY, DONE, FAILED, FileOutcome, Listener, Share, Summary
from .work import Result


class Crew(Protocol):
    """Workers elsewhere, such as those of a cluster. One that dies costs nothing: its file goes to another.

    count: how many there are; known when the first result has come.
    """

    count: int

    def run(self, items: list[Any], task: Task) -> Generator[Result, None, None]:
        """Results as they come; one for each item, in any order. On closing it, all workers are gone."""
        ...


class Runner:
    """Takes results as they come: manifest first, then the output appears."""

    def __init__(
        self,
        book: Manifest,
        task: Task,
        listener: Listener,
        summary: Summary,
        interrupts: Interrupts,
        crew: Crew | None = None,
    ):
        self.book, self.task, self.listener, self.crew = book, task, listener, crew
        self.summary, self.interrupts = summary, interrupts
        described = task.describe()
        self.job, self.described = fingerprint(described), described

    def known(self, job: Prepared) -> None:
        """Tell what needs no work."""
        self.listener.begins(job.items, len(job.already), len(job.failed))
        for source, entry in job.already:
            output = str(self.book.place(entry.outputs[0].path))
            self.tell(None, FileOutcome(ALREADY, str(source.path), output, record=dict(entry.record)))
        for name, error in job.failed:
            self.tell(None, FileOutcome(FAILED, name, error=error))

    def run(self, items: list[Any], jobs: int) -> None:
        """Do them; returns early with `summary.stopped` when going on is useless."""
        if not items:
            return
        by_number = {item.number: item for item in items}
        start = time.monotonic()
        try:
            self.book.task(self.job, self.described)
            with closing(self._results(items, min(jobs, len(items)))) as results:
                for result in results:
                    self._count(result, start)
                    with self.interrupts.held():
                        self._take(by_number[result.number], result)
                    if self.summary.stopped:
                        return
        except OSError as error:
            if not is_full(error):
                raise
            self._stop(f"writing {error.filename or self.book.path}: {error.strerror}")

    def _results(self, items: list[Any], jobs: int) -> Generator[Result, None, None]:
        from .workers import Pool, in_process

        if self.crew is not None:
            yield from self.crew.run(items, self.task)
            return
        if jobs == 1:
            yield from in_process(items, self.task, self.listener.works)
            return
        with Pool(jobs, self.task) as pool:
            self.interrupts.at_once = pool.end
            yield from pool.run(items, self.listener.works)

    def _count(self, result: Result, start: float) -> None:
        """Who did how much; and how long it took until the workers had started."""
        if self.crew is None:
            return
        now = time.monotonic() - start
        if not self.summary.shares:
            self.summary.starting = max(0.0, now - result.seconds)
            self.summary.workers = self.crew.count
        self.summary.working = now - self.summary.starting
        if result.worker:
            share = self.summary.shares.setdefault(result.worker, Share())
            share.files += result.error is None
            share.pixels += result.pixels
            share.seconds += result.seconds

    def _take(self, item: Any, result: Result) -> None:
        source, error = item.name, result.error
        if error is None:
            try:
                self._publish(item, result)
            except (NonlocError, OSError) as problem:
                if is_full(problem):
                    raise
                error = str(problem) if isinstance(problem, NonlocError) else f"{source}: {problem}."
            finally:
                self._clear(item, result)
        if error is None:
            done = FileOutcome(
                DONE, source, self._target(item, result), result.seconds, None, result.words, result.record
            )
            self.tell(item.number, done)
            return
        self._clear(item, result)  # of a worker that died
        if result.full:
            self._stop(error)
            return
        self.book.failed(self._key(item), self.job, error)
        self.tell(item.number, FileOutcome(FAILED, source, None, result.seconds, error))

    def _key(self, item: Any) -> str:
        """The input as the manifest writes it."""
        return self.book.name(item.source.path)

    def _target(self, item: Any, result: Result) -> str:
        return str(result.staged[0].target)

    def _publish(self, item: Any, result: Result) -> None:
        outputs = tuple(Output(self.book.name(s.target), s.size, s.sha256, s.kind) for s in result.staged)
        self.write_down(item, result, outputs)
        for staged in result.staged:
            publish(staged.place, staged.target, replace=item.may_replace(staged.target))

    def write_down(self, item: Any, result: Result, outputs: tuple[Output, ...]) -> None:
        """The manifest's line of a file that is done."""
        self.book.done(
            Entry(
                self._key(item), self.job, result.stamp, result.sha256, result.fields,
                outputs, result.seconds, result.record,
            )
        )  # fmt: skip

    def _clear(self, item: Any, result: Result) -> None:
        """Remove the hidden folder; that of a crew's worker has a name of its own."""
        unstage(item.place)
        if result.staged:
            unstage(result.staged[0].place.parent)

    def _stop(self, why: str) -> None:
        self.summary.stopped = (
            f"{why.rstrip('.')}. The disk is full: the job stops here. "
            "All finished files stay; make room and give the same command again to continue."
        )

    def tell(self, number: int | None, file: FileOutcome) -> None:
        """Add it to the summary, and tell the listener."""
        self.summary.files.append(file)
        self.summary.unfinished -= number is not None
        self.listener.ends(number, file)
