"""JPEG: gray, colour and CMYK of 8 bits; unchanged pictures are copied, changed ones keep the input's tables.

Source: ITU-T T.81. Pixels are decoded and encoded by libjpeg-turbo through Pillow; all metadata are handled
here, so that they are the same bytes afterwards, whatever they hold.
"""

from __future__ import annotations

import io
from typing import BinaryIO

import numpy as np

from ..errors import ImageError
from .image import Image, Metadata
from .jpeg_segments import (
    EXIF,
    ICC,
    ROOM,
    SOI,
    XMP,
    File,
    Segment,
    icc_of,
    icc_segments,
    is_jfif,
    take_apart,
)
from .layout import is_cmyk, joined, locked, unsigned, widened
from .source import Header, Source

NAME = "jpeg"
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")
LOSSY = True

QUALITY = 95  # for a picture that was no JPEG before
MODES = {1: "L", 3: "RGB", 4: "CMYK"}
UNITS = {0: "none", 1: "inch", 2: "cm"}
HOLDS = "JPEG holds whole numbers of 8 bits"


def matches(head: bytes) -> bool:
    """Whether a file that starts so is a JPEG."""
    return head.startswith(b"\xff\xd8\xff")


def header(source: Source) -> Header:
    """Size and layout from the frame header."""
    return _header(take_apart(source, source.content()))


def _header(file: File) -> Header:
    frame = file.frame
    return Header(frame.width, frame.height, len(frame.components), frame.bits)


def read(source: Source, max_pixels: int) -> Image:
    """Decode. CMYK keeps 0 = no ink, with a negative scale, so that black is 0 and white 1 in pixels."""
    data = source.content()
    file = take_apart(source, data)
    _refuse(source, file, max_pixels)
    samples = _decode(file)
    scale, offset = (-1 / 255, 1.0) if len(file.frame.components) == 4 else (1 / 255, 0.0)
    return Image(locked(samples), scale, offset, None, _metadata(source, file, data), NAME, source.path)


