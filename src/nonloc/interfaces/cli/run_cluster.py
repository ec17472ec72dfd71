"""Running a verb on a cluster, and what both kinds of jobs tell at their end."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from ...errors import UsageError
from .options import Writing

if TYPE_CHECKING:
    from ...jobs.names import Names
    from ...jobs.summary import Summary
    from ...verbs.task import Task
    from .telling import Teller


def check_cluster(asked: str, inputs: list[str], writing: Writing) -> None:
    """Options that contradict --cluster, and URLs without it."""
    from ...jobs.inputs import STREAM
    from ...jobs.remote import is_url

    url = next((word for word in (*inputs, writing.output or "") if is_url(word)), None)
    if writing.cluster is None:
        if url is not None:
            raise UsageError(f"{asked} {url}", "URLs are read and written on a cluster only", "Add --cluster ray")
    elif STREAM in (*inputs, writing.output):
        raise UsageError(f"{asked} --cluster", "standard input and output are of one machine", "Leave --cluster out")
    elif writing.dry_run:
        raise UsageError(f"{asked} --cluster", "--dry-run looks at files of this machine", "Leave --cluster out")


def run_cluster(inputs: list[str], task: Task, writing: Writing) -> int:
    """The job by workers of Ray; returns the exit code."""
    from ..cluster import read_cluster, run_on_ray
    from .telling import Teller

    teller = Teller(quiet=writing.quiet, jsonl=writing.jsonl, json=writing.json)
    summary = run_on_ray(
        inputs,
        task,
        output=writing.output,
        address=read_cluster(writing.cluster or ""),
        jobs=writing.jobs,
        recursive=writing.recursive,
        files0_from=writing.files0_from,
        resume=writing.resume,
        overwrite=writing.overwrite,
        manifest=writing.manifest,
        listener=teller,
    )
    return ended(summary, teller)


def ended(summary: Summary, teller: Teller, names: Names | None = None) -> int:
    """Tell what became of a job; its exit code."""
    if summary.interrupted:  # the end is near; a second Ctrl-C is to change nothing in it
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    teller.summary(summary, names)
    return summary.code
