"""An open TIFF: its pages checked, decoded, and parted into colour, alpha and what lies beside.

Source: TIFF 6.0 and BigTIFF. Pixels are decoded by tifffile with imagecodecs; a large uncompressed page is
memory-mapped. Tags are parsed here, before tifffile sees them, so that sizes are checked and nothing is lost.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import geotiff, hyperstack, ifd, measured, tiff_lerc
from .holes import KEY as HOLES
from .holes import filled
from .image import Image
from .layout import full_range, locked, native
from .source import Header, Source
from .tiff_overviews import MASK, SMALLER, Overview
from .tiff_stored import lab_signs
from .tiff_tags import Layout, Tags

MAP_FROM = 32 * 2**20  # bytes; smaller pages are simply read
KNOWN = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3, 9: 3}  # photometric interpretation -> colour channels
RAW = {50706, 33421, 50740}  # DNG version, pattern of a colour filter, DNG private data
# how much a compression can shrink at most, generously; those not named have no bound
SHRINK = {1: 1, 5: 4096, 8: 1032, 32946: 1032, 32773: 130}


@dataclass(frozen=True, eq=False)
class Palette:
    """How a palette picture was stored: indices (H, W), the tag with its 16-bit colours, and bits per index."""

    indices: np.ndarray
    colours: ifd.Entry
    bits: int
    order: str

    def expanded(self) -> np.ndarray:
        """RGB (H, W, 3): uint8 where the table holds no finer colours, else uint16."""
        table = np.frombuffer(self.colours.value, self.order + "u2").reshape(3, -1).T
        if (table % 257 == 0).all():
            return (table // 257).astype(np.uint8)[self.indices]
        if (table % 256 == 0).all():
            return (table // 256).astype(np.uint8)[self.indices]
        return table.astype(np.uint16)[self.indices]


class Book:
    """An open TIFF: the directories of its full pages (reduced copies and masks are not pages)."""

    def __init__(self, source: Source, stream):
        self.source, self.stream = source, stream
        self.size = stream.seek(0, 2)
        self.kind, first = ifd.parse_header(source.head)
        self.offsets = ifd.pages(self.take, first, self.kind)
        if not self.offsets:
            raise ifd.DirectoryError("it has no page")
        self.full: list[int] = []
        self.masks: dict[int, int] = {}  # of full pages
        self.reduced: dict[int, list[int]] = {}
        self.is_raw = False
        for index in range(len(self.offsets)):
            tags = self.tags(index)
            self.is_raw |= bool(RAW & set(tags.entries)) or tags.one(262, 1) in (32803, 34892)
            kind = tags.one(254, 0) & (SMALLER | MASK)
            if not kind:
                self.full.append(index)
            elif kind == MASK and self.full and tags.one(262, 1) == 4:
                self.masks[self.full[-1]] = index
            elif self.full:
                self.reduced.setdefault(self.full[-1], []).append(index)
            else:
                self.is_raw = True  # a preview comes first in many RAW files, and in nothing else
        self._tifffile: Any = None

    def take(self, at: int, size: int) -> bytes:
        if at + size > self.size:
            raise ifd.DirectoryError(f"byte {at + size} is needed, the file ends after {self.size}")
        self.stream.seek(at)
        return self.stream.read(size)

    def tags(self, index: int) -> Tags:
        return Tags(ifd.parse(self.take, self.offsets[index], self.kind)[0], self.kind)

    def header(self, number: int) -> Header:
        tags = self.tags(self.full[number])
        return Header(tags.one(256, 0), tags.one(257, 0), tags.one(277, 1), tags.one(258, 1))

    def image(self, number: int, max_pixels: int) -> Image:
        index = self.full[number]
        tags = self.tags(index)
        layout = tags.layout()
        self.check(tags, layout, self.header(number), max_pixels)
        stored = self.decoded(index, layout)
        metadata = tags.metadata()
        metadata.tags.update(pages=len(self.full), page=number)
        metadata.tags.update(self.beside(number))
        samples, alpha, extra = parted(stored, layout)
        if extra is not None:
            metadata.tags["tiff.extra"] = locked(extra)
        bits = layout.bits
        if layout.photometric == 3:
            colours = tags.entries.get(320)
            if colours is None or samples.dtype.kind != "u" or colours.length != 3 * 2**bits:
                raise self.source.error("its palette is missing or has the wrong length")
            palette = metadata.tags["tiff.palette"] = Palette(samples, colours, bits, self.kind.order)
            samples = palette.expanded()
            bits = 8 * samples.itemsize
        elif layout.photometric == 8 and samples.dtype.kind == "u":
            samples = lab_signs(samples)
        scale, offset = full_range(samples), 0.0
        if samples.dtype.kind == "u":
            top = tags.one(281, 0)
            fewer = layout.bits == 16 and top in (511, 1023, 2047, 4095, 8191, 16383, 32767)
            scale = 1 / top if fewer else 1 / (2**bits - 1)
            if layout.photometric in (0, 5):  # ink: 0 is white
                scale, offset = -scale, 1.0
        whole = measured.digest(samples) if geotiff.METADATA in tags.entries else None
        if layout.photometric != 3:
            samples, holes = self._filled(samples, tags, metadata.tags.get("tiff.mask"))
            if holes is not None:
                metadata.tags[HOLES] = holes
        if geotiff.TAGS & set(tags.entries) or hyperstack.is_ome(tags.text(270)):
            of_file = {"tiff.size": samples.shape[:2], "tiff.none": geotiff.nodata(tags), "tiff.digest": whole}
            metadata.tags.update(of_file)
        alpha = None if alpha is None else locked(alpha)
        return Image(locked(samples), scale, offset, alpha, metadata, "tiff", self.source.path)

    def check(self, tags: Tags, layout: Layout, head: Header, max_pixels: int) -> None:
        """All that can be refused before a pixel is decoded."""
        self.source.check(head, max_pixels)
        colours = KNOWN.get(layout.photometric)
        formats = set(tags.all(339)) - {1, 2, 3, 4}
        if colours is None or formats or head.channels < colours or tags.one(32997, 1) != 1:
            found = f"pixels of a kind not known here (photometric {layout.photometric}, {head.channels} channels)"
            raise self.source.error(found, "Convert it to a plain gray or RGB TIFF")
        if layout.photometric == 6 and layout.compression not in (6, 7):
            raise self.source.error("YCbCr pixels without JPEG coding", "Convert it to an RGB TIFF")
        if len(set(tags.all(258))) > 1:
            raise self.source.error(f"channels of {tags.all(258)} bits", "Convert it to equal bits per channel")
        counts = tags.all(325) or tags.all(279)
        starts = tags.all(324) or tags.all(273)
        if not starts or len(counts) != len(starts):
            raise self.source.error("it does not say where its pixels are")
        rows, across = layout.tile or (layout.rows or head.height, head.width)
        planes = head.channels if layout.planar else 1
        pieces = planes * -(-head.height // max(rows, 1)) * -(-head.width // max(across, 1))
        if len(starts) < pieces:
            raise self.source.error(f"it has {len(starts)} of its {pieces} strips or tiles")
        sparse = bool(geotiff.TAGS & set(tags.entries)) and not all(counts)  # what GDAL leaves out is nodata
        for start, count in zip(starts, counts, strict=True):
            if sparse and start == count == 0:
                continue
            if count == 0 or start + count > self.size:
                found = f"pixels at bytes {start} to {start + count}, the file ends after {self.size}"
                raise self.source.error(found if count else "some of its strips or tiles are empty")
        needed = head.width * head.height * head.channels * layout.bits // 8
        if layout.tile is not None and layout.tile[0] * layout.tile[1] > max(16 * head.width * head.height, 2**24):
            raise self.source.error(f"tiles of {layout.tile[1]} x {layout.tile[0]} for {head.width} x {head.height}")
        if needed > 32 * max_pixels:
            raise self.source.error(f"{needed} bytes of pixels", "Read it with a larger max_pixels")
        shrink = SHRINK.get(layout.compression)
        if shrink is not None and not sparse and needed > shrink * sum(counts) + 4096 * (shrink > 1):
            found = f"its {sum(counts)} bytes of pixels cannot hold the {head.width} x {head.height} that it declares"
            raise self.source.error(found)

    def beside(self, number: int) -> dict[str, Any]:
        """What lies beside a page, as tags of its picture: its mask, overviews to be made anew, what is not kept."""
        tags = self.tags(self.full[number])
        found: dict[str, Any] = {}
        if (mask := self.mask(number)) is not None:
            found["tiff.mask"] = mask
        reduced = [self.tags(index) for index in self.reduced.get(self.full[number], [])]
        if reduced and geotiff.TAGS & set(tags.entries):
            whole = tags.one(257, 1), tags.one(256, 1)
            found["tiff.overviews"] = tuple(
                Overview(one.layout(), (whole[0] / one.one(257, 1), whole[1] / one.one(256, 1)), one.one(254, 0) >= 4)
                for one in reduced
            )
        elif left := len(reduced) + len(tags.all(330)):
            found["tiff.note"] = f"{left} reduced copies in the file are not kept"
        return found

    def mask(self, number: int) -> np.ndarray | None:
        """The mask (H, W) of a page, 0 where its samples are none; None where it has none."""
        index = self.masks.get(self.full[number])
        if index is None:
            return None
        tags = self.tags(index)
        head = Header(tags.one(256, 0), tags.one(257, 0), 1, tags.one(258, 1))
        full = self.header(number)
        if (head.width, head.height) != (full.width, full.height):
            return None
        mask = self.decoded(index, tags.layout())
        return locked(mask) if mask.ndim == 2 else None

    def behind(self, layout: Layout, number: int) -> np.ndarray:
        """One of the planes that lie behind the samples of the only page, as ImageJ writes them beyond 4 GB."""
        tags = self.tags(self.full[0])
        shape = (tags.one(257, 0), tags.one(256, 0), *([tags.one(277, 1)] if tags.one(277, 1) > 1 else []))
        sign = {2: "i", 3: "f"}.get(tags.one(339, 1), "u")
        dtype = np.dtype(f"{self.kind.order}{sign}{layout.bits // 8}")
        size = int(np.prod(shape)) * dtype.itemsize
        stored = np.frombuffer(self.take(tags.one(273, 0) + number * size, size), dtype)
        return stored.reshape(shape).astype(native(dtype))

    def _filled(self, samples: np.ndarray, tags: Tags, mask: np.ndarray | None):
        none = geotiff.nodata(tags)
        outside = None if mask is None else mask == 0
        if samples.ndim == 3:
            return geotiff.filled_colour(samples, none, outside)
        bad = geotiff.unknown(samples, none)
        bad = outside if bad is None else bad if outside is None else bad | outside
        return (samples, None) if bad is None else filled(samples, bad)

    def decoded(self, index: int, layout: Layout) -> np.ndarray:
        """Samples as stored, (H, W) or (H, W, S), mapped from the file where that saves memory."""
        import tifffile

        if self._tifffile is None:
            # its warnings about odd tags go to those who listen, not to the terminal
            logger = logging.getLogger("tifffile")
            if not logger.handlers:
                logger.addHandler(logging.NullHandler())
            self.stream.seek(0)  # it takes the present place for the beginning
            self._tifffile = tifffile.TiffFile(self.stream)
        page = self._tifffile.pages[index]
        if page.offset != self.offsets[index] or page.dtype is None:
            raise self.source.error("pixels of a kind that cannot be decoded", "Convert it to a plain TIFF")
        if self.source.path is not None and page.nbytes >= MAP_FROM and page.is_memmappable:
            dtype = np.dtype(self.kind.order + page.dtype.char)
            stored = np.memmap(self.source.path, dtype, "r", page.dataoffsets[0], page.shape)
        else:
            stored = page.asarray()
            if stored.dtype.kind == "b":
                stored = stored.view(np.uint8)
            stored = stored.astype(native(stored.dtype), copy=False)
        if layout.planar and "S" in page.axes:
            stored = np.moveaxis(stored, page.axes.index("S"), -1)
        if stored.shape[:2] != (page.imagelength, page.imagewidth) or stored.ndim > 3:
            raise self.source.error(f"pixels of shape {stored.shape}", "Convert it to a plain TIFF")
        if layout.compression == tiff_lerc.LERC:
            return tiff_lerc.with_holes(stored, self.tags(index), layout, self.take)
        return stored


def parted(stored: np.ndarray, layout: Layout) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Colour, alpha and channels beside both; a gray page with several unmarked channels is all colour."""
    if stored.ndim == 2:
        return stored, None, None
    colours = KNOWN[layout.photometric]
    marks = layout.extra or (0,) * (stored.shape[2] - colours)
    if layout.photometric in (0, 1) and not {1, 2} & set(marks):
        return (stored if stored.shape[2] > 1 else stored[..., 0]), None, None
    samples = stored[..., 0] if colours == 1 else stored[..., :colours]
    if stored.shape[2] == colours:
        return samples, None, None
    beside = stored[..., colours:]
    which = next((i for i, mark in enumerate(marks) if mark in (1, 2)), 0)
    others = np.delete(beside, which, axis=-1) if beside.shape[2] > 1 else None
    return samples, beside[..., which], others
