"""The container of PNG: chunks in and out, each with length and checksum.

Source: ISO/IEC 15948, PNG specification (third edition, W3C 2025), sections 5 and 11.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from .source import Source

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 10_000  # beside the pixel data; real files have a few dozen

# must stand before the palette (section 5.6)
EARLY = {b"cHRM", b"cICP", b"gAMA", b"iCCP", b"mDCV", b"cLLI", b"sBIT", b"sRGB"}


class IHDR(NamedTuple):
    """The head of every PNG: sizes in pixels, bits per channel, colour type 0 2 3 4 6."""

    width: int
    height: int
    bits: int
    colour: int
    compression: int
    filter: int
    interlace: int

    @property
    def channels(self) -> int:
        return {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[self.colour]

    def pack(self) -> bytes:
        return struct.pack(">IIBBBBB", *self)


class Chunk(NamedTuple):
    """A chunk beside the pixels; `late` when it stands after them."""

    kind: bytes
    data: bytes
    late: bool = False


ALLOWED_BITS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def read_ihdr(source: Source) -> IHDR:
    """The first chunk, checked for values that no PNG may have."""
    head = source.head
    if len(head) < 33 or head[8:16] != b"\0\0\0\rIHDR":
        raise source.error("its first chunk is not the header that every PNG starts with")
    if zlib.crc32(head[12:29]) != int.from_bytes(head[29:33], "big"):
        raise source.error("the checksum of its header is wrong")
    ihdr = IHDR(*struct.unpack(">IIBBBBB", head[16:29]))
    if ihdr.bits not in ALLOWED_BITS.get(ihdr.colour, ()):
        raise source.error(f"its header declares colour type {ihdr.colour} with {ihdr.bits} bits, which PNG has not")
    if ihdr.compression or ihdr.filter or ihdr.interlace > 1:
        raise source.error("its header declares a compression, filter or interlace that PNG has not")
    return ihdr


def read_chunks(source: Source, data: bytes) -> tuple[list[bytes], list[Chunk]]:
    """All chunks after the header: pieces of pixel data, and the others in their order."""
    pixels: list[bytes] = []
    others: list[Chunk] = []
    at = 33
    while True:
        if at + 12 > len(data):
            raise source.error(f"ends after {len(data)} bytes, before its end chunk")
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        if len(body) < length or at + 12 + length > len(data):
            found = f"its chunk {_named(kind)} at byte {at} declares {length} bytes, the file ends after {len(data)}"
            raise source.error(found)
        checksum = int.from_bytes(data[at + 8 + length : at + 12 + length], "big")
        if zlib.crc32(body, zlib.crc32(kind)) != checksum:
            raise source.error(f"the checksum of its chunk {_named(kind)} at byte {at} is wrong")
        at += 12 + length
        if kind == b"IEND":
            break
        if kind == b"IDAT":
            pixels.append(body)
        elif kind[0:1].isupper() and kind != b"PLTE":
            raise source.error(f"it needs the unknown chunk {_named(kind)} to be read", "Convert it with its own tool")
        else:
            others.append(Chunk(kind, body, bool(pixels)))
            if len(others) > MAX_CHUNKS:
                raise source.error(f"it holds more than {MAX_CHUNKS} chunks beside its pixels")
    if not pixels:
        raise source.error("it holds no pixels")
    return pixels, others


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk as bytes, with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def raw_size(ihdr: IHDR) -> int:
    """Bytes of the decompressed pixel data; for an interlaced picture a lower bound."""
    return ihdr.height * ((ihdr.width * ihdr.channels * ihdr.bits + 7) // 8 + (0 if ihdr.interlace else 1))


def _named(kind: bytes) -> str:
    return kind.decode("latin-1").encode("unicode_escape").decode()
