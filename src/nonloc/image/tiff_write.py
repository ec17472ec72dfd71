"""Writing TIFF: strips or tiles one after the other, then the directory, then the next page.

Source: TIFF 6.0 sections 3, 8, 13, 14, 15; Technical Note 3; BigTIFF. Our own writer, since it keeps each
tag, byte order and layout of the input, and never holds more than a strip beside the samples.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from ..errors import ImageError
from . import exif, ifd
from .ifd import BYTE, LONG, LONG8, RATIONAL, SHORT, UNDEFINED, Entry, Kind
from .image import Image, Metadata
from .layout import native
from .tiff_segments import rows_of_strip, segments
from .tiff_tags import ICC, STRUCTURE, UNITS, XMP, Layout, fraction

DEFLATE = 8
KEPT = {1, 5, 8, 32946, 32773, 34925, 50000}  # compressions that lose nothing and hold any samples
COLOURS = {0: 1, 1: 1, 2: 3, 5: 4, 8: 3, 9: 3}  # a palette that no longer fits becomes RGB


def write(image: Image, stream: BinaryIO, *, quality: int | None = None) -> None:
    """Write one page, stored as the input was; pictures from elsewhere with deflate and predictor."""
    write_pages([image], stream)


def write_pages(images: Iterable[Image], stream: BinaryIO) -> None:
    """Write pages as they come; byte order and size of the file are those of the first."""
    kind: Kind | None = None
    link = 0  # where the offset of the next directory is to be written
    for image in images:
        layout, samples = _stored(image)
        if kind is None:
            kind = _kind(image, layout)
            link = stream.tell() + (8 if kind.big else 4)
            stream.write(kind.header)
        at, link = _page(image, replace(layout, kind=kind), samples, stream, link)
        if at > 2**32 - 2**16 and not kind.big:
            raise ImageError("writing tiff", "more than 4 GB in a classic TIFF", "Write fewer pages in one file")
    if kind is None:
        raise ImageError("writing tiff", "no page was given", "Give at least one picture")


def _kind(image: Image, layout: Layout) -> Kind:
    """Byte order of the input (of its EXIF, if it was no TIFF); BigTIFF if it was, or if 4 GB may not do."""
    kind = layout.kind
    if "tiff.layout" not in image.metadata.tags and (image.metadata.exif or b"")[:2] == b"MM":
        kind = Kind(">")
    size = (image.samples.nbytes + (0 if image.alpha is None else image.alpha.nbytes)) * 1.02 + 2**20
    return replace(kind, big=kind.big or size * image.metadata.tags.get("pages", 1) > 2**32)


def _stored(image: Image) -> tuple[Layout, np.ndarray]:
    """How the page will be stored, and its samples (H, W, S) as they will stand there."""
    tags = image.metadata.tags
    old: Layout | None = tags.get("tiff.layout")
    samples, asked = image.samples, "writing tiff"
    if samples.dtype.kind not in "uif" or samples.dtype.itemsize > 8:
        raise ImageError(asked, f"{samples.dtype} samples", "Give whole numbers or floats of 8 to 64 bits")
    palette = tags.get("tiff.palette")
    if palette is not None and image.alpha is None and np.array_equal(palette.expanded(), samples):
        assert old is not None
        return replace(old, compression=_compression(old)), palette.indices[..., np.newaxis]
    layout = _fresh(image) if old is None else replace(old, compression=_compression(old))
    colours = COLOURS.get(layout.photometric)
    if colours != image.channels and not (colours == 1 and image.channels > 1 and not _ink(image)):
        layout = replace(layout, photometric=_fresh(image).photometric, extra=())
    bits = 8 * samples.dtype.itemsize
    if samples.dtype.kind == "u":
        white = round(abs(1 / image.scale))
        exact = white.bit_length() if (white + 1) & white == 0 else bits
        bits = exact if exact in (1, 2, 4) or layout.bits == exact else bits
    if layout.photometric == 8 and samples.dtype.kind == "u":
        samples = lab_signs(samples)
    layout = replace(layout, bits=bits, predictor=_predictor(layout, samples.dtype, bits))
    planes = [samples if samples.ndim == 3 else samples[..., np.newaxis]]
    beside = 0
    for more in (image.alpha, tags.get("tiff.extra")):
        if more is not None:
            if more.shape[:2] != samples.shape[:2] or more.dtype.itemsize > samples.dtype.itemsize:
                found = f"a channel beside colour of {more.dtype} {more.shape} with {samples.dtype} {samples.shape}"
                raise ImageError(asked, found, "Give it the picture's size and type, or remove it")
            more = _same_range(more, samples.dtype)
            planes.append(more if more.ndim == 3 else more[..., np.newaxis])
            beside += planes[-1].shape[2]
    if colours == 1 and image.channels > 1:
        beside += image.channels - 1
    if len(layout.extra) != beside:
        layout = replace(layout, extra=((2,) if image.alpha is not None else (0,)) + (0,) * (beside - 1))
    if beside == 0:
        layout = replace(layout, extra=())
    return layout, planes[0] if len(planes) == 1 else _beside(planes, layout)


def _beside(planes: list[np.ndarray], layout: Layout) -> np.ndarray:
    """All channels in one array; alpha where the input had it among several others."""
    colours = planes[0]
    others = np.concatenate(planes[1:], axis=-1)
    marks = layout.extra[-others.shape[2] :]
    which = next((i for i, mark in enumerate(marks) if mark in (1, 2)), 0)
    order = [*range(1, which + 1), 0, *range(which + 1, others.shape[2])]
    return np.concatenate([colours, others[..., order]], axis=-1)


def _same_range(channel: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A channel beside colour in the dtype of colour, white staying white."""
    if channel.dtype == dtype:
        return channel
    top = 1.0 if channel.dtype.kind == "f" else float(np.iinfo(channel.dtype).max)
    white = 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)
    return (channel * (white / top)).astype(native(dtype))


