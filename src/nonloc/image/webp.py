"""WebP: 8-bit colour with alpha, lossless and lossy.

Source: RFC 9649. Pixels are decoded by libwebp through imagecodecs and encoded through Pillow; the container with
its metadata is handled here. Lossless files come back bit for bit, colour under alpha 0 too.
"""

from __future__ import annotations

import io
from typing import BinaryIO

import numpy as np

from ..errors import ImageError
from . import exif, original
from .image import Image, Metadata
from .layout import is_cmyk, joined, locked, unsigned, widened
from .source import Header, Source

NAME = "webp"
SUFFIXES = (".webp",)
LOSSY = True  # it can be; without `quality` a picture that was not lossy before is written lossless

QUALITY = 90  # for a changed picture that was lossy before: its own quantisers cannot be set again
LARGEST = 16383
PROFILE, ALPHA, EXIF, XMP, ANIMATION = 0x20, 0x10, 0x08, 0x04, 0x02  # flags of VP8X
MODELLED = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "}
MAX_CHUNKS = 10_000
HOLDS = "WebP holds whole numbers of 8 bits"

Chunks = list[tuple[bytes, bytes]]


def matches(head: bytes) -> bool:
    """Whether a file that starts so is a WebP."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def header(source: Source) -> Header:
    """Size and layout from canvas and bitstream."""
    return _header(source, _chunks(source, source.content()))


def _chunks(source: Source, data: bytes) -> Chunks:
    """All chunks of the container (RFC 9649 section 2.3), checked against the length of the file."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise source.error(f"declares {end} bytes, the file ends after {len(data)}")
    chunks, at = [], 12
    while at + 8 <= end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + size > end:
            raise source.error(f"its chunk at byte {at} declares {size} bytes, the picture ends at {end}")
        chunks.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
        if len(chunks) > MAX_CHUNKS:
            raise source.error(f"it holds more than {MAX_CHUNKS} chunks")
    return chunks


def _first(chunks: Chunks, kind: bytes) -> bytes | None:
    return next((data for name, data in chunks if name == kind), None)


