"""The job: many files through one verb, told in a manifest, so that it can be stopped anywhere and continued."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from ..errors import UsageError
from ..verbs.task import Task
from .inputs import Gathered, gather
from .interrupts import Interrupts
from .manifest import Manifest
from .names import Names
from .prepare import manifest_path, prepare
from .runner import Crew, Runner
from .staging import sweep, unstage
from .summary import Listener, Summary
from .work import Item


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
    crew: Crew | None = None,
) -> Summary:
    """`run_job` on inputs that were gathered already. crew: who does the work in place of `jobs` processes here."""
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
            runner = Runner(book, task, listener or Listener(), summary, interrupts, crew)
            runner.known(job)
            runner.run(items, jobs)
        except KeyboardInterrupt:
            summary.interrupted = True
        if summary.interrupted or summary.stopped:
            for item in items:
                unstage(item.place)
        if crew is not None:  # a worker that was killed, perhaps on another machine, leaves its hidden folder
            sweep((item.place.parent, item.source.path.name) for item in items)
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