def _ink(image: Image) -> bool:
    return image.channels == 4 and image.scale < 0


def _fresh(image: Image) -> Layout:
    """The layout of a picture that was no TIFF before."""
    photometric = 5 if _ink(image) else 2 if image.channels == 3 else 0 if image.scale < 0 else 1
    return Layout(photometric=photometric, bits=8 * image.dtype.itemsize)


def _compression(layout: Layout) -> int:
    """That of the input, or deflate where it lost something or holds only some kinds of samples (JPEG, fax)."""
    return layout.compression if layout.compression in KEPT else DEFLATE


def _predictor(layout: Layout, dtype: np.dtype, bits: int) -> int:
    if layout.predictor == 1 or layout.compression in (1, 32773) or bits != 8 * dtype.itemsize:
        return 1
    if dtype.kind == "f":
        return 3 if dtype.itemsize > 1 else 1
    return 2


def lab_signs(samples: np.ndarray) -> np.ndarray:
    """CIE Lab as TIFF stores it, with signed a and b, to a and b around the middle of the range; and back."""
    half = 1 << (8 * samples.dtype.itemsize - 1)
    return samples ^ np.array([0, half, half], samples.dtype)


def _page(image: Image, layout: Layout, samples: np.ndarray, stream: BinaryIO, link: int) -> tuple[int, int]:
    """Write pixels and directory; returns the directory's offset and where its link to the next page stands."""
    kind = layout.kind
    starts, counts = [], []
    for segment in segments(samples, layout):
        at = stream.seek(0, 2)
        if at % 2:
            at += stream.write(b"\0")
        starts.append(at)
        counts.append(stream.write(segment))
    entries = _entries(image, layout, samples, starts, counts)
    at = stream.seek(0, 2)
    if at % 2:
        at += stream.write(b"\0")
    stream.write(ifd.packed(entries, at, kind))
    stream.seek(link)
    stream.write(struct.pack(kind.offset, at))
    table = 2 + 12 * len(entries) if not kind.big else 8 + 20 * len(entries)
    return stream.seek(0, 2), at + table


