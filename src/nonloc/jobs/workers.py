"""Who does the work: this process, or several that share code and weights.

The workers are forked from a server process that has loaded the engine, torch and the weights before (forkserver; on
Windows each starts anew), so all share that memory. Each works on one file at a time. One that dies, as when memory
runs out, costs the file it had, and is replaced.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from ..errors import NonlocError
from ..verbs.task import Task
from .work import Item, Result, Tell, work

OFTEN = 0.2  # seconds between two reports of progress
PRELOAD = "NONLOC_PRELOAD"  # what the server loads before it forks, as JSON; see preload.py
STARTS = 3  # workers in a row that may die before they are ready
LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Listener = Callable[[int, float], None]


class WorkersFailed(NonlocError, RuntimeError):
    """Worker processes cannot be started."""


def in_process(items: Iterable[Item], task: Task, tell: Listener | None = None) -> Iterator[Result]:
    """Work here, one file after the other."""
    for item in items:
        yield work(item, task, _for(item, tell))


def _for(item: Item, tell: Listener | None) -> Tell | None:
    return None if tell is None else lambda done: tell(item.number, done)


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    ready: bool = False
    item: Item | None = None


class Pool:
    """`count` worker processes. Use as a context: on leaving it, all are gone, whatever they were doing."""

    def __init__(self, count: int, task: Task):
        self.count, self.task = count, task
        self.threads = max(1, cores() // count)
        self.workers: list[_Worker] = []
        self.stillborn = 0

    def __enter__(self) -> Pool:
        self.context = _context(self.task, self.threads)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End all workers and wait for it; their unfinished results stay hidden and are swept up by the caller."""
        self.end()
        for worker in self.workers:
            worker.process.join()
            worker.pipe.close()
        self.workers.clear()

    def end(self) -> None:
        """End all workers now."""
        for worker in self.workers:
            worker.process.kill()

    def run(self, items: Iterable[Item], tell: Listener | None = None) -> Iterator[Result]:
        """Results as they come; the order is that of finishing."""
        waiting = list(items)[::-1]
        while waiting or any(worker.item for worker in self.workers):
            while len(self.workers) < min(self.count, len(waiting) + sum(w.item is not None for w in self.workers)):
                self._start()
            for pipe in wait([worker.pipe for worker in self.workers]):
                worker = next(w for w in self.workers if w.pipe is pipe)
                result = self._hear(worker, tell)
                if result is not None:
                    yield result
                if worker in self.workers and worker.ready and worker.item is None and waiting:
                    worker.item = waiting.pop()
                    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its death is heard next
                        worker.pipe.send(worker.item)

    def _start(self) -> None:
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=serve, args=(theirs, self.task, self.threads), daemon=True)
        process.start()
        theirs.close()
        self.workers.append(_Worker(process, ours))

    def _hear(self, worker: _Worker, tell: Listener | None) -> Result | None:
        try:
            told = worker.pipe.recv()
        except (EOFError, ConnectionResetError, pickle.UnpicklingError):
            return self._died(worker)
        if told is None:
            worker.ready, self.stillborn = True, 0
        elif isinstance(told, Result):
            worker.item = None
            return told
        elif tell is not None:
            tell(*told)
        return None

    def _died(self, worker: _Worker) -> Result | None:
        self.workers.remove(worker)
        worker.process.join(5)
        worker.pipe.close()
        code = worker.process.exitcode
        how = f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
        if not worker.ready:
            self.stillborn += 1
            if self.stillborn < STARTS:
                return None  # `run` starts another
            raise WorkersFailed("starting a worker process", f"it ended {how}", "Run with --jobs 1 to see the cause")
        if worker.item is None:
            return None
        memory = ", most likely because memory ran out" if code == -getattr(signal, "SIGKILL", 9) else ""
        source = worker.item.source.path
        do = "Take fewer --jobs or a smaller --memory, and give the same command again"
        return Result(worker.item.number, error=f"{source}: the process that worked on it ended {how}{memory}. {do}.")


def serve(pipe: Connection, task: Task, threads: int) -> None:
    """The life of a worker: take a file, send its result, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _end_with_parent()
    limit(threads, task.network)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        pipe.send(None)
        while True:
            item = pipe.recv()
            pipe.send(work(item, task, _seldom(pipe, item.number)))


def _seldom(pipe: Connection, number: int) -> Tell:
    last = 0.0

    def tell(done: float) -> None:
        nonlocal last
        if time.monotonic() - last > OFTEN:
            last = time.monotonic()
            pipe.send((number, done))

    return tell


def _end_with_parent() -> None:
    """A job that was killed leaves no process behind that goes on for nobody."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()
    if sys.platform == "linux":  # compiled code may keep that thread waiting; the kernel does not wait
        import fcntl

        parent = multiprocessing.parent_process()
        if parent is not None:  # nothing ever comes through this pipe but its end, which then brings SIGKILL
            with contextlib.suppress(OSError):
                fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
                fcntl.fcntl(parent.sentinel, fcntl.F_SETSIG, signal.SIGKILL)
                flags = fcntl.fcntl(parent.sentinel, fcntl.F_GETFL)
                fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def cores() -> int:
    """Cores that this process may use, or what OMP_NUM_THREADS says."""
    if os.environ.get("OMP_NUM_THREADS", "").isdigit():
        return max(1, int(os.environ["OMP_NUM_THREADS"]))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit(threads: int, network: bool) -> None:
    """Take so many threads in this process and no more."""
    if network:
        import torch

        torch.set_num_threads(threads)
    if "numba" in sys.modules:
        numba = sys.modules["numba"]
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    else:
        os.environ["NUMBA_NUM_THREADS"] = str(threads)


def _context(task: Task, threads: int) -> Any:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nonloc.jobs.preload"])
    # the server reads its environment once, when it starts; ours is left as it was
    given = {PRELOAD: json.dumps(task.preload()), **dict.fromkeys(LIMITS, str(threads))}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        with _blocked():
            forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return context


@contextlib.contextmanager
def _blocked() -> Iterator[None]:
    """Start the server with the interrupt ignored, so that Ctrl-C on a terminal does not reach it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
