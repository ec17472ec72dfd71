"""All tags of a TIFF page to be written: those of its layout, and those that it came with.

Source: TIFF 6.0 section 8; ICC.1:2022 annex B.5; XMP part 3 section 1.1.6.
"""

from __future__ import annotations

import numpy as np

from ..errors import ImageError
from . import exif, geotiff, ifd
from .ifd import BYTE, LONG, LONG8, RATIONAL, SHORT, UNDEFINED, Entry, Kind
from .image import Image, Metadata
from .measured import digest
from .tiff_planes_write import still_true
from .tiff_segments import rows_of_strip
from .tiff_stored import measured
from .tiff_tags import ICC, STRUCTURE, UNITS, XMP, Layout, fraction


def entries(
    image: Image, layout: Layout, samples: np.ndarray, starts: list[int], counts: list[int], all_tags: bool = True
) -> list[Entry]:
    """All tags of the page: those of its layout, and, with `all_tags`, those that it came with."""
    kind, metadata, shape = layout.kind, image.metadata, (samples.shape[0], samples.shape[1])
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
    white = round(abs(1 / image.scale)) if samples.dtype.kind == "u" and not measured(image) else 2**16
    if all_tags and layout.bits == 16 and white < 65535 and image.dtype == samples.dtype:
        made.append(ifd.entry(281, SHORT, [white] * many, kind))  # fewer bits in 16, black and white kept
    if layout.photometric == 3 and "tiff.palette" in metadata.tags:
        colours = metadata.tags["tiff.palette"].colours
        made.append(colours if kind.order == layout_order(metadata) else ifd.swapped([colours])[0])
    if not all_tags:
        return made
    made += _resolution(metadata, kind, shape)
    if metadata.icc is not None:
        made.append(ifd.entry(ICC, UNDEFINED, metadata.icc, kind))
    if metadata.xmp is not None:
        made.append(ifd.entry(XMP, BYTE, metadata.xmp, kind))
    carried = still_true(metadata.tags, _carried(metadata, kind), shape)
    if (old := metadata.tags.get("tiff.digest")) is not None and digest(image.samples) != old:
        carried = geotiff.without_statistics(carried)
    made += [e for e in carried.values() if e.tag not in {m.tag for m in made}]
    return made


def layout_order(metadata: Metadata) -> str:
    """Byte order of the tags that came with a TIFF."""
    layout = metadata.tags.get("tiff.layout")
    return "<" if layout is None else layout.kind.order


def _carried(metadata: Metadata, kind: Kind) -> dict[int, Entry]:
    """Tags that came with the picture, in the byte order of the file to be; those of EXIF prevail."""
    kept: tuple[Entry, ...] = metadata.tags.get("tiff.tags", ())
    if layout_order(metadata) != kind.order:
        kept = ifd.swapped(kept)
    out = {e.tag: e for e in kept}
    if metadata.exif is not None:
        try:
            own, found = ifd.from_bytes(metadata.exif)
        except ValueError as error:
            damage = f"its EXIF metadata are damaged ({error})"
            raise ImageError("writing tiff", damage, "Write the format it came in, or remove the EXIF") from error
        found = found if own.order == kind.order else ifd.swapped(found)
        out |= {e.tag: e for e in found if e.tag not in STRUCTURE}
    return out


def _resolution(metadata: Metadata, kind: Kind, shape: tuple[int, int]) -> list[Entry]:
    found = metadata.resolution or exif.resolution(metadata.exif)
    if found is None:
        return []
    x, y, unit = found
    if (old := metadata.tags.get("tiff.size")) is not None and old != shape:  # of a measurement: so many per length
        x, y = x * shape[1] / old[1], y * shape[0] / old[0]
    pairs = metadata.tags.get("tiff.resolution")
    if pairs is None or [a / b for a, b in pairs] != [x, y]:
        pairs = [fraction(value) for value in (x, y)]
    number = {name: key for key, name in UNITS.items()}[unit]
    made = [ifd.entry(tag, RATIONAL, pair, kind) for tag, pair in zip((282, 283), pairs, strict=True)]
    return [*made, ifd.entry(296, SHORT, [number], kind)]