def _entries(image: Image, layout: Layout, samples: np.ndarray, starts: list[int], counts: list[int]) -> list[Entry]:
    """All tags of the page: those of its layout, and those that it came with."""
    kind, metadata = layout.kind, image.metadata
    size = LONG8 if kind.big else LONG
    many = samples.shape[2]
    made = [
        ifd.entry(256, LONG, [samples.shape[1]], kind),
        ifd.entry(257, LONG, [samples.shape[0]], kind),
        ifd.entry(258, SHORT, [layout.bits] * many, kind),
        ifd.entry(259, SHORT, [layout.compression], kind),
        ifd.entry(262, SHORT, [layout.photometric], kind),
        ifd.entry(277, SHORT, [many], kind),
        ifd.entry(284, SHORT, [2 if layout.planar else 1], kind),
    ]
    if layout.tile is not None:
        down, across = layout.tile
        made += [ifd.entry(322, LONG, [across], kind), ifd.entry(323, LONG, [down], kind)]
        made += [ifd.entry(324, size, starts, kind), ifd.entry(325, size, counts, kind)]
    else:
        made += [ifd.entry(273, size, starts, kind), ifd.entry(279, size, counts, kind)]
        made.append(ifd.entry(278, LONG, [rows_of_strip(samples, layout)], kind))
    if layout.subfile:
        made.append(ifd.entry(254, LONG, [layout.subfile], kind))
    if layout.predictor != 1:
        made.append(ifd.entry(317, SHORT, [layout.predictor], kind))
    if layout.extra:
        made.append(ifd.entry(338, SHORT, layout.extra, kind))
    if samples.dtype.kind != "u":
        made.append(ifd.entry(339, SHORT, [2 if samples.dtype.kind == "i" else 3] * many, kind))
    white = round(abs(1 / image.scale)) if samples.dtype.kind == "u" else 0
    if layout.bits == 16 and white < 65535 and image.dtype == samples.dtype:
        made.append(ifd.entry(281, SHORT, [white] * many, kind))  # fewer bits in 16, black and white kept
    if layout.photometric == 3:
        colours = metadata.tags["tiff.palette"].colours
        made.append(colours if kind.order == layout_order(metadata) else ifd.swapped([colours])[0])
    made += _resolution(metadata, kind)
    if metadata.icc is not None:
        made.append(ifd.entry(ICC, UNDEFINED, metadata.icc, kind))
    if metadata.xmp is not None:
        made.append(ifd.entry(XMP, BYTE, metadata.xmp, kind))
    return made + _carried(metadata, kind)


def layout_order(metadata: Metadata) -> str:
    """Byte order of the tags that came with a TIFF."""
    layout = metadata.tags.get("tiff.layout")
    return "<" if layout is None else layout.kind.order


def _carried(metadata: Metadata, kind: Kind) -> list[Entry]:
    """Tags that came with the picture, in the byte order of the file to be; those of EXIF prevail."""
    kept: tuple[Entry, ...] = metadata.tags.get("tiff.tags", ())
    if layout_order(metadata) != kind.order:
        kept = ifd.swapped(kept)
    out = {e.tag: e for e in kept}
    if metadata.exif is not None:
        try:
            own, entries = ifd.from_bytes(metadata.exif)
        except ValueError as error:
            found = f"its EXIF metadata are damaged ({error})"
            raise ImageError("writing tiff", found, "Write the format it came in, or remove the EXIF") from error
        entries = entries if own.order == kind.order else ifd.swapped(entries)
        out |= {e.tag: e for e in entries if e.tag not in STRUCTURE}
    return list(out.values())


def _resolution(metadata: Metadata, kind: Kind) -> list[Entry]:
    found = metadata.resolution or exif.resolution(metadata.exif)
    if found is None:
        return []
    x, y, unit = found
    pairs = metadata.tags.get("tiff.resolution")
    if pairs is None or [a / b for a, b in pairs] != [x, y]:
        pairs = [fraction(value) for value in (x, y)]
    number = {name: key for key, name in UNITS.items()}[unit]
    made = [ifd.entry(tag, RATIONAL, pair, kind) for tag, pair in zip((282, 283), pairs, strict=True)]
    return [*made, ifd.entry(296, SHORT, [number], kind)]
