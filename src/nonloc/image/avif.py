"""AVIF: 8, 10 and 12 bits, gray and colour, with alpha.

Source: AV1 Image File Format 1.1. Pixels are decoded by libavif through imagecodecs, which keeps 10 and 12 bits;
metadata are taken from the same library through Pillow.
"""

from __future__ import annotations

import io
from typing import BinaryIO

import numpy as np

from ..errors import ImageError
from . import boxes, exif, original
from .image import Image, Metadata
from .layout import is_cmyk, joined, locked, native, unsigned, widened
from .source import Header, Source

NAME = "avif"
SUFFIXES = (".avif",)
LOSSY = True

QUALITY = 90
LARGEST = 16384  # of a side, as libavif takes it
DENSEST = 100_000  # pixels for a byte of file; flat pictures reach some 20,000
HOLDS = "AVIF holds whole numbers of 8, 10 and 12 bits"


def matches(head: bytes) -> bool:
    """Whether a file that starts so is an AVIF."""
    return boxes.brand(head) in boxes.AVIF_BRANDS


def header(source: Source) -> Header:
    """Size and layout from the item properties."""
    return boxes.declared(source, source.content())


def read(source: Source, max_pixels: int) -> Image:
    """Decode; 10 and 12 bits come as uint16 with white 1023 and 4095."""
    import imagecodecs
    from PIL.AvifImagePlugin import AvifImageFile

    data = source.content()
    head = boxes.declared(source, data)
    source.check(head, max_pixels)
    if head.width * head.height > DENSEST * len(data):
        raise source.error(f"its {len(data)} bytes cannot hold the {head.width} x {head.height} that it declares")
    with AvifImageFile(io.BytesIO(data)) as picture:  # not Image.open, whose limit is a global
        size, frames, info = picture.size, picture.n_frames, dict(picture.info)
    if size[0] * size[1] > max_pixels:
        source.check(Header(*size, head.channels, head.bits), max_pixels)
    if frames > 1:
        found = f"an animation of {frames} frames"
        raise source.error(found, "Save the frames as single pictures, or as pages of a TIFF, first")
    array = locked(imagecodecs.avif_decode(data))
    if array.shape[:2] != size[::-1]:
        raise source.error(f"its pixels have shape {array.shape}, its header says {size[0]} x {size[1]}")
    samples, alpha = array, None
    if array.ndim == 3 and array.shape[2] in (2, 4):
        samples, alpha = array[..., :-1], array[..., -1]
    samples = samples[..., 0] if samples.ndim == 3 and samples.shape[2] == 1 else samples
    white = 255 if array.dtype == np.uint8 else 2 ** max(head.bits, 10) - 1
    block = info.get("exif")
    block = None if block is None else block.removeprefix(b"Exif\0\0")
    metadata = Metadata(info.get("icc_profile"), block, info.get("xmp"), exif.resolution(block), {original.KEY: data})
    return Image(samples, 1 / white, 0.0, alpha, metadata, NAME, source.path)


def write(image: Image, stream: BinaryIO, *, quality: int | None = None) -> None:
    """Encode with full chroma at quality 90, or copy what an unchanged picture was read from."""
    asked = f"writing {NAME}"
    data = original.unchanged(image, read) if quality is None else None
    if data is not None:
        stream.write(data)
        return
    if is_cmyk(image) or image.channels not in (1, 3):
        raise ImageError(asked, f"{image.channels} channels; AVIF holds gray and RGB only", "Write .tif")
    if max(image.height, image.width) > LARGEST:
        found = f"{image.width} x {image.height} pixels; AVIF is written up to {LARGEST} a side"
        raise ImageError(asked, found, "Write .png or .tif")
    samples, alpha, white = unsigned(image, asked, HOLDS)
    if white > 4095:
        found = f"{white.bit_length()}-bit samples would be cut to 12 bits"
        raise ImageError(asked, found, "Write .png or .tif, or convert the picture to fewer bits first")
    if white > 255:
        stream.write(_deep(image, samples, alpha, white, quality or QUALITY, asked))
    else:
        samples = widened(samples, white, 255).astype(np.uint8)
        stream.write(_eight(image, joined(samples, alpha), quality or QUALITY))


def _eight(image: Image, array: np.ndarray, quality: int) -> bytes:
    from PIL import Image as Pillow

    if array.ndim == 3 and array.shape[2] == 2:  # gray with alpha exists only as colour with alpha here
        array = array[..., [0, 0, 0, 1]]
    metadata = image.metadata
    block = metadata.exif
    if block is None and metadata.resolution is not None:
        block = exif.of_resolution(*metadata.resolution)
    options: dict = {"subsampling": "4:0:0" if array.ndim == 2 else "4:4:4", "max_threads": 1}
    for name, value in (("icc_profile", metadata.icc), ("exif", block), ("xmp", metadata.xmp)):
        if value is not None:
            options[name] = value
    out = io.BytesIO()
    Pillow.fromarray(array).save(out, "AVIF", quality=quality, **options)
    return out.getvalue()


def _deep(image: Image, samples: np.ndarray, alpha: np.ndarray | None, white: int, quality: int, asked: str) -> bytes:
    """10 or 12 bits; this encoder takes no metadata."""
    import imagecodecs

    for name in ("icc", "exif", "xmp"):
        if getattr(image.metadata, name) is not None:
            found = f"{name.upper()} metadata with more than 8 bits, which the AVIF encoder here cannot hold"
            raise ImageError(asked, found, "Write .png or .tif, or remove them")
    bits = 10 if white <= 1023 else 12
    array = joined(widened(samples, white, 2**bits - 1).astype(np.uint16), alpha)
    return bytes(imagecodecs.avif_encode(array.astype(native(array.dtype)), quality, bitspersample=bits))
