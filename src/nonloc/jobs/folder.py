"""The job: many files through one verb, told in a manifest, so that it can be stopped anywhere and continued."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import BinaryIO

from ..errors import NonlocError, UsageError
from ..verbs.task import Task, fingerprint
from .inputs import Gathered, gather
from .interrupts import Interrupts
from .manifest import Entry, Manifest, Output
from .names import Names
from .prepare import Prepared, manifest_path, prepare
from .staging import is_full, publish, unstage
from .summary import ALREADY, DONE, FAILED, FileOutcome, Listener, Summary
from .work import Item, Result


def run_job(
    words: Iterable[str | os.PathLike],
    task: Task,
    *,
    output: str | None = None,
    recursive: bool = False,
    files0_from: str | None = None,
    jobs: int = 1,
    resume: bool = True,
    overwrite: bool = False,
    manifest: str | os.PathLike | None = None,
    listener: Listener | None = None,
    stdin: BinaryIO | None = None,
) -> Summary:
    """Do `task` to all pictures among `words`; those done by an earlier run of the same job are not done again.

    Parameters
    ----------
    words, recursive, files0_from : as for `gather`
    output : str or None
        A folder, or a template such as '{dir}/{stem}_{method}_{sigma}{ext}'. None: beside each input.
    jobs : int
        Pictures worked on at a time; 1 works in this process. `task.options.memory` holds for each.
    resume, overwrite : bool
        Without `resume` all is done again; with `overwrite` also outputs that this job did not write are replaced.
    manifest : path or None
        None: nonloc-job.jsonl in the output folder, or in the folder that holds all inputs.

    Returns
    -------
    Summary, also when files failed, the disk was full, or the user interrupted (SIGINT, SIGTERM).

    Raises
    ------
    UsageError, UnknownMethod, CardError: what is wrong for all, before any work.
    """
    found, names = look(words, task, output, recursive=recursive, files0_from=files0_from, stdin=stdin)
    return carry_out(
        found, names, task, jobs=jobs, resume=resume, overwrite=overwrite, manifest=manifest, listener=listener
    )


def carry_out(
    found: Gathered,
    names: Names,
    task: Task,
    *,
    jobs: int = 1,
    resume: bool = True,
    overwrite: bool = False,
    manifest: str | os.PathLike | None = None,
    listener: Listener | None = None,
) -> Summary:
    """`run_job` on inputs that were gathered already."""
    task.check()
    if jobs < 1:
        raise UsageError(f"--jobs {jobs}", "there is nobody to do the work", "Give 1 or more")
    summary, start = Summary(skipped=found.skipped, subfolders=found.subfolders), time.perf_counter()
    if not found.inputs and not found.failed:
        return summary
    items: list[Item] = []
    with Interrupts() as interrupts, ExitStack() as stack:
        try:
            book = Manifest(manifest_path(names, found, manifest))
            stack.callback(book.close)
            summary.manifest = book.path
            job = prepare(found, task, names, book, resume=resume, overwrite=overwrite)
            items = job.items
            summary.results, summary.skipped, summary.unfinished = job.results, found.skipped, len(items)
            runner = _Runner(book, task, listener or Listener(), summary, interrupts)
            runner.known(job)
            runner.run(items, jobs)
        except KeyboardInterrupt:
            summary.interrupted = True
        if summary.interrupted or summary.stopped:
            for item in items:
                unstage(item.place)
    summary.seconds = time.perf_counter() - start
    return summary


def look(
    words: Iterable[str | os.PathLike],
    task: Task,
    output: str | None,
    *,
    recursive: bool = False,
    files0_from: str | None = None,
    stdin: BinaryIO | None = None,
) -> tuple[Gathered, Names]:
    """The inputs, and how their outputs are named; an output folder inside an input folder is not walked into."""
    own = [] if output is None else [Path(os.path.dirname(output.partition("{")[0]) if "{" in output else output)]
    own = [folder for folder in own if folder != Path()]
    found = gather(words, recursive=recursive, files0_from=files0_from, leave=own, stdin=stdin)
    return found, Names.read(output, task.verb, task.suffix, single=found.single)


class _Runner:
    """Takes results as they come: manifest first, then the output appears."""

    def __init__(self, book: Manifest, task: Task, listener: Listener, summary: Summary, interrupts: Interrupts):
        self.book, self.task, self.listener = book, task, listener
        self.summary, self.interrupts = summary, interrupts
        described = task.describe()
        self.job, self.described = fingerprint(described), described

    def known(self, job: Prepared) -> None:
        """Tell what needs no work."""
        self.listener.begins(job.items, len(job.already), len(job.failed))
        for source, entry in job.already:
            output = str(self.book.place(entry.outputs[0].path))
            self._tell(None, FileOutcome(ALREADY, str(source.path), output, record=dict(entry.record)))
        for name, error in job.failed:
            self._tell(None, FileOutcome(FAILED, name, error=error))

    def run(self, items: list[Item], jobs: int) -> None:
        """Do them; returns early with `summary.stopped` when going on is useless."""
        if not items:
            return
        by_number = {item.number: item for item in items}
        try:
            self.book.task(self.job, self.described)
            with closing(self._results(items, min(jobs, len(items)))) as results:
                for result in results:
                    with self.interrupts.held():
                        self._take(by_number[result.number], result)
                    if self.summary.stopped:
                        return
        except OSError as error:
            if not is_full(error):
                raise
            self._stop(f"writing {error.filename or self.book.path}: {error.strerror}")

    def _results(self, items: list[Item], jobs: int) -> Generator[Result, None, None]:
        from .workers import Pool, in_process

        if jobs == 1:
            yield from in_process(items, self.task, self.listener.works)
            return
        with Pool(jobs, self.task) as pool:
            self.interrupts.at_once = pool.end
            yield from pool.run(items, self.listener.works)

    def _take(self, item: Item, result: Result) -> None:
        source = item.source.path
        error = result.error
        if error is None:
            try:
                self._publish(item, result)
            except (NonlocError, OSError) as problem:
                if is_full(problem):
                    raise
                error = str(problem) if isinstance(problem, NonlocError) else f"{source}: {problem}."
            finally:
                unstage(item.place)
        if error is None:
            target = str(result.staged[0].target)
            done = FileOutcome(DONE, str(source), target, result.seconds, None, result.words, result.record)
            self._tell(item.number, done)
            return
        unstage(item.place)  # of a worker that died
        if result.full:
            self._stop(error)
            return
        self.book.failed(self.book.name(source), self.job, error)
        self._tell(item.number, FileOutcome(FAILED, str(source), None, result.seconds, error))

    def _publish(self, item: Item, result: Result) -> None:
        outputs = tuple(Output(self.book.name(s.target), s.size, s.sha256, s.kind) for s in result.staged)
        source = self.book.name(item.source.path)
        self.book.done(
            Entry(source, self.job, result.stamp, result.sha256, result.fields, outputs, result.seconds, result.record)
        )
        for staged in result.staged:
            publish(staged.place, staged.target, replace=item.may_replace(staged.target))

    def _stop(self, why: str) -> None:
        self.summary.stopped = (
            f"{why.rstrip('.')}. The disk is full: the job stops here. "
            "All finished files stay; make room and give the same command again to continue."
        )

    def _tell(self, number: int | None, file: FileOutcome) -> None:
        self.summary.files.append(file)
        self.summary.unfinished -= number is not None
        self.listener.ends(number, file)
