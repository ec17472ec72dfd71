"""TIFF: 1 to 64 bits, whole numbers and floats, gray, colour, palette, CMYK, Lab, any number of pages.

Source: TIFF 6.0 and BigTIFF. Pixels are decoded by tifffile with imagecodecs; a large uncompressed page is
memory-mapped. Tags are parsed here, before tifffile sees them, so that sizes are checked and nothing is lost.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import ifd
from .image import Image
from .layout import full_range, locked, native
from .source import Header, Source
from .tiff_tags import Layout, Tags
from .tiff_write import lab_signs, write, write_pages

NAME = "tiff"
SUFFIXES = (".tif", ".tiff", ".btf", ".tf8")
LOSSY = False

MAP_FROM = 32 * 2**20  # bytes; smaller pages are simply read
SMALLER, MASK = 1, 4  # bits of NewSubfileType: a reduced copy, a mask
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


def matches(head: bytes) -> bool:
    """Whether a file that starts so is a TIFF or BigTIFF."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def header(source: Source) -> Header:
    """Size and layout of the first page, and how many there are."""
    with _opened(source) as book:
        return replace(book.header(0), pages=len(book.full))


def read(source: Source, max_pixels: int) -> Image:
    """Decode the first page."""
    with _opened(source) as book:
        return book.image(0, max_pixels)


def read_pages(source: Source, max_pixels: int) -> Iterator[Image]:
    """Decode the pages, one after the other."""
    with _opened(source) as book:
        for number in range(len(book.full)):
            yield book.image(number, max_pixels)


@contextlib.contextmanager
def _opened(source: Source) -> Iterator[Book]:
    with source.open() as stream:
        try:
            yield Book(source, stream)
        except ifd.DirectoryError as error:
            raise source.error(f"its tags are damaged: {error}") from error


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
        for index in range(len(self.offsets)):
            tags = self.tags(index)
            if not tags.one(254, 0) & (SMALLER | MASK):
                self.full.append(index)
            elif index == 0:
                found = "its first page is a preview, as in the RAW files of cameras"
                raise source.error(found, "Develop it to TIFF with a RAW converter first")
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
        if len(self.offsets) > len(self.full):
            left = len(self.offsets) - len(self.full)
            metadata.tags["tiff.note"] = f"{left} reduced copies or masks in the file are not kept"
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
        alpha = None if alpha is None else locked(alpha)
        return Image(locked(samples), scale, offset, alpha, metadata, NAME, self.source.path)

    def check(self, tags: Tags, layout: Layout, head: Header, max_pixels: int) -> None:
        """All that can be refused before a pixel is decoded."""
        self.source.check(head, max_pixels)
        if RAW & set(tags.entries) or layout.photometric in (32803, 34892):
            found = "it holds the raw values of a camera's sensor"
            raise self.source.error(found, "Develop it to TIFF with a RAW converter first")
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
        for start, count in zip(starts, counts, strict=True):
            if count == 0 or start + count > self.size:
                found = f"pixels at bytes {start} to {start + count}, the file ends after {self.size}"
                raise self.source.error(found if count else "some of its strips or tiles are empty")
        needed = head.width * head.height * head.channels * layout.bits // 8
        if layout.tile is not None and layout.tile[0] * layout.tile[1] > max(16 * head.width * head.height, 2**24):
            raise self.source.error(f"tiles of {layout.tile[1]} x {layout.tile[0]} for {head.width} x {head.height}")
        if needed > 32 * max_pixels:
            raise self.source.error(f"{needed} bytes of pixels", "Read it with a larger max_pixels")
        shrink = SHRINK.get(layout.compression)
        if shrink is not None and needed > shrink * sum(counts) + 4096 * (shrink > 1):
            found = f"its {sum(counts)} bytes of pixels cannot hold the {head.width} x {head.height} that it declares"
            raise self.source.error(found)

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


__all__ = ["header", "matches", "read", "read_pages", "write", "write_pages"]
