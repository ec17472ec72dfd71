"""The workers as a pool of Ray Data actors: `ray.data.from_items` of file names, `map_batches` with a class.

Pixels never pass through Ray: a worker reads and writes files, and only names and reports travel.
Source: https://docs.ray.io/en/latest/data/transforming-data.html
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import shutil
import signal
import tempfile
import threading
import warnings
from collections.abc import Generator, Iterator
from typing import Any

from ...errors import NonlocError, UsageError
from ...jobs.work import Result
from ...jobs.workers import LIMITS, cores
from ...verbs.task import Task, fingerprint
from .worker import Worker

ROUND = 4096  # files handed to Ray at once: it keeps books on each, and takes 1 ms for it
AHEAD = 2  # files that wait at a worker, so that it need not wait for the driver
RETRIES = 1  # how often Ray gives a file to another worker when one has died; then once more so, alone
STORE = 100 << 20  # bytes of Ray's object store where we start it: names and reports only
LONGEST = 40  # of a path in which Ray puts its sockets, whose names have 107 bytes in all
LOCAL = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",  # it listens on this machine only; else a token would be written into the home folder
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # the loopback address on Linux, too
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}


class ClusterFailed(NonlocError, RuntimeError):
    """The workers of a cluster cannot be had."""


class RayCrew:
    """`jobs` actors, or as many as there are cores. address: HOST:PORT of a cluster; None starts one on this machine.

    count, threads: of actors, and of each; known when `run` has begun.
    """

    def __init__(self, address: str | None = None, jobs: int | None = None):
        self.address, self.jobs = address, jobs
        self.count, self.least, self.threads = jobs or 1, 1, 1

    def run(self, items: list[Any], task: Task) -> Generator[Result, None, None]:
        """Results as they come. A file whose worker died goes to another; one that kills four is a failed one."""
        missing = {item.number: item for item in items}
        with self._ray(task, len(items)) as data:
            for start in range(0, len(items), ROUND):
                yield from self._round(data, items[start : start + ROUND], task, AHEAD, missing)
            # what is missing may only have waited behind a file that kills: each now goes alone
            if missing:
                yield from self._round(data, list(missing.values()), task, 1, missing)
        for item in missing.values():
            died = f"each of {2 * (RETRIES + 1)} workers that took it died, most likely because memory ran out"
            yield Result(item.number, error=f"{item.name}: {died}. Take a smaller --memory or fewer --jobs.")

    def _round(self, data: Any, items: list[Any], task: Task, ahead: int, missing: dict[int, Any]) -> Iterator[Result]:
        """One data set through the pool, a block for each file, so that each result comes as soon as it is there."""
        rows = [{"item": pickle.dumps(item)} for item in items]
        threads = dict.fromkeys((*LIMITS, "NUMBA_NUM_THREADS"), str(self.threads))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that numbers of retries will be given otherwise from Ray 2.64 on
            results = data.from_items(rows, override_num_blocks=len(rows)).map_batches(
                Worker,
                fn_constructor_args=(task, fingerprint(task.describe()), os.getcwd(), self.threads),
                batch_size=1,
                batch_format="numpy",
                compute=data.ActorPoolStrategy(
                    min_size=min(self.least, len(rows)),
                    max_size=min(self.count, len(rows)),
                    max_tasks_in_flight_per_actor=ahead,
                ),
                num_cpus=self.threads,
                memory=task.options.memory if self.address and task.options else None,
                runtime_env={"env_vars": {**threads, "OMP_WAIT_POLICY": "PASSIVE"}},
                max_restarts=-1,
                max_task_retries=RETRIES,
            )
        for batch in results.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0):
            for number, result in zip(batch["number"], batch["result"], strict=True):
                if missing.pop(int(number), None) is not None:
                    yield pickle.loads(result)

    @contextlib.contextmanager
    def _ray(self, task: Task, files: int) -> Iterator[Any]:
        """ray.data, connected; on leaving, a cluster that was started here is gone and another is left."""
        if self.address is None:
            self.count = min(self.jobs or cores(), files)
            self.threads = max(1, cores() // self.count)
            self.least = self.count
            os.environ.update({name: value for name, value in LOCAL.items() if name not in os.environ})
        import ray
        import ray.data

        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        folder = tempfile.mkdtemp(prefix="nonloc-ray-") if self.address is None else None
        try:
            with _silent():
                self._connect(ray, folder)
            if threading.current_thread() is threading.main_thread():
                for number, handler in before.items():  # Ray takes SIGTERM for itself
                    signal.signal(number, handler)
            _quiet(ray.data)
            if self.address is not None:
                self._share_out(ray, task, files)
            yield ray.data
        except (ray.exceptions.RayError, ConnectionError) as error:
            found = str(error).strip().splitlines()[-1]
            raise ClusterFailed(f"--cluster ray:{self.address or ''}", found, "See the logs of Ray") from error
        finally:
            ray.shutdown()
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    def _connect(self, ray: Any, folder: str | None) -> None:
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        if self.address is not None:
            ray.init(address=self.address, **quiet)
            return
        ray.init(
            address="local",
            num_cpus=self.count * self.threads,
            include_dashboard=False,
            object_store_memory=STORE,
            _node_ip_address="127.0.0.1",
            _temp_dir=folder if folder and len(folder) <= LONGEST else None,
            **quiet,
        )

    def _share_out(self, ray: Any, task: Task, files: int) -> None:
        """How many actors of how many threads fit on the machines of a cluster that is there."""
        memory = task.options.memory if task.options else 1
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        have = [(int(node.get("CPU", 0)), int(node.get("memory", 0) // memory)) for node in nodes]
        most = max((cpus for cpus, _ in have), default=0)
        if self.jobs is not None:
            self.threads = min(max(1, sum(cpus for cpus, _ in have) // self.jobs), max(1, most))
        fit = sum(min(cpus // self.threads, room) for cpus, room in have)
        if not fit:
            found = f"no machine of the cluster has {self.threads} free cores and {memory / 2**30:.3g} GiB"
            raise UsageError(f"--cluster ray:{self.address}", found, "Take a smaller --memory, or other machines")
        self.count = min(self.jobs or fit, files)
        self.least = min(self.count, fit)  # the rest when the cluster grows


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Nothing on stderr, where compiled code would tell that its messages are off; what goes wrong is raised."""
    kept, none = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(none, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(none)


def _quiet(data: Any) -> None:
    """No bars and no messages of Ray's own among what we print: failures come back as results."""
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_errored_blocks = -1  # a file that kills its workers does not end the job
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    with contextlib.suppress(Exception):  # deaths of workers are printed to stdout, whatever log_to_driver says
        from ray._private import worker

        worker._worker_logs_enabled = False
