"""The boxes of HEIF and AVIF files: brands, and the sizes and depths that they declare, without any decoder.

Source: ISO/IEC 23008-12 (HEIF) sections 6.5.3 ispe and 6.5.6 pixi; ISO/IEC 14496-12 section 4.2 boxes.
"""

from __future__ import annotations

from collections.abc import Iterator

from .source import Header, Source

MAX_BOXES = 100_000
AVIF_BRANDS = {b"avif", b"avis"}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def brand(head: bytes) -> bytes | None:
    """The first brand of the file that is AVIF's or HEIC's, or None."""
    if head[4:8] != b"ftyp":
        return None
    size = int.from_bytes(head[:4], "big")
    brands = [head[8:12], *(head[i : i + 4] for i in range(16, min(size, len(head)), 4))]
    for known in (AVIF_BRANDS, HEIC_BRANDS):  # general brands such as mif1 stand beside the particular ones
        for name in brands:
            if name in known:
                return name
    return None


def boxes(source: Source, data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, begin, end) of the content of each box between two places."""
    at = start
    for _ in range(MAX_BOXES):
        if at >= end:
            return
        size, kind, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            raise source.error(f"its box at byte {at} declares {size} bytes, {end - at} are left")
        yield kind, at + head, at + size
        at += size
    raise source.error(f"it holds more than {MAX_BOXES} boxes")


def declared(source: Source, data: bytes) -> Header:
    """The largest size and depth that any picture of the file declares, checked against the file's length."""
    sizes, bits, channels = [(0, 0)], 8, 3
    for kind, begin, end in boxes(source, data, 0, len(data)):
        if kind != b"meta":
            continue
        for inner, a, b in boxes(source, data, begin + 4, end):
            if inner != b"iprp":
                continue
            for container, c, d in boxes(source, data, a, b):
                if container != b"ipco":
                    continue
                for name, e, f in boxes(source, data, c, d):
                    if name == b"ispe" and f - e >= 12:
                        width, height = (int.from_bytes(data[e + i : e + i + 4], "big") for i in (4, 8))
                        sizes.append((width, height))
                    elif name == b"pixi" and f - e > 5:
                        bits = max(bits, *data[e + 5 : f])
                    elif name == b"auxC" and b"alpha" in data[e:f]:
                        channels = 4
    width, height = max(sizes, key=lambda s: s[0] * s[1])
    return Header(width, height, channels, bits)
