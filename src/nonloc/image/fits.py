"""FITS: the pictures of telescopes, whole numbers and floats, cubes as pages, where the extra `lab` (astropy) is there.

Source: FITS standard 4.0, Pence et al., A&A 524, 2010, DOI 10.1051/0004-6361/201015362, and its later edition of 2018.
Astropy parses headers; samples are taken here as they are stored, so that BZERO and BSCALE change none of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np

from ..errors import ImageError
from .fits_write import steps_of_cards, write, write_pages
from .holes import KEY as HOLES
from .holes import filled
from .image import Image, Metadata
from .layout import is_mapped, let_go, locked, native
from .measured import black_and_white, digest, scale_and_offset, spread
from .provenance import KEY
from .source import Header, Source

NAME = "fits"
SUFFIXES = (".fits", ".fit", ".fts")
LOSSY = False

BLOCK = 2880
LARGEST = 2**31  # bytes of a picture compressed in tiles
MAP_FROM = 32 * 2**20  # bytes; smaller pages are simply read
DTYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
NEEDS = "Install it with 'pip install nonloc[lab]'"


@dataclass(frozen=True, eq=False)
class Book:
    """Where in a file its picture stands: the header's bytes, and what lies before and behind it, which is kept.

    shape: (pages, H, W). dtype: as stored. turned: whole numbers whose sign BZERO turns, as the standard has it for
    those that FITS lacks (uint16, uint32, uint64, int8). scale, zero: what makes samples as given the values that they
    mean. blank: the whole number that means 'no value', or None. tiles: which HDU it is, if compressed in tiles.
    """

    source: Source
    size: int
    start: int
    header: bytes
    data: int
    end: int
    shape: tuple[int, int, int]
    dtype: np.dtype
    turned: bool
    scale: float
    zero: float
    blank: int | None
    tiles: int | None

    @property
    def given(self) -> np.dtype:
        """The dtype of the samples as they are given out."""
        return turned(self.dtype) if self.turned else native(self.dtype)

    def planes(self) -> np.ndarray:
        """All samples as stored, (pages, H, W), mapped where they lie in a file; those of tiles are all decoded."""
        if self.tiles is not None:
            with self.source.open() as stream, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with library(self.source.name).open(stream, memmap=False, do_not_scale_image_data=True) as hdus:
                    return np.asarray(hdus[self.tiles].data, self.dtype).reshape(self.shape)
        if self.source.path is None:
            number = int(np.prod(self.shape))
            return np.frombuffer(self.source.content(), self.dtype, number, self.data).reshape(self.shape)
        return np.asarray(np.memmap(self.source.path, self.dtype, "r", self.data, self.shape))

    def known(self, stored: np.ndarray) -> np.ndarray:
        """Where `stored` holds a value."""
        if stored.dtype.kind == "f":
            return np.isfinite(stored)
        return np.ones(stored.shape, bool) if self.blank is None else stored != self.blank


@dataclass(frozen=True, eq=False)
class Page:
    """The tag "fits" of a picture: which page of which book, and the digest of its samples, holes and all."""

    book: Book
    number: int
    digest: bytes


def matches(head: bytes) -> bool:
    """Whether a file that starts so is a FITS."""
    return head.startswith(b"SIMPLE  =")


def header(source: Source) -> Header:
    """Size and layout of the first picture in the file, and how many planes its cube has."""
    return _header(_book(source))


def read(source: Source, max_pixels: int) -> Image:
    """The first plane of the first picture in the file.

    Samples are those stored, whole numbers included, with the sign that BZERO gives them where it stands for unsigned
    ones; another BZERO and BSCALE stay in the header, and say what the samples mean. Black and white are the 0.1 % and
    99.9 % quantiles of all planes (8 bits: 0 and 255). The first stored row comes first, which telescopes take for
    the lowest. NaN, infinite values and BLANK are filled for the methods by the median of their neighbours, stand in
    ``metadata.tags["holes"]``, and are put back by each writer whose format holds floats. Further HDUs (tables, masks,
    other pictures) are kept as they are and not restored; they are copied from the file when the picture is written.
    A picture compressed in tiles (.fits.fz, up to 2 GiB) is decoded as a whole and written uncompressed.

    Raises ImageError: astropy is not installed, no picture, damaged.
    """
    return next(read_pages(source, max_pixels))


def read_pages(source: Source, max_pixels: int) -> Iterator[Image]:
    """The planes of the first picture in the file, one after the other; all have one scale and offset."""
    book = _book(source)
    source.check(_header(book), max_pixels)
    planes = book.planes()
    black, white = black_and_white(_numbers(book, part) for part in spread(planes))
    scale, offset = scale_and_offset(book.given, black, white)
    for number in range(book.shape[0]):
        samples, holes = _samples(book, planes[number])
        tags: dict[str, Any] = {"fits": Page(book, number, digest(samples if holes is None else holes.back(samples)))}
        if holes is not None:
            tags[HOLES] = holes
        if book.shape[0] > 1:
            tags.update(pages=book.shape[0], page=number)
        if steps := steps_of_cards(book.header):
            tags[KEY] = steps
        let_go(planes)
        yield Image(samples, scale, offset, None, Metadata(tags=tags), NAME, source.path)


def turned(dtype: np.dtype) -> np.dtype:
    """The dtype of the same bits with the other sign."""
    return np.dtype(("i" if dtype.kind == "u" else "u") + str(dtype.itemsize))


def turn(stored: np.ndarray) -> np.ndarray:
    """Whole numbers with the other sign: what BZERO = 2^(bits - 1), or -128, does to them. Its own inverse."""
    bits = native(stored.dtype)
    unsigned = stored.astype(bits).view(f"u{bits.itemsize}")
    return (unsigned ^ np.array(1 << (8 * bits.itemsize - 1), unsigned.dtype)).view(turned(bits))


def library(asked: str):
    """astropy.io.fits, or an ImageError that says how to have it."""
    try:
        import astropy.io.fits
    except ImportError:
        raise ImageError(asked, "FITS needs the package astropy, which is not installed", NEEDS) from None
    return astropy.io.fits


def _samples(book: Book, stored: np.ndarray):
    bad = None
    if stored.dtype.kind == "f" or book.blank is not None:
        bad = ~book.known(stored)
    if book.turned:
        stored = turn(stored)
    elif stored.nbytes < MAP_FROM or not is_mapped(stored) or (bad is not None and bad.any()):
        stored = stored.astype(native(stored.dtype))
    samples, holes = (stored, None) if bad is None else filled(stored, bad)
    return locked(samples), holes


def _numbers(book: Book, stored: np.ndarray) -> np.ndarray:
    given = turn(stored) if book.turned else stored
    return np.where(book.known(stored), given, np.nan)


def _header(book: Book) -> Header:
    pages, height, width = book.shape
    return Header(width, height, 1, 8 * book.dtype.itemsize, pages)


def _book(source: Source) -> Book:
    fits = library(source.name)
    with source.open() as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cards that bend the standard: they are kept as they are
        size = stream.seek(0, 2)
        stream.seek(0)
        with fits.open(
            stream, mode="readonly", memmap=False, lazy_load_hdus=True, disable_image_compression=True
        ) as hdus:
            for index, hdu in enumerate(hdus):
                if hdu.header.get("ZIMAGE"):
                    return _of_tiles(source, size, stream, index, hdu.fileinfo())
                if hdu.is_image and hdu.header.get("NAXIS", 0) > 0 and not hdu.header.get("GROUPS"):
                    place = hdu.fileinfo()
                    stream.seek(place["hdrLoc"])
                    raw = stream.read(place["datLoc"] - place["hdrLoc"])
                    return _of_hdu(source, size, hdu.header, place["hdrLoc"], raw)
    raise source.error("it holds no picture, only tables or headers", "Take a file with an image HDU")


def _of_tiles(source: Source, size: int, stream: BinaryIO, index: int, place: dict[str, int]) -> Book:
    """The book of a picture compressed in tiles, with the header of what they decode to."""
    stream.seek(0)
    with library(source.name).open(stream, memmap=False, do_not_scale_image_data=True) as hdus:
        cards = hdus[index].header
        end = min(size, place["datLoc"] + place["datSpan"])
        raw = cards.tostring().encode("ascii")
        return replace(_of_hdu(source, LARGEST, cards, place["hdrLoc"], raw), size=size, end=end, tiles=index)


def _of_hdu(source: Source, size: int, cards, start: int, raw: bytes) -> Book:
    """The book of a picture whose header, `raw` in the file, begins at `start`."""
    axes = [int(cards[f"NAXIS{i + 1}"]) for i in range(cards["NAXIS"])]
    if len(axes) < 2:
        raise source.error(f"its samples have one axis of {axes[0]}, a spectrum or table", "Take a file with a picture")
    if min(axes) < 1:
        raise source.error(f"its header declares axes of {axes}")
    dtype = np.dtype(DTYPES[cards["BITPIX"]])
    zero, scale = cards.get("BZERO", 0), cards.get("BSCALE", 1)
    middle = -128 if dtype.itemsize == 1 else 2 ** (8 * dtype.itemsize - 1)
    blank = cards.get("BLANK") if dtype.kind in "ui" else None
    pages = int(np.prod(axes[2:], dtype=object))
    data, needed = start + len(raw), pages * axes[1] * axes[0] * dtype.itemsize
    if data + needed > size:
        raise source.error(f"{needed} bytes of samples from byte {data} on, the file ends after {size}")
    end = min(size, data + needed + -needed % BLOCK)
    is_turned = dtype.kind in "ui" and scale == 1 and zero == middle
    if is_turned:
        scale, zero = 1, 0
    shape = (pages, axes[1], axes[0])
    return Book(source, size, start, raw, data, end, shape, dtype, is_turned, scale, zero, blank, None)


__all__ = ["header", "matches", "read", "read_pages", "write", "write_pages"]
