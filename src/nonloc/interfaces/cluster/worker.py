"""A worker of a cluster: an actor that has its method loaded and restores one file after the other."""

from __future__ import annotations

import os
import pickle
import socket
from dataclasses import replace
from typing import Any

from ...jobs.staging import hidden_place
from ...jobs.work import Item, Result, work
from ...verbs.task import Task, fingerprint
from ...version import __version__

Batch = dict[str, Any]


class Worker:
    """One actor. A batch is one file, {'item': [pickled]}; its answer is {'number': [...], 'result': [pickled]}.

    job: the fingerprint of the task where the driver runs; folder: its working folder, so that names mean the same.
    """

    def __init__(self, task: Task, job: str, folder: str, threads: int):
        from ...jobs.preload import load
        from ...jobs.workers import limit

        self.task = task
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.wrong = _wrong(task, job, folder)
        if not self.wrong:
            try:
                load(**task.preload())
            except Exception as error:  # work itself says better what is wrong
                self.wrong = "" if isinstance(error, ValueError | LookupError) else f"{type(error).__name__}: {error}"
        limit(threads, task.network)

    def __call__(self, batch: Batch) -> Batch:
        """Restore the one file of the batch. Errors of the file stand in the result; nothing is raised."""
        item = pickle.loads(batch["item"][0])
        result = replace(self._result(item), worker=self.name)
        return {"number": [item.number], "result": [pickle.dumps(result)]}

    def _result(self, item: Any) -> Result:
        if self.wrong:
            return Result(item.number, error=f"{item.name}: worker {self.name}: {self.wrong}.")
        if isinstance(item, Item):
            # each attempt has a place of its own: an earlier one may have been killed, or cut off and still be at work
            return work(replace(item, place=hidden_place(item.place.parent, item.source.path.name)), self.task)
        from ...jobs.remote_work import work_remote

        return work_remote(item, self.task)


def _wrong(task: Task, job: str, folder: str) -> str:
    """Why this worker cannot do what the driver means; '' when it can."""
    try:
        os.chdir(folder)
    except OSError:
        return f"it has no folder {folder}; names of files must mean the same on all machines, or be URLs"
    if fingerprint(task.describe()) != job:
        return f"its nonloc ({__version__}), its weights or the files of the settings are others than the driver's"
    return ""
