"""TIFF: 1 to 64 bits, whole numbers and floats, gray, colour, palette, CMYK, Lab, any number of pages.

Source: TIFF 6.0 and BigTIFF. What a page is, `tiff_book` knows; of measurements, `tiff_planes`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from . import ifd, raw, tiff_planes
from .image import Image
from .source import Header, Source
from .tiff_book import Book
from .tiff_write import write, write_pages

NAME = "tiff"
SUFFIXES = (".tif", ".tiff", ".btf", ".tf8", ".ome.tif", ".ome.tiff", ".dng")  # a DNG is written by `raw`
LOSSY = False


def matches(head: bytes) -> bool:
    """Whether a file that starts so is a TIFF or BigTIFF."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def header(source: Source) -> Header:
    """Size and layout of the first page, and how many there are."""
    with _opened(source) as book:
        if book.is_raw:
            return raw.header(source)
        if (stack := tiff_planes.stack_of(book)) is not None:
            return tiff_planes.header(book, stack)
        return replace(book.header(0), pages=len(book.full))


def read(source: Source, max_pixels: int) -> Image:
    """Decode the first page: see `read_pages`."""
    return next(read_pages(source, max_pixels))


def read_pages(source: Source, max_pixels: int) -> Iterator[Image]:
    """Decode the pages, one after the other.

    Of stacks of ImageJ and OME, and of GeoTIFF that is no colour picture, each band of a page is a page here (see
    `tiff_planes`), of camera RAW each colour of the mosaic (see `raw`). NaN, infinite and nodata samples are filled for
    the methods and put back when written: see `fits.read`.
    """
    with _opened(source) as book:
        if book.is_raw:
            yield from raw.read_pages(source, max_pixels)
            return
        if (stack := tiff_planes.stack_of(book)) is not None:
            yield from tiff_planes.planes(book, stack, max_pixels)
            return
        for number in range(len(book.full)):
            yield book.image(number, max_pixels)


@contextlib.contextmanager
def _opened(source: Source) -> Iterator[Book]:
    with source.open() as stream:
        try:
            yield Book(source, stream)
        except ifd.DirectoryError as error:
            raise source.error(f"its tags are damaged: {error}") from error


__all__ = ["header", "matches", "read", "read_pages", "write", "write_pages"]
