"""Directories of tags, as TIFF files and EXIF blocks hold them: parsed to raw bytes and put together again.

Source: TIFF 6.0 section 2; BigTIFF (Adobe, 2007); Exif 3.0 section 4.6 for the directories within.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .source import MAX_METADATA

SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
WORDS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
ITEMS = {5: 4, 10: 4}  # a rational is two numbers of four bytes
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, LONG8 = 1, 2, 3, 4, 5, 7, 16

EXIF, GPS, INTEROP = 34665, 34853, 40965
WITHIN = {EXIF, GPS, INTEROP}  # tags whose value is a directory
MAX_ENTRIES = 4096
DEEPEST = 3


class DirectoryError(ValueError):
    """A directory that contradicts itself; the formats turn it into an ImageError that names the file."""


class Entry(NamedTuple):
    """A tag with its raw value, in the byte order of its Kind; or, in `within`, the directory that it points to."""

    tag: int
    type: int
    length: int
    value: bytes
    within: tuple[Entry, ...] | None = None


@dataclass(frozen=True)
class Kind:
    """How directories are written: byte order '<' or '>', classic or BigTIFF."""

    order: str = "<"
    big: bool = False

    @property
    def header(self) -> bytes:
        """The first bytes of a file, with 0 where the offset of its first directory is to stand."""
        mark = b"II" if self.order == "<" else b"MM"
        if self.big:
            return mark + struct.pack(self.order + "HHHQ", 43, 8, 0, 0)
        return mark + struct.pack(self.order + "HI", 42, 0)

    @property
    def offset(self) -> str:
        return self.order + ("Q" if self.big else "I")


Read = Callable[[int, int], bytes]  # offset, size -> exactly so many bytes, or DirectoryError


def parse_header(head: bytes) -> tuple[Kind, int]:
    """Byte order and size of a TIFF's directories, and where the first one begins."""
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        raise DirectoryError("no TIFF header")
    version = struct.unpack(order + "H", head[2:4])[0]
    if version == 42:
        return Kind(order, False), struct.unpack(order + "I", head[4:8])[0]
    if version == 43 and len(head) >= 16 and struct.unpack(order + "HH", head[4:8]) == (8, 0):
        return Kind(order, True), struct.unpack(order + "Q", head[8:16])[0]
    raise DirectoryError(f"a TIFF header of version {version}")


