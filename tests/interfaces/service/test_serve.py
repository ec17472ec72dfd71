"""`nonloc serve` as a process: it starts, it warns, and SIGTERM in the middle of load loses nothing."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from nonloc.errors import UsageError
from nonloc.interfaces.cli import main
from nonloc.interfaces.service.client import Client, ServiceError
from nonloc.interfaces.service.limits import Limits
from nonloc.interfaces.service.serve import read_token


@pytest.fixture
def process(tmp_path):
    """`nonloc serve` with some words; the process and its address."""
    running = []

    def start(*words):
        environment = {**os.environ, "TMPDIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "nonloc", "serve", "--port", "0", "--no-warm", *words]
        one = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        running.append(one)
        told = ""
        while not (found := re.search(r"serving at (\S+)", told)):
            line = one.stderr.readline()
            assert line, f"it ended: {told}"
            told += line
        return one, found[1], told

    yield start
    for one in running:
        with contextlib.suppress(ProcessLookupError):
            one.kill()
        one.wait()
        one.stderr.close()


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGTERM")
def test_sigterm_in_the_middle_of_load_loses_nothing_that_was_accepted(process, noisy, tmp_path):
    one, address, _ = process("--queue", "4", "--grace", "20")
    client, told, stop = Client(address, patience=0), [], threading.Event()
    expected = client.repair(noisy, damage="impulses").content
    job = client.submit("denoise", noisy, method="gaussian")

    def ask():
        while not stop.is_set():
            try:
                told.append(client.repair(noisy, damage="impulses").content)
            except ServiceError as error:
                told.append(error.args[0])
            except OSError:  # after its end nobody listens any more
                return

    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(ask)
        while sum(isinstance(one, bytes) for one in told) < 20:
            time.sleep(0.01)
        one.send_signal(signal.SIGTERM)
        while "the service" not in told:  # it is stopping, and says so
            time.sleep(0.01)
        assert job.result().content
        assert one.wait(30) == 0
        stop.set()
    answers = [one for one in told if isinstance(one, bytes)]
    assert set(answers) == {expected}
    assert {one for one in told if isinstance(one, str)} <= {"the request", "the service"}  # busy, draining
    ended, accepted = map(int, re.search(r"(\d+) of (\d+) accepted", one.stderr.read()).groups())
    assert ended == accepted == len(answers) + 2
    assert not list(tmp_path.glob("nonloc-serve-*"))


def test_ctrl_c_ends_an_idle_service_at_once(process):
    one, _, _ = process()
    one.send_signal(signal.SIGINT)
    assert one.wait(15) == 0
    assert "0 of 0 accepted" in one.stderr.read()


def test_a_host_that_others_reach_is_warned_of(process):
    assert "anyone who reaches" in process("--host", "0.0.0.0")[2]
    assert "anyone" not in process()[2]


def test_a_token_comes_from_a_file_or_the_environment(tmp_path, monkeypatch):
    path = tmp_path / "token"
    path.write_text("from a file\n")
    assert read_token(path) == "from a file"
    assert read_token(None) is None
    monkeypatch.setenv("NONLOC_TOKEN", "from outside")
    assert read_token(None) == "from outside"
    path.write_text("\n")
    for wrong in (path, tmp_path / "none"):
        with pytest.raises(UsageError, match="--token-file"):
            read_token(wrong)


@pytest.mark.parametrize(
    "words", [("--jobs", "0"), ("--wait", "nan"), ("--queue", "-1"), ("--pixels", "many"), ("--port", "70000")]
)
def test_limits_that_are_none_are_wrong_use(words, capsys):
    assert main(["serve", *words]) == 2
    assert words[0] in capsys.readouterr().err


def test_a_limit_is_a_number():
    with pytest.raises(UsageError, match="timeout"):
        Limits(timeout=float("inf"))
