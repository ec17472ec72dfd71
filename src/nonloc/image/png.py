"""PNG: gray, colour and palette, 1 to 16 bits, with alpha; every chunk beside the pixels is kept.

Source: ISO/IEC 15948, PNG specification (third edition, W3C 2025). Pixels are decoded and encoded by libpng
through imagecodecs, which (unlike most readers) keeps 16-bit colour; everything else is done here.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from ..errors import ImageError
from .image import Image, Metadata
from .layout import full_range, is_cmyk, joined, locked, unsigned, widened
from .png_chunks import EARLY, IHDR, SIGNATURE, Chunk, chunk, raw_size, read_chunks, read_ihdr
from .source import Header, Source

NAME = "png"
SUFFIXES = (".png", ".apng")
LOSSY = False

XMP_KEY = b"XML:com.adobe.xmp"
ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
DEFLATE_LIMIT = 1032  # deflate cannot shrink more than this, so less data than that is a broken file
HOLDS = "PNG holds whole numbers of 1 to 16 bits"


@dataclass(frozen=True, eq=False)
class Palette:
    """How a palette picture was stored: indices (H, W), the RGB table, alpha of its first entries."""

    indices: np.ndarray
    bits: int
    colours: bytes
    alphas: bytes | None

    def expanded(self) -> tuple[np.ndarray, np.ndarray | None]:
        """RGB (H, W, 3) and alpha (H, W) or None, uint8."""
        table = np.frombuffer(self.colours, np.uint8).reshape(-1, 3)
        if self.alphas is None:
            return table[self.indices], None
        alphas = np.full(len(table), 255, np.uint8)
        alphas[: len(self.alphas)] = np.frombuffer(self.alphas, np.uint8)
        return table[self.indices], alphas[self.indices]


def matches(head: bytes) -> bool:
    """Whether a file that starts so is a PNG."""
    return head.startswith(SIGNATURE)


def header(source: Source) -> Header:
    """Size and layout from the first chunk."""
    ihdr = read_ihdr(source)
    return Header(ihdr.width, ihdr.height, ihdr.channels, ihdr.bits)


def read(source: Source, max_pixels: int) -> Image:
    """Decode; a palette is spread to RGB and kept in the tags, 1, 2 and 4 bits are uint8 with white 1, 3 and 15."""
    ihdr = read_ihdr(source)
    source.check(header(source), max_pixels)
    pixels, chunks = read_chunks(source, source.content())
    packed = sum(map(len, pixels))
    if raw_size(ihdr) > DEFLATE_LIMIT * packed + 1024:
        found = f"its {packed} bytes of pixel data cannot hold the {ihdr.width} x {ihdr.height} that it declares"
        raise source.error(found)
    samples = _decode(ihdr, pixels)
    tags: dict = {"png.interlaced": bool(ihdr.interlace)}
    metadata = _metadata(source, chunks, tags)
    parts = {c.kind: c.data for c in chunks if c.kind in (b"PLTE", b"tRNS")}
    alpha, scale = None, 1 / (2**ihdr.bits - 1)
    if ihdr.colour == 3:
        samples, alpha = _palette(source, ihdr, samples, parts, tags)
        scale = 1 / 255
    elif ihdr.colour in (4, 6):
        samples, alpha = samples[..., :-1], samples[..., -1]
        samples = samples[..., 0] if ihdr.colour == 4 else samples
    elif b"tRNS" in parts:
        if len(parts[b"tRNS"]) != 2 * ihdr.channels:
            raise source.error("its transparent colour has the wrong length")
        tags["png.key"] = parts[b"tRNS"]
        alpha = locked(_alpha_of_key(samples, parts[b"tRNS"]))
    return Image(samples, scale, 0.0, alpha, metadata, NAME, source.path)


def _decode(ihdr: IHDR, pixels: list[bytes]) -> np.ndarray:
    """Samples as stored. The decoder sees only header and pixel data, so that nothing is converted on the way."""
    import imagecodecs

    colour = 0 if ihdr.colour == 3 else ihdr.colour  # indices are decoded as if they were gray
    bare = [SIGNATURE, chunk(b"IHDR", ihdr._replace(colour=colour).pack())]
    bare += [chunk(b"IDAT", piece) for piece in pixels] + [chunk(b"IEND", b"")]
    samples = imagecodecs.png_decode(b"".join(bare))
    if ihdr.bits < 8:
        samples //= 255 // (2**ihdr.bits - 1)  # the decoder spreads few bits to 0..255
    return locked(samples)


def _palette(source: Source, ihdr: IHDR, indices: np.ndarray, parts: dict, tags: dict):
    colours, alphas = parts.get(b"PLTE"), parts.get(b"tRNS")
    if colours is None or len(colours) % 3 or not 0 < len(colours) <= 768:
        raise source.error("its palette is missing or has the wrong length")
    if indices.max() >= len(colours) // 3:
        raise source.error(f"a pixel has palette entry {indices.max()}, there are {len(colours) // 3}")
    if alphas is not None and len(alphas) > len(colours) // 3:
        raise source.error("its palette has more alphas than colours")
    palette = tags["png.palette"] = Palette(indices, ihdr.bits, colours, alphas)
    tags["png.note"] = "a palette picture: written with its palette when unchanged, else as 8-bit RGB"
    samples, alpha = palette.expanded()
    return locked(samples), None if alpha is None else locked(alpha)


def _alpha_of_key(samples: np.ndarray, key: bytes) -> np.ndarray:
    """Alpha that is 0 where a pixel has the one transparent colour, else white."""
    colour = np.frombuffer(key, ">u2").astype(np.uint16)
    hit = samples == colour[0] if samples.ndim == 2 else (samples == colour).all(axis=-1)
    return np.where(hit, 0, np.iinfo(samples.dtype).max).astype(samples.dtype)


def _metadata(source: Source, chunks: list[Chunk], tags: dict) -> Metadata:
    icc = exif = xmp = resolution = None
    kept = []
    for c in chunks:
        if c.kind == b"iCCP" and icc is None:
            name, _, rest = c.data.partition(b"\0")
            tags["png.icc_name"] = name
            icc = source.inflate(rest[1:], "colour profile")
        elif c.kind == b"eXIf" and exif is None:
            exif = c.data.removeprefix(b"Exif\0\0")
        elif c.kind == b"iTXt" and c.data.startswith(XMP_KEY + b"\0") and xmp is None:
            xmp = _itxt(source, c.data[len(XMP_KEY) + 1 :])
        elif c.kind == b"pHYs" and len(c.data) == 9 and resolution is None:
            x, y = (int.from_bytes(c.data[i : i + 4], "big") for i in (0, 4))
            resolution = (x / 100, y / 100, "cm") if c.data[8] == 1 else (float(x), float(y), "none")
        elif c.kind == b"acTL" and len(c.data) == 8:
            tags["pages"], tags["page"] = max(int.from_bytes(c.data[:4], "big"), 1), 0
        elif c.kind not in ANIMATION and c.kind not in (b"PLTE", b"tRNS"):
            kept.append(c)
    tags["png.chunks"] = tuple(kept)
    return Metadata(icc, exif, xmp, resolution, tags)


def _itxt(source: Source, data: bytes) -> bytes:
    if data.count(b"\0", 2) < 2:
        raise source.error("its XMP text is too short")
    text = data[2:].split(b"\0", 2)[2]  # after language and translated key
    return source.inflate(text, "XMP text") if data[0] == 1 else text


def write(image: Image, stream: BinaryIO, *, quality: int | None = None) -> None:
    """Encode; 1, 2 and 4 bit gray, palette and transparent colour stay so where the pixels still allow it."""
    asked = f"writing {NAME}"
    if is_cmyk(image):
        found = "a CMYK picture; PNG holds gray and RGB only"
        raise ImageError(asked, found, "Write .tif, or convert it to RGB with its profile first")
    if image.channels not in (1, 3):
        raise ImageError(asked, f"{image.channels} channels; PNG holds gray and RGB only", "Write .tif")
    tags = image.metadata.tags
    palette: Palette | None = tags.get("png.palette")
    parts: list[Chunk] = []
    if palette is not None and _same(palette.expanded(), (image.samples, image.alpha)):
        ihdr = IHDR(image.width, image.height, palette.bits, 3, 0, 0, 0)
        idat = _packed(palette.indices, palette.bits)
        parts.append(Chunk(b"PLTE", palette.colours))
        if palette.alphas is not None:
            parts.append(Chunk(b"tRNS", palette.alphas))
    else:
        ihdr, idat, key = _encode(image, asked)
        if key is not None:
            parts.append(Chunk(b"tRNS", key))
    stream.write(SIGNATURE + chunk(b"IHDR", ihdr.pack()))
    early, late = _described(image.metadata, ihdr, palette)
    parts = [c for c in early if c.kind in EARLY] + parts + [c for c in early if c.kind not in EARLY]
    for c in (*parts, *(Chunk(b"IDAT", piece) for piece in idat), *late, Chunk(b"IEND", b"")):
        stream.write(chunk(c.kind, c.data))


def _encode(image: Image, asked: str) -> tuple[IHDR, list[bytes], bytes | None]:
    """Header, pixel data and, where it still says the same as alpha, the transparent colour."""
    samples, alpha, white = unsigned(image, asked, HOLDS)
    key = image.metadata.tags.get("png.key")
    if key is not None:
        fits = len(key) == 2 * image.channels and samples.dtype == image.dtype
        if alpha is not None and fits and np.array_equal(_alpha_of_key(samples, key), alpha):
            alpha = None
        else:
            key = None
    few = image.channels == 1 and alpha is None and samples.dtype.itemsize == 1 and white in (1, 3, 15)
    if few:
        bits = white.bit_length()
        return IHDR(image.width, image.height, bits, 0, 0, 0, 0), _packed(samples, bits), key
    samples = widened(samples, white, round(1 / full_range(samples)))
    colour = (0 if image.channels == 1 else 2) + (0 if alpha is None else 4)
    ihdr = IHDR(image.width, image.height, 8 * samples.dtype.itemsize, colour, 0, 0, 0)
    return ihdr, _idat(joined(samples, alpha)), key


def _idat(array: np.ndarray) -> list[bytes]:
    import imagecodecs

    data = bytes(imagecodecs.png_encode(array))
    pieces, at = [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            pieces.append(data[at + 8 : at + 8 + length])
        at += 12 + length
    return pieces


def _packed(values: np.ndarray, bits: int) -> list[bytes]:
    """Rows of 1, 2, 4 or 8 bit numbers packed from the left, without filter, compressed."""
    planes = [(values >> (bits - 1 - i)) & 1 for i in range(bits)]
    rows = np.packbits(np.stack(planes, axis=-1).reshape(len(values), -1).astype(np.uint8), axis=1)
    return [zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes(), 9)]


def _described(metadata: Metadata, ihdr: IHDR, palette: Palette | None) -> tuple[list[Chunk], list[Chunk]]:
    """Chunks of the metadata before and after the pixels."""
    tags = metadata.tags
    early: list[Chunk] = []
    if metadata.icc is not None:
        name = tags.get("png.icc_name") or b"ICC profile"
        early.append(Chunk(b"iCCP", name + b"\0\0" + zlib.compress(metadata.icc)))
    if metadata.resolution is not None:
        early.append(Chunk(b"pHYs", _phys(*metadata.resolution)))
    if metadata.exif is not None:
        early.append(Chunk(b"eXIf", metadata.exif))
    if metadata.xmp is not None:
        early.append(Chunk(b"iTXt", XMP_KEY + b"\0\0\0\0\0" + metadata.xmp))
    late: list[Chunk] = []
    for c in tags.get("png.chunks", ()):
        if palette is not None and ihdr.colour != 3:
            c = _without_palette(c, palette, ihdr)
        if c is not None and _fits(c, ihdr):
            (late if c.late else early).append(c)
    return early, late


def _phys(x: float, y: float, unit: str) -> bytes:
    per_metre = {"cm": 100, "inch": 1 / 0.0254, "none": 1}[unit]
    numbers = (min(max(round(value * per_metre), 0), 2**32 - 1) for value in (x, y))
    return b"".join(n.to_bytes(4, "big") for n in numbers) + (b"\0" if unit == "none" else b"\1")


def _without_palette(c: Chunk, palette: Palette, ihdr: IHDR) -> Chunk | None:
    """A chunk that spoke of palette entries, said in colours; a histogram of entries means nothing any more."""
    if c.kind == b"hIST":
        return None
    if c.kind == b"bKGD" and len(c.data) == 1 and 3 * c.data[0] + 3 <= len(palette.colours):
        red, green, blue = palette.colours[3 * c.data[0] : 3 * c.data[0] + 3]
        return c._replace(data=bytes([0, red, 0, green, 0, blue]))
    if c.kind == b"sBIT" and ihdr.colour == 6:
        return c._replace(data=c.data + b"\x08")
    return c


def _fits(c: Chunk, ihdr: IHDR) -> bool:
    """Whether the length of a background colour or of significant bits is right for the colour type written."""
    channels = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}[ihdr.colour]
    if c.kind == b"sBIT":
        return len(c.data) == channels and all(0 < b <= (8 if ihdr.colour == 3 else ihdr.bits) for b in c.data)
    if c.kind == b"bKGD":
        return len(c.data) == {0: 2, 2: 6, 3: 1, 4: 2, 6: 6}[ihdr.colour]
    return True


def _same(one: tuple, other: tuple) -> bool:
    return all(
        (a is None and b is None) or (a is not None and b is not None and a.dtype == b.dtype and np.array_equal(a, b))
        for a, b in zip(one, other, strict=True)
    )