def parse(read: Read, at: int, kind: Kind, depth: int = 0) -> tuple[tuple[Entry, ...], int]:
    """The entries of the directory at offset `at`, and the offset of the next one (0 for none)."""
    order, width = kind.order, 20 if kind.big else 12
    counter = order + ("Q" if kind.big else "H")
    number = struct.unpack(counter, read(at, struct.calcsize(counter)))[0]
    if not 0 < number <= MAX_ENTRIES:
        raise DirectoryError(f"a directory of {number} tags")
    at += struct.calcsize(counter)
    table = read(at, number * width)
    entries = []
    for i in range(0, number * width, width):
        tag, type_ = struct.unpack(order + "HH", table[i : i + 4])
        count = struct.unpack(kind.offset, table[i + 4 : i + 4 + (width - 4) // 2])[0]
        if type_ not in SIZES:
            continue  # cannot be measured, and the specification says to skip it
        size, inline = SIZES[type_] * count, table[i + 4 + (width - 4) // 2 : i + width]
        if tag in WITHIN and count == 1 and depth < DEEPEST:
            pointer = struct.unpack_from(order + WORDS.get(type_, "I"), inline)[0]
            within = parse(read, pointer, kind, depth + 1)[0]
            entries.append(Entry(tag, LONG, 1, b"", within))
            continue
        if size > 4 * MAX_METADATA:
            raise DirectoryError(f"tag {tag} declares {size} bytes")
        value = inline[:size] if size <= len(inline) else read(struct.unpack(kind.offset, inline)[0], size)
        entries.append(Entry(tag, type_, count, value))
    after = struct.unpack(kind.offset, read(at + number * width, (width - 4) // 2))[0]
    return tuple(entries), after


def pages(read: Read, first: int, kind: Kind, most: int = 100_000) -> list[int]:
    """Offsets of all directories of the chain; a loop or an endless chain is a DirectoryError."""
    counter, width = kind.order + ("Q" if kind.big else "H"), 20 if kind.big else 12
    found: dict[int, None] = {}
    at = first
    while at:
        if at in found or len(found) >= most:
            raise DirectoryError(f"its chain of pages does not end after {len(found)}")
        found[at] = None
        number = struct.unpack(counter, read(at, struct.calcsize(counter)))[0]
        if not 0 < number <= MAX_ENTRIES:
            raise DirectoryError(f"a directory of {number} tags")
        at = struct.unpack(kind.offset, read(at + struct.calcsize(counter) + number * width, (width - 4) // 2))[0]
    return list(found)


def numbers(entry: Entry, kind: Kind) -> tuple[int, ...]:
    """The whole numbers of an entry; empty for other types."""
    letter = WORDS.get(entry.type)
    return struct.unpack(f"{kind.order}{entry.length}{letter}", entry.value) if letter else ()


def entry(tag: int, type_: int, values: Iterable[int] | bytes, kind: Kind) -> Entry:
    """An entry of whole numbers, or of bytes as they are."""
    if isinstance(values, bytes):
        return Entry(tag, type_, len(values) // SIZES[type_], values)
    values = list(values)
    letter = "I" if type_ == RATIONAL else WORDS[type_]
    value = struct.pack(f"{kind.order}{len(values)}{letter}", *values)
    return Entry(tag, type_, len(value) // SIZES[type_], value)


def swapped(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The same entries in the other byte order."""
    out = []
    for e in entries:
        size = ITEMS.get(e.type, SIZES[e.type])
        value = np.frombuffer(e.value, f"u{size}").byteswap().tobytes() if size > 1 else e.value
        out.append(e._replace(value=value, within=None if e.within is None else swapped(e.within)))
    return tuple(out)


def packed(entries: Iterable[Entry], at: int, kind: Kind, after: int = 0) -> bytes:
    """A directory with all its values and directories within, as bytes to stand at the even offset `at`."""
    entries = sorted(entries, key=lambda e: e.tag)
    inline = 8 if kind.big else 4
    width = 4 + 2 * inline
    head = struct.pack(kind.order + ("Q" if kind.big else "H"), len(entries))
    place = at + len(head) + width * len(entries) + inline
    table, values = [], []
    for e in entries:
        type_, count, value = e.type, e.length, e.value
        if e.within is not None:
            place += place % 2
            value = packed(e.within, place, kind)
            type_, count = (LONG8 if kind.big else LONG), 1
        if e.within is None and len(value) <= inline:
            field = value.ljust(inline, b"\0")
        else:
            field = struct.pack(kind.offset, place)
            value += b"\0" * (len(value) % 2)
            values.append(value)
            place += len(value)
        table.append(struct.pack(kind.order + "HH", e.tag, type_) + struct.pack(kind.offset, count) + field)
    # every piece has even length and starts even, so that offsets stay even as the specification asks
    return b"".join([head, *table, struct.pack(kind.offset, after), *values])


def from_bytes(data: bytes) -> tuple[Kind, tuple[Entry, ...]]:
    """The first directory of an EXIF block (a small TIFF without pixels)."""

    def read(at: int, size: int) -> bytes:
        piece = data[at : at + size]
        if len(piece) < size:
            raise DirectoryError(f"it ends after {len(data)} bytes")
        return piece

    kind, first = parse_header(data[:16])
    return kind, parse(read, first, kind)[0]


def to_bytes(entries: Iterable[Entry], kind: Kind) -> bytes:
    """Entries as an EXIF block, always classic."""
    kind = Kind(kind.order, False)
    return kind.header[:4] + struct.pack(kind.offset, 8) + packed(entries, 8, kind)
