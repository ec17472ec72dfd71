"""A job is killed at any instant and given again: the same files come out, none half, none twice."""

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from job_files import fill, hidden, same, start, visible

from nonloc import read
from nonloc.errors import ImageError

FILES = 12


class Watcher(threading.Thread):
    """Decodes every file as soon as it is visible, and compares it with what an unbroken run gives."""

    def __init__(self, folder: Path, expected: dict[str, str]):
        super().__init__(daemon=True)
        self.folder, self.expected = folder, expected
        self.wrong: list[str] = []
        self.looked: set[tuple[str, int, int]] = set()
        self.stop = threading.Event()
        self.came_to_its_end = False

    def run(self):
        while not self.stop.is_set():
            with contextlib.suppress(FileNotFoundError):  # the test has removed the folder for another round
                self.look()
            time.sleep(0.002)
        self.look()
        self.came_to_its_end = True

    def look(self):
        for name, found in same(self.folder).items():
            if (name, *found) in self.looked:
                continue
            data = (self.folder / name).read_bytes()
            self.looked.add((name, *found))
            try:
                read(data).samples.sum()
            except ImageError as error:
                self.wrong.append(f"{name}: {error}")
            if hashlib.sha256(data).hexdigest() != self.expected[name]:
                self.wrong.append(f"{name}: other bytes")


def words(out: str, jobs: int) -> list[str]:
    options = ["--method", "gaussian", "--set", "width=4", "--sigma", "20", "--jobs", str(jobs), "-q"]
    return ["denoise", "in", "-r", "-o", out, *options]


def finish(folder: Path, out: str, jobs: int) -> float:
    """Run the job to its end; seconds from its first line in the manifest."""
    child = start(*words(out, jobs), folder=folder)
    begun = wait_for_work(folder / out, child)
    assert child.wait() == 0, child.stderr.read().decode()
    return time.monotonic() - begun


def wait_for_work(out: Path, child) -> float:
    """Until the child is at work on a picture, or has ended."""
    before = manifest_size(out)
    while child.poll() is None and manifest_size(out) == before and not hidden(out):
        time.sleep(0.002)
    return time.monotonic()


def manifest_size(out: Path) -> int:
    path = out / "nonloc-job.jsonl"
    return path.stat().st_size if path.exists() else 0


def killed_and_given_again(folder: Path, kills: int, jobs: int, seed: int) -> dict[str, int]:
    """The test itself; returns what happened."""
    rng = random.Random(seed)
    names = [f"{i}.{'tif' if i % 3 else 'png'}" if i % 2 else f"sub/{i}.png" for i in range(FILES)]
    fill(folder / "in", *names, height=400, width=400, channels=3, bits=16)
    whole = finish(folder, "whole", jobs)
    expected = visible(folder / "whole")
    assert len(expected) == FILES
    out = folder / "out"
    watcher = Watcher(out, expected)
    watcher.start()
    told = {"kills": 0, "while working": 0, "with hidden files left": 0, "rounds": 1, "files decoded": 0}
    finished: dict[str, tuple[int, int]] = {}
    while told["kills"] < kills:
        child = start(*words("out", jobs), folder=folder)
        if rng.random() < 0.2:  # anywhere, also while it starts
            time.sleep(rng.uniform(0, 1))
        else:
            wait_for_work(out, child)
            time.sleep(rng.uniform(0, 2 * whole / min(kills, 5)))
        child.kill()
        ended = child.wait()
        told["kills"] += ended == -signal.SIGKILL
        told["with hidden files left"] += bool(hidden(out))
        now = same(out)
        assert {name: now[name] for name in finished} == finished, "a finished file was done again"
        told["while working"] += 0 < len(now) < FILES
        finished = now
        assert visible(out).items() <= expected.items()
        if ended == 0:  # done before it was killed: another round
            assert visible(out) == expected
            time.sleep(0.02)
            shutil.rmtree(out)
            finished = {}
            told["rounds"] += 1
    finish(folder, "out", jobs)
    now = same(out)
    assert {name: now[name] for name in finished} == finished, "a finished file was done again"
    assert visible(out) == expected
    assert hidden(out) == []
    watcher.stop.set()
    watcher.join()
    assert watcher.came_to_its_end
    assert watcher.wrong == []
    assert len(watcher.looked) >= FILES
    told["files decoded"] = len(watcher.looked)
    return told


@pytest.mark.slow
def test_three_kills_leave_the_same_files_as_none(tmp_path):
    told = killed_and_given_again(tmp_path, kills=3, jobs=1, seed=1)
    assert told["kills"] == 3


@pytest.mark.slow
@pytest.mark.skipif("NONLOC_KILLS" not in os.environ, reason="set NONLOC_KILLS=50 for the long run")
@pytest.mark.parametrize("jobs", [1, 2])
def test_many_kills_leave_the_same_files_as_none(tmp_path, jobs):
    print(jobs, killed_and_given_again(tmp_path, int(os.environ["NONLOC_KILLS"]), jobs, seed=jobs))


@pytest.mark.slow
@pytest.mark.parametrize(("number", "jobs"), [(signal.SIGINT, 1), (signal.SIGTERM, 2)])
def test_an_interrupted_job_leaves_nothing_half_and_goes_on(tmp_path, number, jobs):
    fill(tmp_path / "in", *(f"{i}.tif" for i in range(8)), height=500, width=500, channels=3, bits=16)
    child = start(*words("out", jobs), "--json", folder=tmp_path)
    wait_for_work(tmp_path / "out", child)
    os.killpg(child.pid, number)  # as a terminal does
    out, err = child.communicate()
    assert child.returncode == 130, err.decode()
    told = json.loads(out)
    assert told["interrupted"]
    assert told["done"] + told["unfinished"] == 8
    assert told["unfinished"] > 0
    assert "same command again to continue" in err.decode()
    assert hidden(tmp_path / "out") == []
    assert len(visible(tmp_path / "out")) == told["done"]
    finish(tmp_path, "out", jobs)
    assert len(visible(tmp_path / "out")) == 8


@pytest.mark.slow
def test_a_second_interrupt_ends_at_once(tmp_path):
    fill(tmp_path / "in", *(f"{i}.tif" for i in range(4)), height=500, width=500, channels=3, bits=16)
    child = start(*words("out", 2), folder=tmp_path)
    wait_for_work(tmp_path / "out", child)
    for _ in range(2):
        os.kill(child.pid, signal.SIGINT)
        time.sleep(0.01)
    child.communicate()
    assert child.returncode == 130
    finish(tmp_path, "out", 1)
    assert len(visible(tmp_path / "out")) == 4
    assert hidden(tmp_path / "out") == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_do_not_outlive_a_job_that_was_killed_whatever_they_are_doing(tmp_path):
    fill(tmp_path / "in", *(f"{i}.tif" for i in range(6)), height=1200, width=1200, bits=16)
    child = start(*words("out", 2), folder=tmp_path)
    while len(list((tmp_path / "out").glob(".*.part"))) < 2:
        time.sleep(0.002)  # until both are at work
        assert child.poll() is None
    workers = [pid for pid, parent in group(child.pid).items() if pid != child.pid and parent != child.pid]
    assert len(workers) == 2
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)  # as deep in their work as can be: they hear nothing
    child.kill()
    child.wait()
    for _ in range(200):
        if not group(child.pid):
            break
        time.sleep(0.05)
    left = list(group(child.pid))
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


def group(leader: int) -> dict[int, int]:
    """Living processes of a process group, each with its parent."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[2]) == leader:
            found[int(path.parent.name)] = int(fields[1])
    return found
