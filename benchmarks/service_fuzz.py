"""Hostile uploads: no crash, no 500, no answer without a problem in it.

    python benchmarks/service_fuzz.py [10000] [--seed 0]

Starts the service in a process of its own, sends damaged, cut, swapped and invented pictures with sensible and
senseless options, and prints how many answers of which status came, how long they took, and the memory of the service.
"""

from __future__ import annotations

import argparse
import collections
import http.client
import json
import random
import tempfile
import time
from pathlib import Path
from urllib.parse import quote, urlencode

import numpy as np

from nonloc.image.image import Image
from nonloc.image.write import encode, write_pages

FORMATS = ("png", "jpeg", "tiff", "webp", "bmp", "avif")
INTERESTING = (b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\1\0", b"\xff\xff", b"\0\0\0\1")
OPTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "repair": {
        "damage": ("impulses", "impulses", "hot-pixels", "jpeg", "nothing"),
        "strength": ("1", "0", "nan", "-1"),
    },
    "upscale": {"method": ("bicubic", "nearest", "bmd3"), "factor": ("2", "0.5", "1e308", "-1", "nan", "64")},
    "denoise": {"method": ("gaussian", "median", "\0", "é" * 20), "sigma": ("25", "auto", "-1", "1e999", "jpeg:1", "")},
    "deblur": {"kernel": ("motion:3,1", "../../etc/passwd", "defocus:1e9", "motion:1e99,0", ":"), "sigma": ("2",)},
    "restore": {"strength": ("1", "zero"), "format": ("png", "exe")},
    "estimate": {},
}
FAST = ("repair", "repair", "repair", "repair", "repair", "repair", "upscale", "upscale")  # others look at the noise


def seeds() -> list[bytes]:
    """Small good files of all formats, gray and colour, 8 and 16 bits, one with pages."""
    rng, made = np.random.default_rng(0), []
    for dtype, white in ((np.uint8, 255), (np.uint16, 65535)):
        for shape in ((14, 17), (16, 12, 3)):
            picture = Image(rng.integers(0, white, shape, dtype, endpoint=True), 1 / white)
            for name in FORMATS:
                if dtype is np.uint8 or name in ("png", "tiff"):
                    made.append(encode(picture, name))
    with tempfile.TemporaryDirectory() as folder:
        pages = [Image(rng.integers(0, 255, (9, 11), np.uint8), 1 / 255) for _ in range(3)]
        made.append(write_pages(pages, Path(folder) / "pages.tif").read_bytes())
    return made


def damaged(rng: random.Random, good: list[bytes]) -> bytes:
    """A file as it should not be; one in eight is whole."""
    data, way = bytearray(rng.choice(good)), rng.randrange(8)
    if way == 0:
        return bytes(data)
    if way == 1:
        return bytes(data[: rng.randrange(len(data))])
    if way == 2:
        return rng.randbytes(rng.randrange(300))
    if way == 3:  # one file's head, another's body
        other = rng.choice(good)
        return bytes(data[: rng.randrange(200)]) + other[rng.randrange(len(other)) :]
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        at = rng.randrange(len(data) if way < 6 else min(len(data), 120))  # most harm is done in headers
        if way % 2:
            data[at : at + 4] = rng.choice(INTERESTING)
        else:
            data[at] = rng.randrange(256)
    return bytes(data) + (rng.randbytes(50) if way == 7 else b"")


def asked(rng: random.Random, slow: int = 20) -> str:
    """An address with options, sensible in most cases. One in `slow` may ask for what takes long."""
    verb = rng.choice(FAST) if rng.randrange(slow) else rng.choice(list(OPTIONS))
    options = {name: rng.choice(values) for name, values in OPTIONS[verb].items() if rng.randrange(4)}
    if verb == "repair" and rng.randrange(3):
        options = {"damage": "impulses"}
    if not rng.randrange(20):
        options[rng.choice(("ensemble", "quality", "format", "nothing", "set"))] = rng.choice(
            ("1", "tiff", "a=b", "\n")
        )
    return f"/v1/{quote(verb)}?{urlencode(options)}"


def fault(status: int, media: str, content: bytes) -> str:
    """What is wrong with an answer; '' where nothing is."""
    if status >= 500 and status != 504:
        return f"status {status}: {content[:300]!r}"
    if status >= 400:
        told = json.loads(content)
        if media != "application/problem+json" or not all(told.get(part) for part in ("asked", "found", "do")):
            return f"no problem in {content[:300]!r}"
        if "nonloc-serve-" in content.decode():
            return f"a path in {content[:300]!r}"
    return ""


def main() -> None:
    from service_load import memory_of, started

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng, good = random.Random(given.seed), seeds()
    answers: collections.Counter[int] = collections.Counter()
    seconds: list[float] = []
    faults: list[str] = []
    with started("--pixels", "1M", "--timeout", "60") as (process, host, port):
        connection = http.client.HTTPConnection(host, port, timeout=120)
        for number in range(given.count):
            address, content = asked(rng), damaged(rng, good)
            begun = time.perf_counter()
            connection.request("POST", address, content)
            answer = connection.getresponse()
            found = fault(answer.status, answer.getheader("content-type", ""), answer.read())
            seconds.append(time.perf_counter() - begun)
            answers[answer.status] += 1
            if found:
                faults.append(found)
                print(f"{number}: {address}: {found}", flush=True)
            if number % 1000 == 999:
                told = f"{memory_of(process.pid) >> 20} MiB, longest {max(seconds):.2f} s"
                print(f"{number + 1}: {dict(sorted(answers.items()))}; {told}", flush=True)
    print(f"{len(faults)} faults in {given.count}")


if __name__ == "__main__":
    main()
