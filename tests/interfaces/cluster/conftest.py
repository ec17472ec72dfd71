"""A cluster of one machine with a home folder of its own, and an end to all that it started."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import job_files
import pytest

pytest.importorskip("ray")
pytest.importorskip("pyarrow")

MARK = "NONLOC_TEST_CLUSTER"


def marked(mark: str, title: str = "") -> list[int]:
    """Living processes that have inherited the mark, and whose command line holds `title`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            inherited = f"{MARK}={mark}\0".encode() in (folder / "environ").read_bytes()
            if inherited and title.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def end(mark: str) -> None:
    """Kill what is left of a cluster, and nothing else."""
    for _ in range(50):
        left = [pid for pid in marked(mark) if pid != os.getpid()]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not left:
            return
        time.sleep(0.1)


@pytest.fixture(scope="package")
def environment(tmp_path_factory):
    """For children: a home folder of their own and a mark, by which they and theirs are found."""
    if sys.platform != "linux":
        pytest.skip("finds processes in /proc")
    home = tmp_path_factory.mktemp("home")
    mark = f"{os.getpid()}-{time.time_ns()}"
    ray = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    added = {MARK: mark, "HOME": str(home), **ray}  # the last: on the loopback address, on Linux too
    before = dict(job_files.ENVIRONMENT)
    job_files.ENVIRONMENT.update(added)
    yield added
    job_files.ENVIRONMENT.clear()
    job_files.ENVIRONMENT.update(before)
    end(mark)


@pytest.fixture(scope="package")
def processes(environment):
    """Finds the processes of our clusters whose command line holds a word."""
    return partial(marked, environment[MARK])


@pytest.fixture(scope="package")
def cluster(environment, tmp_path_factory):
    """HOST:PORT of a cluster of two cores that others have started, as far as nonloc knows."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "node-ip-address": "127.0.0.1",
        "port": port,
        "num-cpus": 2,
        "memory": 8 << 30,
        "object-store-memory": 100 << 20,
        "include-dashboard": "false",
        "temp-dir": f"/tmp/ray-{os.getpid()}",  # short: sockets lie there
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    child = subprocess.Popen(
        [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", *words],
        env=job_files.ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    said = ""
    for line in child.stdout or ():
        said += line
        if "Ray runtime started" in line:
            break
    else:
        pytest.skip(f"no cluster can be started here: {said[-500:]}")
    yield f"127.0.0.1:{port}"
    end(environment[MARK])
    child.wait()
    shutil.rmtree(f"/tmp/ray-{os.getpid()}", ignore_errors=True)
