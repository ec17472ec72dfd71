"""A zip of finished results, sent while it is made; pictures are packed already, so they are only laid in."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator

from .names import unique
from .work import Work

BLOCK = 1 << 20
DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold: the same results give the same bytes


class Sink(io.RawIOBase):
    """Takes what the zip writer writes, to be sent on."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.kept.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        data, self.kept = b"".join(self.kept), []
        return data


def packed(works: list[Work]) -> Iterator[bytes]:
    """The bytes of a zip with each work's result and a report of all."""
    sink, taken, reports = Sink(), {"nonloc-report.json"}, []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for work in works:
            name = unique(work.name, taken)
            reports.append({**(work.record or {}), "output": name})
            with open(work.path, "rb") as file, archive.open(_entry(name), "w", force_zip64=True) as entry:
                while block := file.read(BLOCK):
                    entry.write(block)
                    yield sink.take()
        archive.writestr(_entry("nonloc-report.json"), json.dumps(reports, indent=2))
    yield sink.take()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, DATE)
    entry.external_attr = 0o644 << 16
    return entry