def _header(source: Source, chunks: Chunks) -> Header:
    frames = sum(name == b"ANMF" for name, _ in chunks)
    canvas = _first(chunks, b"VP8X")
    sizes = []
    if canvas is not None and len(canvas) >= 10:
        sizes.append((int.from_bytes(canvas[4:7], "little") + 1, int.from_bytes(canvas[7:10], "little") + 1))
    lossless, lossy = _first(chunks, b"VP8L"), _first(chunks, b"VP8 ")
    alpha = _first(chunks, b"ALPH") is not None
    if lossless is not None and lossless[:1] == b"\x2f" and len(lossless) >= 5:
        bits = int.from_bytes(lossless[1:5], "little")
        sizes.append(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
        alpha = bool(bits >> 28 & 1)
    elif lossy is not None and lossy[3:6] == b"\x9d\x01\x2a" and len(lossy) >= 10:
        width, height = (int.from_bytes(lossy[i : i + 2], "little") & 0x3FFF for i in (6, 8))
        sizes.append((width, height))
    elif frames == 0:
        raise source.error("it holds no picture")
    if frames == 0 and len(set(sizes)) > 1:
        raise source.error(f"it declares a canvas of {sizes[0]} and a picture of {sizes[1]}")
    if not sizes:
        raise source.error("it does not say its size")
    return Header(*sizes[0], 4 if alpha else 3, 8, max(frames, 1))


def read(source: Source, max_pixels: int) -> Image:
    """Decode; ``format`` is "webp" for a lossless and "webp-lossy" for a lossy file."""
    data = source.content()
    chunks = _chunks(source, data)
    head = _header(source, chunks)
    source.check(head, max_pixels)
    if head.pages > 1 or _first(chunks, b"ANMF") is not None:
        found = f"an animation of {head.pages} frames"
        raise source.error(found, "Save the frames as single pictures, or as pages of a TIFF, first")
    lossy = _first(chunks, b"VP8 ") is not None
    samples, alpha = _decode(chunks, head)
    tags: dict = {"webp.chunks": tuple(c for c in chunks if c[0] not in MODELLED)}
    if lossy:
        tags[original.KEY] = data
    block = _first(chunks, b"EXIF")
    block = None if block is None else block.removeprefix(b"Exif\0\0")
    metadata = Metadata(_first(chunks, b"ICCP"), block, _first(chunks, b"XMP "), exif.resolution(block), tags)
    return Image(samples, 1 / 255, 0.0, alpha, metadata, "webp-lossy" if lossy else NAME, source.path)


def _decode(chunks: Chunks, head: Header) -> tuple[np.ndarray, np.ndarray | None]:
    import imagecodecs

    bare: Chunks = [c for c in chunks if c[0] in (b"ALPH", b"VP8 ", b"VP8L")]
    if bare[0][0] == b"ALPH":
        bare.insert(0, (b"VP8X", _canvas(ALPHA, head.width, head.height)))
    array = locked(imagecodecs.webp_decode(_container(bare), hasalpha=head.channels == 4))
    return array[..., :3], (array[..., 3] if head.channels == 4 else None)


def write(image: Image, stream: BinaryIO, *, quality: int | None = None) -> None:
    """Encode; lossless unless `quality` is given or the picture was lossy before; a gray picture becomes RGB."""
    asked = f"writing {NAME}"
    data = original.unchanged(image, read) if quality is None else None
    if data is not None:
        stream.write(data)
        return
    if is_cmyk(image) or image.channels not in (1, 3):
        raise ImageError(asked, f"{image.channels} channels; WebP holds RGB only", "Write .tif")
    if max(image.height, image.width) > LARGEST:
        found = f"{image.width} x {image.height} pixels; WebP ends at {LARGEST} a side"
        raise ImageError(asked, found, "Write .png or .tif")
    samples, alpha, white = unsigned(image, asked, HOLDS)
    if white > 255:
        found = f"{white.bit_length()}-bit samples would be cut to 8 bits"
        raise ImageError(asked, found, "Write .png or .tif, or convert the picture to 8 bits first")
    samples = widened(samples, white, 255).astype(np.uint8)
    if samples.ndim == 2:
        samples = np.stack([samples] * 3, axis=-1)
    if quality is None and image.format == "webp-lossy":
        quality = QUALITY
    coded = _encode(joined(samples, alpha), quality)
    metadata = image.metadata
    block = metadata.exif
    if block is None and metadata.resolution is not None:
        block = exif.of_resolution(*metadata.resolution)
    others: Chunks = list(metadata.tags.get("webp.chunks", ()))
    parts = [(b"ICCP", metadata.icc), (b"EXIF", block), (b"XMP ", metadata.xmp)]
    held = {name: data for name, data in parts if data is not None}
    if held or others or coded[0][0] == b"ALPH":
        flags = PROFILE * (b"ICCP" in held) | EXIF * (b"EXIF" in held) | XMP * (b"XMP " in held)
        flags |= ALPHA * (alpha is not None)
        profile = [(b"ICCP", held.pop(b"ICCP"))] if b"ICCP" in held else []
        coded = [
            (b"VP8X", _canvas(flags, image.width, image.height)),
            *profile,
            *coded,
            *held.items(),
            *others,
        ]
    stream.write(_container(coded))


def _encode(array: np.ndarray, quality: int | None) -> Chunks:
    """The chunks of the pixels alone."""
    from PIL import Image as Pillow

    out = io.BytesIO()
    picture = Pillow.fromarray(array)
    if quality is None:
        picture.save(out, "WEBP", lossless=True, exact=True, quality=75, method=4)
    else:
        picture.save(out, "WEBP", quality=quality, method=4, exact=True)
    data = out.getvalue()
    chunks = _chunks(Source(data), data)
    return [c for c in chunks if c[0] in (b"ALPH", b"VP8 ", b"VP8L")]


def _canvas(flags: int, width: int, height: int) -> bytes:
    return bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def _container(chunks: Chunks) -> bytes:
    body = b"WEBP"
    for name, data in chunks:
        body += name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)
    return b"RIFF" + len(body).to_bytes(4, "little") + body