def _refuse(source: Source, file: File, max_pixels: int) -> None:
    frame = file.frame
    source.check(_header(file), max_pixels)
    if frame.kind not in (0xC0, 0xC1, 0xC2) or frame.bits != 8:
        kind = {0xC3: "lossless"}.get(frame.kind, "arithmetic or hierarchical" if frame.kind > 0xC2 else "Huffman")
        found = f"a JPEG of {frame.bits} bits with {kind} coding; only 8 bits, baseline and progressive, are read"
        raise source.error(found, "Convert it to TIFF with the program that made it")
    if len(frame.components) not in MODES:
        raise source.error(f"a JPEG of {len(frame.components)} channels", "Convert it to TIFF")
    missing = {c.table for c in frame.components} - set(file.tables)
    if missing:
        raise source.error(f"its quantisation table {min(missing)} is missing")
    blocks = -(-frame.width // 8) * -(-frame.height // 8)
    if blocks > 8 * len(file.coded):  # each block takes one bit at the very least
        found = f"its {len(file.coded)} coded bytes cannot hold the {frame.width} x {frame.height} that it declares"
        raise source.error(found)


def _decode(file: File) -> np.ndarray:
    """Samples (H, W) or (H, W, C). The decoder sees only what it needs, and no limit of Pillow's is touched."""
    from PIL.JpegImagePlugin import JpegImageFile

    needed = [s for s in file.described() if is_jfif(s)][:1] + file.coding()
    bare = SOI + b"".join(s.pack() for s in needed) + file.coded
    with JpegImageFile(io.BytesIO(bare)) as picture:
        picture.load()
        return np.array(picture)


def _metadata(source: Source, file: File, data: bytes) -> Metadata:
    described = file.described()
    exif = next((s.data[6:] for s in described if s.marker == 0xE1 and s.data.startswith(EXIF)), None)
    xmp = next((s.data[len(XMP) :] for s in described if s.marker == 0xE1 and s.data.startswith(XMP)), None)
    jfif = next((s.data for s in described if is_jfif(s)), None)
    frame = file.frame
    tags = {
        "jpeg.source": data,  # for an exact copy of an unchanged picture
        "jpeg.tables": tuple(tuple(file.tables[c.table]) for c in frame.components),
        "jpeg.sampling": tuple((c.across, c.down) for c in frame.components),
        "jpeg.progressive": frame.kind == 0xC2,
        "jpeg.rgb": _is_rgb(file, jfif),
        "jpeg.jfif": jfif,
        "jpeg.segments": tuple(s for s in described if not _modelled(s, exif, xmp)),
    }
    resolution = None
    if jfif is not None and jfif[7] in UNITS:
        x, y = int.from_bytes(jfif[8:10], "big"), int.from_bytes(jfif[10:12], "big")
        resolution = (float(x), float(y), UNITS[jfif[7]])
    if file.trailer:
        tags["jpeg.note"] = f"{len(file.trailer)} bytes after the picture; kept only while it is unchanged"
    return Metadata(icc_of(source, described), exif, xmp, resolution, tags)


def _modelled(s: Segment, exif: bytes | None, xmp: bytes | None) -> bool:
    """Whether a segment's content stands in a field of Metadata."""
    if is_jfif(s) or (s.marker == 0xE2 and s.data.startswith(ICC)):
        return True
    if s.marker == 0xE2 and s.data.startswith(b"MPF\0"):  # points at bytes of the old file
        return True
    return s.marker == 0xE1 and (
        (s.data.startswith(EXIF) and s.data[6:] == exif) or (s.data.startswith(XMP) and s.data[len(XMP) :] == xmp)
    )


def _is_rgb(file: File, jfif: bytes | None) -> bool:
    """Whether three channels are stored as RGB rather than YCbCr, by libjpeg's rules."""
    if len(file.frame.components) != 3 or jfif is not None:
        return False
    adobe = [s.data for s in file.coding() if s.marker == 0xEE]
    if adobe:
        return adobe[0][11] == 0
    return bytes(c.number for c in file.frame.components) == b"RGB"


def write(image: Image, stream: BinaryIO, *, quality: int | None = None) -> None:
    """Encode, or copy what an unchanged picture was read from. `quality` None keeps the input's tables."""
    asked = f"writing {NAME}"
    samples = _samples(image, asked)
    original = _original(image) if quality is None else None
    if original is not None:
        file, data, metadata = original
        if _equal(metadata, image.metadata):
            stream.write(data)
            return
        stream.write(_assembled(_segments(image.metadata, asked), file))
        return
    data = _encode(image, samples, quality)
    coded = take_apart(Source(data), data)
    stream.write(_assembled(_segments(image.metadata, asked), coded))


def _samples(image: Image, asked: str) -> np.ndarray:
    """What the encoder takes, uint8; raises ImageError where something would be lost."""
    if image.alpha is not None:
        found = "the picture has alpha, which JPEG cannot hold"
        raise ImageError(asked, found, "Write .png or .tif, or remove alpha first")
    if image.channels not in MODES:
        raise ImageError(asked, f"{image.channels} channels; JPEG holds gray, RGB and CMYK", "Write .tif")
    if max(image.height, image.width) > 65500:
        found = f"{image.width} x {image.height} pixels; JPEG ends at 65500 a side"
        raise ImageError(asked, found, "Write .tif or .png")
    samples, _, white = unsigned(image, asked, HOLDS)
    if white > 255:
        bits = white.bit_length()
        found = f"{bits}-bit samples would be cut to 8 bits"
        raise ImageError(asked, found, "Write .png or .tif, or convert the picture to 8 bits first")
    samples = widened(samples, white, 255).astype(np.uint8)
    return 255 - samples if is_cmyk(image) else samples  # ink, as the encoder takes it


def _original(image: Image) -> tuple[File, bytes, Metadata] | None:
    """The file that this picture came from, if its samples are still those that it holds."""
    data = image.metadata.tags.get("jpeg.source")
    if data is None or image.dtype != np.uint8:
        return None
    source = Source(data)
    file = take_apart(source, data)
    frame = file.frame
    if (frame.height, frame.width, len(frame.components)) != (image.height, image.width, image.channels):
        return None
    if not np.array_equal(_decode(file), image.samples):
        return None
    return file, data, _metadata(source, file, data)


def _equal(one: Metadata, other: Metadata) -> bool:
    fields = ("icc", "exif", "xmp", "resolution")
    same = all(getattr(one, name) == getattr(other, name) for name in fields)
    return same and one.tags.get("jpeg.segments") == other.tags.get("jpeg.segments")


def _encode(image: Image, samples: np.ndarray, quality: int | None) -> bytes:
    """A bare JPEG: the input's tables and chroma sampling where it had them, else quality 95 and full chroma."""
    from PIL import Image as Pillow

    tags = image.metadata.tags
    tables = tags.get("jpeg.tables") if quality is None else None
    options: dict = {}
    if tables is not None and len(tables) == image.channels:
        options["qtables"] = [list(table) for table in tables]
    else:
        options["quality"] = quality or QUALITY
    if image.channels == 3:
        options["subsampling"] = _sampling(tags.get("jpeg.sampling"), options.get("quality"))
        options["keep_rgb"] = tags.get("jpeg.rgb", False)
    samples = joined(samples, None)
    picture = Pillow.frombuffer(
        MODES[image.channels], (image.width, image.height), samples, "raw", MODES[image.channels], 0, 1
    )
    first = io.BytesIO()
    picture.save(first, "JPEG", **options)
    if 1.3 * first.tell() > max(2**16, samples.shape[0] * samples.shape[1]):
        return first.getvalue()  # a second pass needs all in Pillow's buffer, which is a byte for a pixel
    best = io.BytesIO()
    picture.save(best, "JPEG", optimize=True, progressive=tags.get("jpeg.progressive", False), **options)
    return best.getvalue()


def _sampling(factors: tuple | None, quality: int | None) -> int:
    """Pillow's number for chroma sampling: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0. Others become the finer 4:4:4."""
    if factors is None or len(factors) != 3:
        return 0 if quality is None or quality >= 90 else 2
    if factors[1:] == ((1, 1), (1, 1)):
        return {(2, 1): 1, (2, 2): 2}.get(factors[0], 0)
    return 0


def _assembled(described: list[Segment], file: File) -> bytes:
    return SOI + b"".join(s.pack() for s in described + file.coding()) + file.coded


def _segments(metadata: Metadata, asked: str) -> list[Segment]:
    """Metadata as segments, in the order that readers expect."""
    out = []
    if metadata.resolution is not None or metadata.tags.get("jpeg.jfif") is not None:
        out.append(Segment(0xE0, _jfif(metadata)))
    for name, data, mark in (("EXIF", metadata.exif, EXIF), ("XMP", metadata.xmp, XMP)):
        if data is not None:
            if len(mark) + len(data) > ROOM:
                found = f"{len(data)} bytes of {name} metadata; JPEG holds {ROOM - len(mark)}"
                raise ImageError(asked, found, f"Write .png or .tif, or remove the {name} metadata")
            out.append(Segment(0xE1, mark + data))
    if metadata.icc:
        if len(metadata.icc) > 255 * (ROOM - 14):
            raise ImageError(asked, f"a colour profile of {len(metadata.icc)} bytes", "Write .png or .tif")
        out += icc_segments(metadata.icc)
    return out + list(metadata.tags.get("jpeg.segments", ()))


def _jfif(metadata: Metadata) -> bytes:
    """The JFIF segment with the resolution; versions and thumbnail stay as they were."""
    old = metadata.tags.get("jpeg.jfif") or b"JFIF\0\x01\x02\0\0\1\0\1\0\0"
    x, y, unit = metadata.resolution or (1, 1, "none")
    number = {name: key for key, name in UNITS.items()}[unit]
    x, y = (min(max(round(value), 1), 65535) for value in (x, y))
    return old[:7] + bytes([number]) + x.to_bytes(2, "big") + y.to_bytes(2, "big") + old[12:]
