"""BMP: gray, palette and colour of 8 bits, with resolution and, in its newest form, alpha and a colour profile.

Source: Microsoft, Bitmap Storage (BITMAPFILEHEADER, BITMAPINFOHEADER, BITMAPV4HEADER, BITMAPV5HEADER). Rows of plain
files are read here; run-length coded ones are decoded by Pillow.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from ..errors import ImageError
from .image import Image, Metadata
from .layout import is_cmyk, locked, unsigned, widened
from .source import Header, Source

NAME = "bmp"
SUFFIXES = (".bmp", ".dib")
LOSSY = False

PLAIN, RLE8, RLE4, FIELDS = 0, 1, 2, 3
V4, V5 = 108, 124
PROFILE_EMBEDDED = b"DEBM"
MASKS32 = (0x00FF0000, 0x0000FF00, 0x000000FF)
HOLDS = "BMP holds whole numbers of 8 bits"


@dataclass(frozen=True)
class Info:
    """The two headers, as far as they matter."""

    pixels: int  # offset
    size: int  # of the information header
    width: int
    height: int
    top_down: bool
    bits: int
    compression: int
    resolution: tuple[int, int]  # pixels per metre
    colours: int
    masks: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Palette:
    """How a palette picture was stored: indices (H, W), bits, and the table of blue, green, red, 0."""

    indices: np.ndarray
    bits: int
    table: bytes

    def expanded(self) -> np.ndarray:
        return np.frombuffer(self.table, np.uint8).reshape(-1, 4)[:, 2::-1][self.indices]


def matches(head: bytes) -> bool:
    """Whether a file that starts so is a BMP."""
    return head[:2] == b"BM" and len(head) >= 18 and head[14] in (12, 40, 52, 56, V4, V5)


def header(source: Source) -> Header:
    """Size and layout from the information header."""
    info = _info(source)
    alpha = info.bits == 32 and len(info.masks) == 4 and info.masks[3] != 0
    return Header(info.width, info.height, 4 if alpha else 1 if info.bits <= 8 else 3, min(info.bits, 8))


def _info(source: Source) -> Info:
    head = source.head
    pixels, size = struct.unpack("<II", head[10:18])
    if size < 40 or len(head) < 54:
        raise source.error("a BMP of OS/2 or without a whole header", "Convert it to PNG")
    width, height, planes, bits, compression, _, x, y, colours = struct.unpack("<iiHHIIiiI", head[18:50])
    if planes != 1 or bits not in (1, 4, 8, 16, 24, 32) or compression > FIELDS:
        found = f"a BMP of {planes} planes, {bits} bits and compression {compression}"
        raise source.error(found, "Convert it to PNG")
    masks: tuple[int, ...] = ()
    if compression == FIELDS:
        number = 4 if size >= 56 else 3
        with source.open() as stream:
            stream.seek(54)
            raw = stream.read(4 * number)
        if len(raw) < 4 * number:
            raise source.error("ends within its header")
        masks = struct.unpack(f"<{number}I", raw)
    return Info(pixels, size, width, abs(height), height < 0, bits, compression, (x, y), colours, masks)


def read(source: Source, max_pixels: int) -> Image:
    """Decode; a gray ramp as palette is gray, other palettes are spread to RGB and kept in the tags."""
    info = _info(source)
    source.check(header(source), max_pixels)
    data = source.content()
    tags: dict = {}
    alpha = None
    if info.bits <= 8:
        samples = _indexed(source, info, data, tags)
    elif info.bits == 16:
        samples = _sixteen(source, info, data)
        tags["bmp.note"] = "15 or 16 bits per pixel; written with 24"
    else:
        rows = _rows(source, info, data).reshape(info.height, -1)[:, : info.width * info.bits // 8]
        array = rows.reshape(info.height, info.width, info.bits // 8)
        if info.masks and info.masks[:3] != MASKS32:
            raise source.error("its channels stand in an unusual order", "Convert it to PNG")
        samples = array[..., 2::-1]
        if info.bits == 32 and len(info.masks) == 4 and info.masks[3] == 0xFF000000:
            alpha = locked(array[..., 3])
        elif info.bits == 32:
            tags["bmp.fourth"] = array[..., 3]
    resolution = None
    if min(info.resolution) > 0:
        x, y = info.resolution
        resolution = (x / 100, y / 100, "cm")
    metadata = Metadata(icc=_profile(source, info, data), resolution=resolution, tags=tags)
    return Image(locked(samples), 1 / 255, 0.0, alpha, metadata, NAME, source.path)


def _rows(source: Source, info: Info, data: bytes) -> np.ndarray:
    """Rows of bytes from the top, each a multiple of four long."""
    row = (info.width * info.bits + 31) // 32 * 4
    rows = np.frombuffer(data, np.uint8, offset=min(info.pixels, len(data)))[: row * info.height]
    if rows.size < row * info.height:
        found = f"ends after {len(data)} bytes, {info.pixels + row * info.height} are needed"
        raise source.error(found)
    rows = rows.reshape(info.height, row)
    return rows if info.top_down else rows[::-1]


def _indexed(source: Source, info: Info, data: bytes, tags: dict) -> np.ndarray:
    start = 14 + info.size
    number = min(info.colours or 2**info.bits, 2**info.bits)
    table = data[start : start + 4 * number]
    if len(table) < 4 * number:
        raise source.error("ends within its palette")
    if info.compression in (RLE8, RLE4):
        indices = _run_length(source, info, data)
    else:
        bits = np.unpackbits(_rows(source, info, data), axis=1)
        digits = bits.reshape(info.height, -1, info.bits)[:, : info.width]
        weights = (1 << np.arange(info.bits)[::-1]).astype(np.uint8)
        indices = (digits * weights).sum(axis=-1, dtype=np.uint8)
    if indices.max() >= number:
        raise source.error(f"a pixel has palette entry {indices.max()}, there are {number}")
    ramp = np.repeat(np.arange(256, dtype=np.uint8), 4).reshape(256, 4)
    ramp[:, 3] = 0
    if info.bits == 8 and table == ramp.tobytes():
        return indices
    palette = tags["bmp.palette"] = Palette(indices, info.bits, table)
    tags["bmp.note"] = "a palette picture: written with its palette when unchanged, else as 24-bit RGB"
    return palette.expanded()


def _pillow(data: bytes) -> np.ndarray:
    from PIL.BmpImagePlugin import BmpImageFile

    with BmpImageFile(io.BytesIO(data)) as picture:
        picture.load()
        return np.array(picture)


def _run_length(source: Source, info: Info, data: bytes) -> np.ndarray:
    if info.width * info.height > max(2**24, 256 * len(data)):
        raise source.error(f"its {len(data)} bytes cannot hold {info.width} x {info.height} pixels")
    # with a gray ramp as palette the decoder gives indices
    ramp = b"".join(bytes([i, i, i, 0]) for i in range(256))
    head = data[:10] + struct.pack("<I", 54 + 1024) + struct.pack("<I", 40) + data[18:46] + struct.pack("<II", 256, 0)
    indices = _pillow(head + ramp + data[info.pixels :])
    if indices.shape != (info.height, info.width):
        raise source.error("its run-length coded pixels cannot be decoded", "Convert it to PNG")
    return indices


def _sixteen(source: Source, info: Info, data: bytes) -> np.ndarray:
    """5 or 6 bits per channel, spread to 8."""
    words = np.ascontiguousarray(_rows(source, info, data)).view("<u2")[:, : info.width]
    masks = info.masks[:3] or (0x7C00, 0x03E0, 0x001F)
    planes = []
    for mask in masks:
        low = (mask & -mask).bit_length() - 1
        top = mask >> max(low, 0)
        if mask == 0 or mask > 0xFFFF or top & (top + 1):
            raise source.error("its channel masks are unusual", "Convert it to PNG")
        planes.append(widened(words >> low & top, top, 255).astype(np.uint8))
    return np.stack(planes, axis=-1)


def _profile(source: Source, info: Info, data: bytes) -> bytes | None:
    if info.size < V5 or data[14 + 56 : 14 + 60] != PROFILE_EMBEDDED:
        return None
    at, size = struct.unpack("<II", data[14 + 112 : 14 + 120])
    profile = data[14 + at : 14 + at + size]
    if len(profile) < size:
        raise source.error("ends within its colour profile")
    return profile


def write(image: Image, stream: BinaryIO, *, quality: int | None = None) -> None:
    """Encode: gray with a gray palette, colour with 24 bits, alpha with 32, a palette while it still fits."""
    asked = f"writing {NAME}"
    metadata = image.metadata
    if is_cmyk(image) or image.channels not in (1, 3):
        raise ImageError(asked, f"{image.channels} channels; BMP holds gray and RGB only", "Write .tif")
    for name in ("exif", "xmp"):
        if getattr(metadata, name) is not None:
            raise ImageError(asked, f"{name.upper()} metadata, which BMP cannot hold", "Write .png or remove them")
    samples, alpha, white = unsigned(image, asked, HOLDS)
    if white > 255:
        found = f"{white.bit_length()}-bit samples would be cut to 8 bits"
        raise ImageError(asked, found, "Write .png or .tif, or convert the picture to 8 bits first")
    samples = widened(samples, white, 255).astype(np.uint8)
    palette: Palette | None = metadata.tags.get("bmp.palette")
    table, masks, bits = b"", b"", 24
    if palette is not None and alpha is None and np.array_equal(palette.expanded(), samples):
        table, bits = palette.table, palette.bits
        planes = (palette.indices[..., np.newaxis] >> np.arange(bits)[::-1]) & 1
        rows = np.packbits(planes.reshape(image.height, -1).astype(np.uint8), axis=1)
    elif samples.ndim == 2 and alpha is None:
        table, bits = b"".join(bytes([i, i, i, 0]) for i in range(256)), 8
        rows = samples
    else:
        colours = samples if samples.ndim == 3 else np.stack([samples] * 3, axis=-1)
        fourth = alpha if alpha is not None else metadata.tags.get("bmp.fourth")
        rows = colours[..., ::-1]
        if fourth is not None and fourth.shape == samples.shape[:2]:
            rows, bits = np.dstack([rows, fourth]), 32
        if alpha is not None:
            masks = struct.pack("<4I", *MASKS32, 0xFF000000)
        rows = rows.reshape(image.height, -1)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))[::-1]
    size = V5 if metadata.icc is not None else V4 if masks else 40
    start = 14 + size + len(table)
    x = y = 0
    if metadata.resolution is not None and metadata.resolution[2] != "none":
        factor = {"cm": 100, "inch": 1 / 0.0254}[metadata.resolution[2]]
        x, y = (min(round(v * factor), 2**31 - 1) for v in metadata.resolution[:2])
    compression = FIELDS if masks else PLAIN
    info = struct.pack("<IiiHHIIiiII", size, image.width, image.height, 1, bits, compression, rows.size, x, y,
                       len(table) // 4, 0)  # fmt: skip
    info = (info + masks).ljust(size, b"\0")
    profile = metadata.icc or b""
    if size >= V4:
        kind = PROFILE_EMBEDDED if profile else b"BGRs"
        info = info[:56] + kind + info[60:]
    if profile:
        info = info[:112] + struct.pack("<II", start - 14 + rows.size, len(profile)) + info[120:]
    total = start + rows.size + len(profile)
    if total >= 2**32:
        raise ImageError(asked, f"a file of {total} bytes; BMP ends at 4 GB", "Write .tif")
    stream.write(b"BM" + struct.pack("<IHHI", total, 0, 0, start) + info + table)
    stream.write(np.ascontiguousarray(rows).tobytes() + profile)
