"""The few things that are asked of an EXIF block, which otherwise stays opaque bytes.

Source: Exif 3.0 section 4.6 (its first directory is a TIFF directory).
"""

from __future__ import annotations

from . import ifd
from .ifd import RATIONAL, SHORT, Kind
from .tiff_tags import UNITS, Tags, fraction

ORIENTATION = 274


def resolution(exif: bytes | None) -> tuple[float, float, str] | None:
    """(x, y, unit) as Metadata has it, or None where the block says nothing or cannot be parsed."""
    tags = _tags(exif)
    return None if tags is None else tags.resolution()


def orientation(exif: bytes | None) -> int:
    """1 to 8 as EXIF counts them; 1, upright, where the block says nothing."""
    tags = _tags(exif)
    value = 1 if tags is None else tags.one(ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def with_orientation(exif: bytes, value: int) -> bytes:
    """The same block with another orientation, changed in place so that nothing else moves."""
    kind, first = ifd.parse_header(exif[:16])
    count = int.from_bytes(exif[first : first + 2], "little" if kind.order == "<" else "big")
    tag = ifd.entry(ORIENTATION, SHORT, [value], kind).value
    mark = ifd.entry(0, SHORT, [ORIENTATION, SHORT], kind).value
    for at in range(first + 2, first + 2 + 12 * count, 12):
        if exif[at : at + 4] == mark:
            return exif[: at + 8] + tag + exif[at + 10 :]
    return exif


def of_resolution(x: float, y: float, unit: str) -> bytes:
    """A block that says nothing but the resolution, for formats that have no other place for it."""
    kind = Kind()
    number = {name: key for key, name in UNITS.items()}[unit]
    entries = [
        ifd.entry(282, RATIONAL, fraction(x), kind),
        ifd.entry(283, RATIONAL, fraction(y), kind),
        ifd.entry(296, SHORT, [number], kind),
    ]
    return ifd.to_bytes(entries, kind)


def _tags(exif: bytes | None) -> Tags | None:
    if not exif:
        return None
    try:
        kind, entries = ifd.from_bytes(exif)
    except ValueError:
        return None
    return Tags(entries, kind)
