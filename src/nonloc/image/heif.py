"""HEIC: the pictures of phones, 8 to 12 bits, where the extra `heif` (pillow-heif) is installed.

Source: ISO/IEC 23008-12. Sizes are checked from the boxes first; pixels and metadata come from libheif, which turns
the picture upright, so that its EXIF orientation is set to 1.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from ..errors import ImageError
from . import boxes, exif, original
from .image import Image, Metadata
from .layout import is_cmyk, joined, locked, unsigned, widened
from .source import Header, Source

NAME = "heic"
SUFFIXES = (".heic", ".heif", ".hif")
LOSSY = True

QUALITY = 90
DENSEST = 100_000  # pixels for a byte of file
HOLDS = "HEIC holds whole numbers of 8 bits here"
NEEDS = "Install it with 'pip install nonloc[heif]'"


def matches(head: bytes) -> bool:
    """Whether a file that starts so is a HEIC or another HEIF."""
    return boxes.brand(head) in boxes.HEIC_BRANDS


def header(source: Source) -> Header:
    """Size and layout from the item properties."""
    return boxes.declared(source, source.content())


def read(source: Source, max_pixels: int) -> Image:
    """Decode; more than 8 bits come as uint16 with the white of their depth."""
    data = source.content()
    head = boxes.declared(source, data)
    source.check(head, max_pixels)
    if head.width * head.height > DENSEST * len(data):
        raise source.error(f"its {len(data)} bytes cannot hold the {head.width} x {head.height} that it declares")
    heif = _library(source.name)
    file = heif.open_heif(data, convert_hdr_to_8bit=False, remap_8bit_data=True)
    picture = file[file.primary_index]
    array = np.array(picture)
    info = picture.info
    tags: dict = {original.KEY: data}
    if len(file) > 1:
        tags["pages"], tags["page"] = len(file), file.primary_index
    bits = 8 if array.dtype == np.uint8 else int(info.get("bit_depth", head.bits))
    if array.dtype != np.uint8 and bits < 16:
        array = array >> (16 - bits)  # the library puts the used bits on top
    array = locked(array)
    samples, alpha = (array[..., :-1], array[..., -1]) if picture.mode.startswith(("RGBA", "LA")) else (array, None)
    block = info.get("exif")
    if block is not None:
        block = _upright(block.removeprefix(b"Exif\0\0"))
    metadata = Metadata(info.get("icc_profile"), block, info.get("xmp") or None, exif.resolution(block), tags)
    return Image(samples, 1 / (2**bits - 1), 0.0, alpha, metadata, NAME, source.path)


def _upright(block: bytes) -> bytes:
    try:
        return exif.with_orientation(block, 1)
    except ValueError:
        return block


def _library(asked: str):
    try:
        import pillow_heif
    except ImportError:
        raise ImageError(asked, "HEIC needs the package pillow-heif, which is not installed", NEEDS) from None
    return pillow_heif


def write(image: Image, stream: BinaryIO, *, quality: int | None = None) -> None:
    """Copy what an unchanged picture was read from, or encode 8 bits at quality 90 with full chroma."""
    asked = f"writing {NAME}"
    heif = _library(asked)
    data = original.unchanged(image, read) if quality is None else None
    if data is not None:
        stream.write(data)
        return
    if is_cmyk(image) or image.channels not in (1, 3):
        raise ImageError(asked, f"{image.channels} channels; HEIC holds gray and RGB only", "Write .tif")
    samples, alpha, white = unsigned(image, asked, HOLDS)
    if white > 255:
        found = f"{white.bit_length()}-bit samples would be cut to 8 bits"
        raise ImageError(asked, found, "Write .png or .tif, or convert the picture to 8 bits first")
    samples = widened(samples, white, 255).astype(np.uint8)
    if samples.ndim == 2 and alpha is not None:
        samples = np.stack([samples] * 3, axis=-1)
    array = joined(samples, alpha)
    mode = {2: "L"}.get(array.ndim) or {3: "RGB", 4: "RGBA"}[array.shape[2]]
    metadata = image.metadata
    block = metadata.exif
    if block is None and metadata.resolution is not None:
        block = exif.of_resolution(*metadata.resolution)
    options: dict = {"quality": quality or QUALITY, "chroma": 444, "save_all": False}
    for name, value in (("icc_profile", metadata.icc), ("exif", block), ("xmp", metadata.xmp)):
        if value is not None:
            options[name] = value
    heif.encode(mode, (image.width, image.height), array.tobytes(), stream, **options)
