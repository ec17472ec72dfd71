"""A job whose work is done by Ray actors: files that all machines see, or URLs that fsspec opens."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.util import find_spec
from typing import BinaryIO

from ...errors import UsageError
from ...jobs.folder import carry_out, look
from ...jobs.remote import any_url, is_url, listed
from ...jobs.summary import Listener, Summary
from ...verbs.task import Task
from .pool import RayCrew


def run_on_ray(
    words: Iterable[str | os.PathLike],
    task: Task,
    *,
    output: str | None = None,
    address: str | None = None,
    jobs: int | None = None,
    recursive: bool = False,
    files0_from: str | None = None,
    resume: bool = True,
    overwrite: bool = False,
    manifest: str | os.PathLike | None = None,
    listener: Listener | None = None,
    stdin: BinaryIO | None = None,
) -> Summary:
    """As `nonloc.jobs.run_job`, but by Ray actors; either continues what the other began.

    Parameters
    ----------
    words, output : as for `run_job`; any of them may be a URL, and then `output` must be a folder.
    address : str or None
        HOST:PORT of a cluster. None starts one on this machine, which ends with the job.
    jobs : int or None
        Actors. None: as many as there are cores (and, on a cluster, as memory allows).

    Raises
    ------
    UsageError : also when Ray or a file system's package is not installed.
    """
    need_ray()
    task.check()
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs {jobs}", "there is nobody to do the work", "Give 1 or more")
    crew = RayCrew(address, jobs)
    words = list(words)
    how = {"resume": resume, "overwrite": overwrite, "manifest": manifest, "listener": listener}
    if any_url(words, files0_from) or is_url(output or ""):
        from ...jobs.remote_job import carry_out_remote

        names = listed(words, files0_from, stdin)
        return carry_out_remote(names, task, output, crew, recursive=recursive, **how)  # type: ignore[arg-type]
    found, outputs = look(words, task, output, recursive=recursive, files0_from=files0_from, stdin=stdin)
    return carry_out(found, outputs, task, crew=crew, **how)  # type: ignore[arg-type]


def read_cluster(text: str) -> str | None:
    """'ray' as None (one on this machine), 'ray:HOST:PORT' as 'HOST:PORT', 'ray:auto' as 'auto'; else UsageError."""
    kind, _, address = text.partition(":")
    host, _, port = address.rpartition(":")
    if kind != "ray" or (text != "ray" and address != "auto" and not (host.strip("/") and port.isdigit())):
        raise UsageError(f"--cluster {text}", "it names no cluster", "Write ray, or ray:HOST:PORT")
    return address.removeprefix("//") or None


def need_ray() -> None:
    """UsageError when Ray Data is not installed."""
    if find_spec("ray") is None or find_spec("pyarrow") is None or find_spec("fsspec") is None:
        raise UsageError("--cluster ray", "Ray Data is not installed", "Run pip install 'nonloc[cluster]'")
