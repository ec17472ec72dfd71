"""What the tags of a TIFF page mean: layout of the pixels, metadata, and all others kept as they are.

Source: TIFF 6.0; TIFF Technical Note 3 (predictor 3); XMP part 3 section 1.1.6; ICC.1:2022 annex B.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from . import ifd
from .ifd import Entry, Kind
from .image import Metadata

XMP, ICC = 700, 34675
UNITS = {1: "none", 2: "inch", 3: "cm"}

# tags that say how pixels are stored; the writer makes them anew
STRUCTURE = {
    254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 282, 283, 284, 288, 289, 290,
    291, 292, 293, 296, 317, 320, 322, 323, 324, 325, 330, 338, 339, 340, 341, 347, 512, 513, 514, 515, 517, 518, 519,
    520, 521, 529, 530, 531, 532, 559, XMP, ICC,
}  # fmt: skip

# tags of the first directory that EXIF, too, has: description, camera, orientation, software, date, author
# ...
SHARED = {
    270,
    271,
    272,
    274,
    305,
    306,
    315,
    316,
    18246,
    18249,
    33432,
    40091,
    40092,
    40093,
    40094,
    40095,
    50341,
}
SHARED |= {ifd.EXIF, ifd.GPS}


@dataclass(frozen=True)
class Layout:
    """How a page stores its pixels, by the names and numbers of TIFF 6.0."""

    kind: Kind = Kind()  # noqa: RUF009 (frozen)
    compression: int = 8  # deflate
    predictor: int = 2
    photometric: int = 1
    planar: bool = False
    tile: tuple[int, int] | None = None  # height, width
    rows: int | None = None  # per strip
    extra: tuple[int, ...] = ()
    bits: int = 8
    subfile: int = 0


class Tags:
    """The entries of one page, asked by number."""

    def __init__(self, entries: tuple[Entry, ...], kind: Kind):
        self.entries = {e.tag: e for e in entries}
        self.kind = kind

    def all(self, tag: int) -> tuple[int, ...]:
        return ifd.numbers(self.entries[tag], self.kind) if tag in self.entries else ()

    def one(self, tag: int, default: int) -> int:
        return next(iter(self.all(tag)), default)

    def raw(self, tag: int) -> bytes | None:
        return self.entries[tag].value if tag in self.entries else None

    def text(self, tag: int) -> str:
        return (self.raw(tag) or b"").rstrip(b"\0").decode("utf-8", "replace")

    def layout(self) -> Layout:
        height = self.one(257, 0)
        rows = self.one(278, 0)
        tile = (self.one(323, 0), self.one(322, 0)) if 322 in self.entries else None
        return Layout(
            kind=self.kind,
            compression=self.one(259, 1),
            predictor=self.one(317, 1),
            photometric=self.one(262, 1),
            planar=self.one(284, 1) == 2,
            tile=tile,
            rows=rows if 0 < rows < height else None,
            extra=self.all(338),
            bits=self.one(258, 1),
            subfile=self.one(254, 0),
        )

    def metadata(self, also: frozenset[int] = frozenset()) -> Metadata:
        """What the page says beside its pixels. also: tags of its structure to be kept, too."""
        resolution = self.resolution()
        also |= frozenset() if resolution else {282, 283, 296}  # what says nothing stays as it is
        shared = [e for e in self.entries.values() if e.tag in SHARED]
        kept = tuple(
            e for e in self.entries.values() if e.tag not in (STRUCTURE - also) | SHARED and e.type not in (13, 18)
        )
        tags = {"tiff.tags": kept, "tiff.layout": self.layout()}
        if resolution is not None:
            tags["tiff.resolution"] = self.all_rationals()
        exif = ifd.to_bytes(shared, self.kind) if shared else None
        return Metadata(self.raw(ICC), exif, self.raw(XMP), resolution, tags)

    def all_rationals(self) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Horizontal and vertical resolution as the fractions that the file holds."""
        pairs = []
        for tag in (282, 283):
            e = self.entries.get(tag)
            if e is None or e.type != ifd.RATIONAL or e.length != 1:
                return None
            above, below = ifd.numbers(e._replace(type=ifd.LONG, length=2), self.kind)
            if below == 0:
                return None
            pairs.append((above, below))
        return pairs[0], pairs[1]

    def resolution(self) -> tuple[float, float, str] | None:
        """In the form of Metadata; 1 x 1 without unit, which writers put for 'unknown', is None."""
        pairs = self.all_rationals()
        unit = UNITS.get(self.one(296, 2), "none")
        if pairs is None or (pairs == ((1, 1), (1, 1)) and unit == "none"):
            return None
        (a, b), (c, d) = pairs
        return a / b, c / d, unit


def fraction(value: float) -> tuple[int, int]:
    """A resolution as the nearest fraction that a tag can hold."""
    exact = Fraction(value).limit_denominator(10_000)
    return min(exact.numerator, 2**32 - 1), exact.denominator
