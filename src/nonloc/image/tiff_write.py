"""Writing TIFF: strips or tiles one after the other, then the directory, then the next page.

Source: TIFF 6.0 sections 3, 8, 13, 14, 15; Technical Note 3; BigTIFF. Our own writer, since it keeps each
tag, byte order and layout of the input, and never holds more than a strip beside the samples.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import BinaryIO

import numpy as np

from ..errors import ImageError
from . import ifd, raw, tiff_planes
from .ifd import LONG, Kind
from .image import Image
from .tiff_entries import entries
from .tiff_overviews import smaller
from .tiff_planes_write import Planes, nearest
from .tiff_segments import segments
from .tiff_stored import stored
from .tiff_tags import STRUCTURE, Layout


def write(image: Image, stream: BinaryIO, *, quality: int | None = None) -> None:
    """Write one page, stored as the input was; pictures from elsewhere with deflate and predictor."""
    write_pages([image], stream)


def write_pages(images: Iterable[Image], stream: BinaryIO) -> None:
    """Write pages as they come; byte order and size of the file are those of the first.

    Planes of a measurement become the pages that they came from (see `tiff_planes_write`), colours of a camera's mosaic
    are developed (see `raw`).
    """
    images = iter(images)
    first = next(images, None)
    if first is None:
        raise ImageError("writing tiff", "no page was given", "Give at least one picture")
    images = chain([first], images)
    if raw.KEY in first.metadata.tags:
        raw.write_developed(images, stream)
        return
    plane = first.metadata.tags.get(tiff_planes.KEY)
    if plane is None or (plane.stack.planes > 1 and "pages" not in first.metadata.tags):
        _write_pages(map(_alone, images), stream)
        return
    planes = Planes(plane.stack)
    if plane.stack.behind:
        _write_behind(planes.pages(images), stream)
    else:
        planes.finish(stream, *_write_pages(planes.pages(images), stream))


def _write_pages(images: Iterable[Image], stream: BinaryIO) -> tuple[int, int]:
    """Write pages as they come; returns where the first directory stands, and its length."""
    kind: Kind | None = None
    link = 0  # where the offset of the next directory is to be written
    first: tuple[int, int] | None = None
    for image in images:
        for layout, samples, all_tags in _with_mask(image):
            if kind is None:
                kind = _kind(image, layout)
                link = stream.tell() + (8 if kind.big else 4)
                stream.write(kind.header)
            at, length, link = _page(image, replace(layout, kind=kind), samples, stream, link, all_tags)
            first = first or (at, length)
            if at > 2**32 - 2**16 and not kind.big:
                raise ImageError("writing tiff", "more than 4 GB in a classic TIFF", "Write fewer pages in one file")
    assert first is not None
    return first


def _write_behind(images: Iterator[Image], stream: BinaryIO) -> None:
    """One directory, then all planes behind one another, as ImageJ writes more than 4 GB."""
    image = next(images)
    layout, samples = stored(image)
    layout = replace(layout, rows=None)
    kind, size = layout.kind, samples[..., :1].nbytes * samples.shape[2]
    start = stream.tell()

    def directory(at: int) -> bytes:
        tags = entries(image, layout, samples, [at], [size])
        one = ifd.entry(278, LONG, [len(samples)], kind)
        return ifd.packed([one if e.tag == 278 else e for e in tags], start + len(kind.header), kind)

    end = start + len(kind.header) + len(directory(0))
    stream.write(kind.header[: 8 if kind.big else 4] + struct.pack(kind.offset, start + len(kind.header)))
    stream.write(directory(end + end % 2) + bytes(end % 2))
    for page in chain([image], images):
        stream.write(page.samples.astype(f"{kind.order}{page.samples.dtype.str[1:]}", copy=False).tobytes())


def _alone(image: Image) -> Image:
    """A plane of a longer stack as a picture by itself, without what is true of the stack only."""
    tags = image.metadata.tags
    if tiff_planes.KEY not in tags:
        return image
    layout = tags["tiff.layout"]
    layout = replace(layout, photometric=0 if image.scale < 0 else 1, extra=(), planar=False)
    of_stack = (270, 50838, 50839)
    kept = tuple(e for e in tags["tiff.tags"] if e.tag not in of_stack and e.tag not in STRUCTURE)
    tags = {key: value for key, value in tags.items() if key != tiff_planes.KEY}
    own, text = image.metadata.exif, None
    if own is not None:
        kind, found = ifd.from_bytes(own)
        found = tuple(e for e in found if e.tag not in of_stack)
        text = ifd.to_bytes(found, kind) if found else None
    tags.update({"tiff.tags": kept, "tiff.layout": layout})
    return replace(image, metadata=replace(image.metadata, exif=text, tags=tags))


def _with_mask(image: Image) -> Iterator[tuple[Layout, np.ndarray, bool]]:
    """Layout and samples of the page, of its mask and its overviews; whether the page's tags belong there."""
    layout, samples = stored(image)
    yield layout, samples, True
    tags = image.metadata.tags
    mask, none = tags.get("tiff.mask"), tags.get("tiff.none")
    if mask is not None:
        mask = nearest(mask, samples.shape)[..., np.newaxis]
        bits = 1 if mask.max() <= 1 else 8
        of_mask = Layout(layout.kind, 8, 1, 4, False, layout.tile, layout.rows, (), bits, 4)
        yield of_mask, mask, False
    for one in tags.get("tiff.overviews", ()):
        size = one.size(samples.shape)
        if one.of_mask and mask is not None:
            of_one = replace(of_mask, tile=one.layout.tile, rows=one.layout.rows, subfile=5)
            yield of_one, smaller(mask, size, None, None, True), False
        elif not one.of_mask:
            known = None if mask is None else mask[..., 0]
            fewer = smaller(samples, size, none, known, layout.photometric == 3)
            yield replace(layout, tile=one.layout.tile, rows=one.layout.rows, subfile=1), fewer, False


def _kind(image: Image, layout: Layout) -> Kind:
    """Byte order of the input (of its EXIF, if it was no TIFF); BigTIFF if it was, or if 4 GB may not do."""
    kind = layout.kind
    if "tiff.layout" not in image.metadata.tags and (image.metadata.exif or b"")[:2] == b"MM":
        kind = Kind(">")
    size = (image.samples.nbytes + (0 if image.alpha is None else image.alpha.nbytes)) * 1.02 + 2**20
    return replace(kind, big=kind.big or size * image.metadata.tags.get("pages", 1) > 2**32)


def _page(
    image: Image, layout: Layout, samples: np.ndarray, stream: BinaryIO, link: int, all_tags: bool
) -> tuple[int, int, int]:
    """Write pixels and directory; returns its offset and length, and where its link to the next page stands."""
    kind = layout.kind
    starts, counts = [], []
    for segment in segments(samples, layout):
        at = stream.seek(0, 2)
        if at % 2:
            at += stream.write(b"\0")
        starts.append(at)
        counts.append(stream.write(segment))
    tags = entries(image, layout, samples, starts, counts, all_tags)
    at = stream.seek(0, 2)
    if at % 2:
        at += stream.write(b"\0")
    directory = ifd.packed(tags, at, kind)
    stream.write(directory)
    stream.seek(link)
    stream.write(struct.pack(kind.offset, at))
    table = 2 + 12 * len(tags) if not kind.big else 8 + 20 * len(tags)
    stream.seek(0, 2)
    return at, len(directory), at + table
