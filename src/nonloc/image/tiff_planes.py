"""Measurements in TIFF: stacks of ImageJ and OME, bands of GeoTIFF. Each plane is a page, with a range of its own.

Source: TIFF 6.0; the ImageJ format (ImageJ's TiffDecoder, its description of `key=value` lines); OME-TIFF
specification 6.0; OGC GeoTIFF 1.1, and GDAL's tags 42112 and 42113. Channels are told from time, depth and place, and
black and white are those of a channel (see `measured`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from . import geotiff, hyperstack
from .holes import KEY as HOLES
from .holes import Holes, filled
from .image import Image
from .layout import locked
from .measured import black_and_white, digest, scale_and_offset
from .source import Header
from .tiff_tags import Layout, Tags

if TYPE_CHECKING:
    from .tiff_book import Book

KEY = "tiff.plane"
SEEN = 16  # pages of a channel that black and white are judged by
LOOKED_AT = 1_000_000  # samples of them
MOST = 1_000_000  # planes behind one directory
# beside the tags that are no structure, a stack keeps bounds of samples, halftones, palette, and what is the default
ALSO = frozenset({255, 263, 264, 265, 280, 281, 290, 291, 320, 339, 340, 341})


@dataclass(frozen=True, eq=False)
class Stack:
    """What the planes of one file are.

    kind: 'imagej', 'ome' or 'geo'. pages: directories that count, or as many pages as ImageJ says that lie behind a
    single one (`behind`). bands: of each page, those that are restored. channels: of each plane; planes of one
    channel share black and white. alpha: which band of each page is alpha, -1 for none. uuid: of an OME file that
    stands alone.
    """

    kind: str
    bands: tuple[int, ...]
    channels: tuple[Any, ...]
    alpha: tuple[int, ...]
    behind: bool = False
    uuid: bytes | None = None

    @property
    def pages(self) -> int:
        return len(self.bands)

    @property
    def planes(self) -> int:
        return sum(self.bands)


@dataclass(frozen=True, eq=False)
class Plane:
    """The tag "tiff.plane" of a picture: which band of which page of a stack, its size there, digest of its samples.

    none: the number that means 'no value', or None. holes: where such samples are. beside: the band that is alpha,
    (H, W), which is written as it was.
    """

    stack: Stack
    page: int
    band: int
    shape: tuple[int, int]
    digest: bytes
    none: float | None = None
    holes: Holes | None = None
    beside: np.ndarray | None = None


def stack_of(book: Book) -> Stack | None:
    """The stack that a TIFF holds; None where it holds pictures."""
    first = book.tags(book.full[0])
    description = first.text(270)
    if description.startswith(hyperstack.IMAGEJ):
        kind = "imagej"
    elif hyperstack.is_ome(description):
        kind = "ome"
    elif geotiff.TAGS & set(first.entries):
        kind = "geo"
    else:
        return None
    pages = [(tags, tags.layout()) for tags in (book.tags(index) for index in book.full)]
    if not all(_is_measured(kind, tags, layout) for tags, layout in pages):
        return None
    alpha = tuple(_alpha(tags, layout) for tags, layout in pages)
    bands = tuple(tags.one(277, 1) - (a >= 0) for (tags, _), a in zip(pages, alpha, strict=True))
    channels: tuple[Any, ...] = tuple(
        (page if kind == "geo" else 0, b) for page, n in enumerate(bands) for b in range(n)
    )
    if kind == "imagej":
        behind = hyperstack.images(description) if len(bands) == 1 else 1
        if behind > 1 and not _fits_behind(book, pages[0], behind):
            return None
        number, many = max(len(bands), behind), hyperstack.channels(description)
        bands = bands * behind
        found = ((page % many, b) for page in range(number) for b in range(bands[page]))
        return Stack(kind, bands, tuple(found), alpha * behind, behind > 1)
    if kind == "ome":
        of_page = hyperstack.channels_of(description, len(bands))
        channels = tuple((of_page[page], b) for page, n in enumerate(bands) for b in range(n))
        return Stack(kind, bands, channels, alpha, False, hyperstack.own_uuid(description))
    return Stack(kind, bands, channels, alpha)


def header(book: Book, stack: Stack) -> Header:
    """Size of the first plane, and how many there are."""
    return replace(book.header(0), channels=1, pages=stack.planes)


def planes(book: Book, stack: Stack, max_pixels: int) -> Iterator[Image]:
    """The planes, page after page, and of each page band after band."""
    page = _pages(book, stack, max_pixels)
    ranges, number = _ranges(stack, page), 0
    for index in range(stack.pages):
        found = page(index)
        metadata = found.tags.metadata(ALSO)
        metadata.tags.update(pages=stack.planes)
        none = geotiff.nodata(found.tags)
        metadata.tags.update({"tiff.size": found.stored.shape[:2], "tiff.none": none})
        metadata.tags.update(book.beside(0 if stack.behind else index))
        mask = metadata.tags.get("tiff.mask")
        outside = None if mask is None else mask == 0
        beside = None
        if stack.alpha[index] >= 0:
            beside = locked(found.stored[..., stack.alpha[index]])
            outside = (beside == 0) if outside is None else outside | (beside == 0)
        for band in range(stack.bands[index]):
            stored = found.band(band)
            bad = found.bad(stored)
            bad = outside if bad is None else bad if outside is None else bad | outside
            samples, holes = (stored, None) if bad is None else filled(stored, bad)
            plane = Plane(stack, index, band, stored.shape, digest(stored), none, holes, beside)
            tags = {**metadata.tags, KEY: plane, "page": number}
            if holes is not None:
                tags[HOLES] = holes
            scale, offset = ranges[stack.channels[number]]
            about = replace(metadata, tags=tags)
            yield Image(locked(samples), scale, offset, None, about, "tiff", book.source.path)
            number += 1


@dataclass(frozen=True, eq=False)
class Page:
    """A decoded page: its tags, and its samples (H, W) or (H, W, bands), alpha among them."""

    tags: Tags
    layout: Layout
    stored: np.ndarray
    alpha: int

    def band(self, number: int) -> np.ndarray:
        if self.stored.ndim == 2:
            return self.stored
        return self.stored[..., number + (0 <= self.alpha <= number)]

    def bad(self, stored: np.ndarray) -> np.ndarray | None:
        return geotiff.unknown(stored, geotiff.nodata(self.tags))


def _pages(book: Book, stack: Stack, max_pixels: int) -> Callable[[int], Page]:
    def page(index: int) -> Page:
        at = 0 if stack.behind else index
        tags, layout = book.tags(book.full[at]), book.tags(book.full[at]).layout()
        book.check(tags, layout, book.header(at), max_pixels)
        stored = book.behind(layout, index) if stack.behind else book.decoded(book.full[at], layout)
        return Page(tags, layout, stored, stack.alpha[index])

    return page


def _ranges(stack: Stack, page: Callable[[int], Page]) -> dict[Any, tuple[float, float]]:
    """Scale and offset of each channel, by up to 16 of its pages."""
    where: dict[Any, list[tuple[int, int]]] = {}
    every = [(index, band) for index, bands in enumerate(stack.bands) for band in range(bands)]
    for channel, place in zip(stack.channels, every, strict=True):
        where.setdefault(channel, []).append(place)
    looked: dict[int, list[tuple[Any, int, int]]] = {}
    for channel, places in where.items():
        few = sorted({i * len(places) // min(len(places), SEEN) for i in range(min(len(places), SEEN))})
        for i in few:
            looked.setdefault(places[i][0], []).append((channel, places[i][1], len(few)))
    parts: dict[Any, list[np.ndarray]] = {}
    kinds: dict[Any, tuple[np.dtype, Layout]] = {}
    for index in sorted(looked):
        found = page(index)
        for channel, band, few_pages in looked[index]:
            stored = found.band(band)
            step = max(1, int(np.ceil(np.sqrt(stored.size * few_pages / LOOKED_AT))))
            part = np.asarray(stored[::step, ::step])
            bad = found.bad(part)
            parts.setdefault(channel, []).append(part if bad is None else np.where(bad, np.nan, part))
            kinds[channel] = stored.dtype, found.layout
    return {channel: _scale(*kinds[channel], parts[channel]) for channel in parts}


def _scale(dtype: np.dtype, layout: Layout, parts: list[np.ndarray]) -> tuple[float, float]:
    inverted = layout.photometric == 0
    if dtype.kind == "u" and layout.bits <= 8:
        white = 2**layout.bits - 1
        return (-1 / white, 1.0) if inverted else (1 / white, 0.0)
    return scale_and_offset(dtype, *black_and_white(parts), inverted)


def _is_measured(kind: str, tags: Tags, layout: Layout) -> bool:
    """Whether a page is planes of a measurement, and no colour picture."""
    if layout.photometric in (0, 1):
        return kind != "geo" or tags.one(277, 1) != 2 or _alpha(tags, layout) < 0
    if layout.photometric == 3:
        return kind == "imagej" and tags.one(277, 1) == 1  # the palette is for display
    if layout.photometric != 2 or tags.one(277, 1) < 3:
        return False
    picture = layout.bits <= 16 and tags.one(339, 1) == 1 and not set(layout.extra) - {1, 2}
    return not (picture and tags.one(277, 1) - 3 == len(layout.extra) <= 1)


def _alpha(tags: Tags, layout: Layout) -> int:
    """Which band is alpha; -1 for none."""
    first = tags.one(277, 1) - len(layout.extra)
    return next((first + i for i, mark in enumerate(layout.extra) if mark in (1, 2)), -1)


def _fits_behind(book: Book, page: tuple[Tags, Layout], number: int) -> bool:
    """Whether so many planes lie behind one another from where the only page's samples begin."""
    tags, layout = page
    width, height, samples = tags.one(256, 0), tags.one(257, 0), tags.one(277, 1)
    if layout.compression != 1 or layout.tile is not None or layout.planar or layout.bits not in (8, 16, 32, 64):
        return False
    size = width * height * samples * layout.bits // 8
    return size > 0 and number <= MOST and tags.one(273, 0) + number * size <= book.size
