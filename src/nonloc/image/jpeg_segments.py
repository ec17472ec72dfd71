"""The container of JPEG: marker segments in and out, and what they say of the picture.

Source: ITU-T T.81 (JPEG), annex B; JFIF 1.02; Exif 3.0 section 4.7; ICC.1:2022 annex B.4; XMP part 3 section
1.1.3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from .source import MAX_METADATA, Source

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
EXIF, XMP, ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"
ROOM = 65533  # bytes that one segment holds
MAX_SCANS = 200  # real progressive files have about ten; thousands are an attack on time
MAX_SEGMENTS = 10_000

MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # in coded data ff00 is a byte and ffd0..ffd7 are restarts
ZIGZAG = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14,
    21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60,
    61, 54, 47, 55, 62, 63,
]  # fmt: skip


class Segment(NamedTuple):
    """A marker (its second byte) and what stands after its length."""

    marker: int
    data: bytes

    def pack(self) -> bytes:
        return bytes([0xFF, self.marker]) + (len(self.data) + 2).to_bytes(2, "big") + self.data


class Component(NamedTuple):
    """One channel of the frame: its number, sampling factors, and quantisation table."""

    number: int
    across: int
    down: int
    table: int


class Frame(NamedTuple):
    """The frame header (T.81 B.2.2); kind is the marker, 0xC0 baseline, 0xC2 progressive ..."""

    kind: int
    bits: int
    height: int
    width: int
    components: tuple[Component, ...]


@dataclass(frozen=True)
class File:
    """A JPEG taken apart. Its bytes are SOI, segments, coded, trailer; `coded` begins with SOS and ends with EOI."""

    segments: tuple[Segment, ...]
    frame: Frame
    tables: dict[int, list[int]]
    coded: bytes
    trailer: bytes

    def described(self) -> list[Segment]:
        """Segments that speak of the picture: APPn and comments, without Adobe's, which belongs to the coding."""
        return [s for s in self.segments if 0xE0 <= s.marker <= 0xEF or s.marker == 0xFE if not is_adobe(s)]

    def coding(self) -> list[Segment]:
        """Segments that the decoder needs."""
        return [s for s in self.segments if not (0xE0 <= s.marker <= 0xEF or s.marker == 0xFE) or is_adobe(s)]


def is_adobe(s: Segment) -> bool:
    return s.marker == 0xEE and s.data.startswith(b"Adobe") and len(s.data) >= 12


def is_jfif(s: Segment) -> bool:
    return s.marker == 0xE0 and s.data.startswith(b"JFIF\0") and len(s.data) >= 14


def take_apart(source: Source, data: bytes) -> File:
    """Walk through all markers up to EOI; raises ImageError where the file ends early or contradicts itself."""
    segments, at = _until_scan(source, data)
    frames = [s for s in segments if 0xC0 <= s.marker <= 0xCF and s.marker not in (0xC4, 0xC8, 0xCC)]
    if len(frames) != 1:
        raise source.error(f"it has {len(frames)} frame headers where a picture has one")
    frame = _frame(source, frames[0])
    end = _until_end(source, data, at)
    return File(tuple(segments), frame, _tables(source, segments), data[at:end], data[end:])


def _until_scan(source: Source, data: bytes) -> tuple[list[Segment], int]:
    """Segments before the first scan, and where that begins."""
    segments: list[Segment] = []
    at, held = 2, 0
    while True:
        start = at
        while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] == b"\xff":
            at += 1  # fill bytes
        if at + 4 > len(data):
            raise source.error(f"ends after {len(data)} bytes, before its pixels")
        if data[at] != 0xFF or data[at + 1] in (0x00, 0x01) or 0xD0 <= data[at + 1] <= 0xD9:
            raise source.error(f"no segment begins at byte {start}, where one is due")
        if data[at + 1] == 0xDA:
            return segments, at
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if length < 2 or len(body) < length - 2:
            found = f"its segment at byte {at} declares {length} bytes, the file ends after {len(data)}"
            raise source.error(found)
        segments.append(Segment(data[at + 1], body))
        held += len(body)
        if len(segments) > MAX_SEGMENTS or held > 4 * MAX_METADATA:
            raise source.error(f"its metadata go on after {len(segments)} segments and {held} bytes")
        at += 2 + length


def _until_end(source: Source, data: bytes, at: int) -> int:
    """The byte after EOI, scans and the tables between them skipped."""
    scans = 0
    while True:
        marker = data[at + 1]
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2 or at + 2 + length > len(data):
            raise source.error(f"ends after {len(data)} bytes, within its pixels")
        scans += marker == 0xDA
        if scans > MAX_SCANS:
            raise source.error(f"it has more than {MAX_SCANS} scans")
        found = MARKER.search(data, at + 2 + length)
        if found is None:
            raise source.error(f"ends after {len(data)} bytes, before the mark of its end")
        if found[0].endswith(b"\xd9"):
            return found.end()
        at = found.end() - 2


def _frame(source: Source, s: Segment) -> Frame:
    data = s.data
    if len(data) < 6 or len(data) != 6 + 3 * data[5]:
        raise source.error("its frame header has the wrong length")
    components = tuple(
        Component(data[i], data[i + 1] >> 4, data[i + 1] & 15, data[i + 2]) for i in range(6, len(data), 3)
    )
    height, width = int.from_bytes(data[1:3], "big"), int.from_bytes(data[3:5], "big")
    return Frame(s.marker, data[0], height, width, components)


def _tables(source: Source, segments: list[Segment]) -> dict[int, list[int]]:
    """Quantisation tables (T.81 B.2.4.1) in natural order."""
    tables = {}
    for s in segments:
        data = s.data if s.marker == 0xDB else b""
        while data:
            wide, number = data[0] >> 4, data[0] & 15
            size = 64 * (2 if wide else 1)
            if len(data) < 1 + size or wide > 1:
                raise source.error("a quantisation table has the wrong length")
            step = 2 if wide else 1
            values = [int.from_bytes(data[i : i + step], "big") for i in range(1, 1 + size, step)]
            natural = [0] * 64
            for value, place in zip(values, ZIGZAG, strict=True):
                natural[place] = value
            tables[number] = natural
            data = data[1 + size :]
    return tables


def icc_of(source: Source, segments: list[Segment]) -> bytes | None:
    """The colour profile, joined from its numbered pieces."""
    pieces = {}
    for s in segments:
        if s.marker == 0xE2 and s.data.startswith(ICC) and len(s.data) >= 14:
            pieces[s.data[12]] = s.data[14:]
    if not pieces:
        return None
    if sorted(pieces) != list(range(1, len(pieces) + 1)):
        raise source.error("pieces of its colour profile are missing", "Remove the profile with a metadata editor")
    return b"".join(pieces[number] for number in sorted(pieces))


def icc_segments(icc: bytes) -> list[Segment]:
    """A colour profile as numbered segments."""
    room = ROOM - 14
    pieces = [icc[i : i + room] for i in range(0, len(icc), room)]
    return [Segment(0xE2, ICC + bytes([i, len(pieces)]) + piece) for i, piece in enumerate(pieces, 1)]
