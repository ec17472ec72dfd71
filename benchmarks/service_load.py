"""The service under load from a second process: times, refusals, nothing lost, memory.

    python benchmarks/service_load.py [--seconds 8] [--requests 1000] [--jobs 1] [--verb repair] [--side 64]

A closed loop: each of so many clients sends a picture, waits for the answer, and sends the next. Capacity is the number
of clients that fill workers and queue. Every picture is another one, and every answer is compared with what the verb
makes of it here, so that an answer that is lost, doubled or swapped is seen. At the end: how many requests the process
served, its resident memory before and after, and what batches of small pictures would gain.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import nonloc
from nonloc.image.image import Image
from nonloc.image.write import encode
from nonloc.interfaces.service.client import Client, ServiceError

QUEUE, TIMEOUT, WAIT = 8, 20.0, 30.0  # WAIT beyond TIMEOUT: every answer is a result or a plain no
SETTINGS: dict[str, dict[str, Any]] = {
    "repair": {"damage": "impulses"},
    "denoise": {"method": "nonloc-s", "sigma": 25},
    "restore": {},
}


@contextlib.contextmanager
def started(*words: str) -> Iterator[tuple[subprocess.Popen, str, int]]:
    """`nonloc serve` in a process of its own; process, host, port. It is stopped by SIGTERM and has to end well."""
    command = [sys.executable, "-m", "nonloc", "serve", "--port", "0", "--no-page", "--grace", "1", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "serving at" not in (line := process.stderr.readline()):
        assert line, "it did not start"
    host, port = line.split("http://")[1].strip().split(":")
    try:
        yield process, host, int(port)
    finally:
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        print(f"exit {process.wait(60)}: {rest.strip().splitlines()[-1] if rest.strip() else ''}")


def memory_of(process: int) -> int:
    """Resident bytes of a process; Linux."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def picture(number: int, side: int) -> bytes:
    """A noisy picture that is like no other."""
    rng = np.random.default_rng(number)
    noisy = np.clip(rng.normal(128, 25, (side, side)) + number % 50, 0, 255).astype(np.uint8)
    return encode(Image(noisy, 1 / 255), "png")


def expected(content: bytes, verb: str) -> str:
    """The digest of what the verb makes of a picture here."""
    import tempfile

    from nonloc.image.write import write

    with tempfile.TemporaryDirectory() as folder:
        (source := Path(folder) / "in.png").write_bytes(content)
        restored = getattr(nonloc, verb)(source, **SETTINGS[verb])
        return hashlib.sha256(write(restored, Path(folder) / "out.png").read_bytes()).hexdigest()


def closed_loop(
    address: str, verb: str, pictures: list[bytes], digests: list[str], clients: int, seconds: float
) -> str:
    """One line of the table."""
    times: list[float] = []
    refused, wrong, lost, late = [0] * clients, [0] * clients, [0] * clients, [0] * clients
    end = time.monotonic() + seconds

    def ask(me: int) -> None:
        client, number = Client(address, patience=0), me
        while time.monotonic() < end:
            begun = time.perf_counter()
            try:
                answer = client.send(verb, pictures[number % len(pictures)], SETTINGS[verb])
            except ServiceError as error:
                refused[me] += "queue" in error.args[1] or "places" in error.args[1]
                late[me] += "not done within" in error.args[1]
                time.sleep(0.25)  # a client that was told to come again, though sooner than it was told
                continue
            except OSError:
                lost[me] += 1
                continue
            times.append(time.perf_counter() - begun)
            wrong[me] += hashlib.sha256(answer.content).hexdigest() != digests[number % len(pictures)]
            number += clients

    threads = [threading.Thread(target=ask, args=(me,)) for me in range(clients)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - begun
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else [float("nan")] * 99
    longest = 1000 * max(times, default=float("nan"))
    return (
        f"{clients:7d} {len(times):7d} {len(times) / took:9.1f} {1000 * cuts[49]:8.0f} {1000 * cuts[98]:8.0f} "
        f"{longest:8.0f} {sum(refused):8d} {sum(late):5d} {sum(lost):5d} {sum(wrong):6d}"
    )


def batching(side: int, count: int = 8) -> str:
    """What the network of the default gains from small pictures side by side in a batch."""
    import torch

    from nonloc.degradation import GaussianNoise
    from nonloc.methods.registry import create

    method, told = create("nonloc-s", channels=1, sigma=25), GaussianNoise(25)
    pixels, times = torch.rand(count, 1, side, side), dict[int, float]()
    with torch.inference_mode():
        for size in (1, count, 1, count, 1, count):
            begun = time.perf_counter()
            for first in range(0, count, size):
                method.restore(pixels[first : first + size], told)
            times[size] = min(times.get(size, 1e9), time.perf_counter() - begun)
    return f"batch of {count}, {side} x {side}: {times[1] / times[count]:.2f} times as fast as one by one"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--verb", choices=sorted(SETTINGS), default="repair")
    given = parser.parse_args()
    pictures = [picture(number, given.side) for number in range(40)]
    digests = [expected(content, given.verb) for content in pictures]
    words = ("--jobs", given.jobs, "--queue", QUEUE, "--timeout", TIMEOUT, "--wait", WAIT)
    begun = time.perf_counter()
    with started(*map(str, words)) as (process, host, port):
        address = f"http://{host}:{port}"
        alive = time.perf_counter() - begun
        client = Client(address)
        while not client.ready():
            time.sleep(0.02)
        print(
            f"{given.verb}, {given.side} x {given.side}, {given.jobs} workers; alive after {alive:.1f} s, ready after",
            end=" ",
        )
        print(f"{time.perf_counter() - begun:.1f} s")
        print("clients answers  a second   p50 ms   p99 ms   max ms  refused  late  lost  wrong")
        for clients in (1, 4, given.jobs + QUEUE, 4 * (given.jobs + QUEUE)):
            print(closed_loop(address, given.verb, pictures, digests, clients, given.seconds), flush=True)
        before, told = memory_of(process.pid), []
        for number in range(given.requests):
            client.send(given.verb, pictures[number % len(pictures)], SETTINGS[given.verb])
            if number % max(1, given.requests // 4) == 0:
                told.append(f"{memory_of(process.pid) / 2**20:.1f}")
        after = memory_of(process.pid)
        print(f"{given.requests} requests: {before / 2**20:.1f} MiB -> {after / 2**20:.1f} MiB ({', '.join(told)})")
    print(batching(given.side))


if __name__ == "__main__":
    main()
