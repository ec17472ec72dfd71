"""What the service takes on: sizes, places and times; and the checks of a picture before one pixel is decoded."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path

from ...errors import UsageError
from ...image import formats
from ...image.read import header, read_pages
from ...image.source import HEAD, Header
from .problems import Problem


@dataclass(frozen=True)
class Limits:
    """Bytes, pixels and seconds.

    upload: bytes of one picture. pixels: of one picture with all its pages, and of its result. queue: requests that
    wait or are being sent while all workers work. wait: how long an answer is waited for before the client is sent to
    the job. timeout: from acceptance to the end of the work. grace: how long results stay after a stop is asked for.
    keep: how long they stay otherwise. held: results that are kept at a time. stall: how long an upload may pause;
    it may take ten times that. spare: bytes of disk that are left free.
    """

    upload: int = 256 << 20
    pixels: int = 100_000_000
    queue: int = 16
    wait: float = 30.0
    timeout: float = 300.0
    grace: float = 30.0
    keep: float = 600.0
    held: int = 1000
    stall: float = 20.0
    spare: int = 256 << 20

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(f"--{one.name} {value}", "it is no limit", "Give a number, at least 0")


def check_picture(path: Path, limits: Limits, memory: int, factor: float = 1.0) -> tuple[str, Header]:
    """The format's name and what the header says; nothing is decoded.

    factor: how many times larger the result will be. Raises Problem for what is too large or of no format known,
    ImageError for a damaged header.
    """
    with open(path, "rb") as file:
        head = file.read(HEAD)
    module = formats.by_content(head)
    if module is None:
        known = ", ".join(m.NAME for m in formats.FORMATS)
        if not head:
            raise Problem("damaged", "the picture", "the body of the request is empty", "Send the bytes of one picture")
        found = "its first bytes belong to no picture format known here"
        raise Problem(
            "unknown-format", "the picture", found, f"Send {known}, as the bytes of the file and nothing else"
        )
    told = header(path)
    each = told.width * told.height
    _count(each * told.pages, limits, "it")
    if factor != 1:
        _count(math.ceil(each * told.pages * factor**2), limits, "the result")
    needed = each * told.channels * -(-told.bits // 8)
    if needed > memory:
        what = f"its {told.width} x {told.height} pixels need {needed >> 20} MiB when unpacked"
        do = f"Send a smaller one; a run may use {memory >> 20} MiB here"
        raise Problem("too-many-pixels", "the picture", what, do, {"limit": memory})
    return module.NAME, told


def check_pages(path: Path, limits: Limits) -> None:
    """Count the pixels of all pages, as the header speaks of the first one only. Each page is checked, then decoded."""
    seen = 0
    for page in read_pages(path, max_pixels=limits.pixels):
        seen += page.width * page.height
        _count(seen, limits, "its pages together")


def _count(pixels: int, limits: Limits, what: str) -> None:
    if pixels > limits.pixels:
        found = f"{what} would have {pixels} pixels" if what == "the result" else f"{what} has {pixels} pixels"
        do = f"Send a smaller one; the limit here is {limits.pixels}"
        raise Problem("too-many-pixels", "the picture", found, do, {"limit": limits.pixels})
