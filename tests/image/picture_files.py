"""Files of every format, depth and layout, made by other libraries, each with the samples that it must give."""

import io
import struct
import zlib
from dataclasses import dataclass

import imagecodecs
import numpy as np
import tifffile
from PIL import Image as Pillow

HEIGHT, WIDTH = 21, 34
ICC = b"\0\0\2\x0cprofile that nobody parses" + bytes(range(256))
XMP = b'<?xpacket begin="\xef\xbb\xbf"?><x:xmpmeta xmlns:x="adobe:ns:meta/"/><?xpacket end="w"?>'


@dataclass
class File:
    """Bytes of a file, and the samples and alpha that reading it must give (None: not compared)."""

    name: str
    data: bytes
    samples: np.ndarray | None = None
    alpha: np.ndarray | None = None

    def __repr__(self):
        return self.name


def pixels(dtype, channels=1, seed=0, most=None):
    """Random samples over the whole range of a dtype, (H, W) or (H, W, C)."""
    shape = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)
    rng, dtype = np.random.default_rng(seed), np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(0.5, 0.4, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max if most is None else most, shape, dtype.newbyteorder("="), True)


def smooth(channels):
    """A picture that JPEG holds well, uint8."""
    y, x = np.mgrid[:48, :56]
    planes = [(3 * x + y) % 256, 4 * y, 2 * x + 2 * y, 255 - 3 * x][:channels]
    return np.stack(planes, axis=-1).astype(np.uint8).squeeze()


def exif(orientation=1, order="<"):
    """A small EXIF block with an orientation, a maker, and one tag in the Exif directory."""
    mark, o = (b"II" if order == "<" else b"MM"), order
    head = mark + struct.pack(o + "HI", 42, 8)
    maker = b"Camera\0\0"
    first = 8 + 2 + 3 * 12 + 4
    entries = struct.pack(o + "HHI", 271, 2, 7) + struct.pack(o + "I", first)
    entries += struct.pack(o + "HHI", 274, 3, 1) + struct.pack(o + "HH", orientation, 0)
    entries += struct.pack(o + "HHI", 34665, 4, 1) + struct.pack(o + "I", first + 8)
    within = struct.pack(o + "HHHIHHI", 1, 34855, 3, 1, 3200, 0, 0)
    return head + struct.pack(o + "H", 3) + entries + bytes(4) + maker + within


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(data, *chunks, late=()):
    """A PNG with more chunks after its header, and some after its pixels."""
    more = b"".join(png_chunk(kind, body) for kind, body in chunks)
    return data[:33] + more + data[33:-12] + b"".join(png_chunk(*c) for c in late) + data[-12:]


def png_indexed(bits, colour, values, *chunks, interlaced=False):
    """A PNG of 1, 2, 4 or 8 bit gray or indices, written here row by row."""
    rows = []
    for row in values:
        text = "".join(f"{value:0{bits}b}" for value in row)
        text += "0" * (-len(text) % 8)
        rows.append(b"\0" + int(text, 2).to_bytes(len(text) // 8, "big"))
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, colour, 0, 0, int(interlaced))
    body = b"".join(png_chunk(kind, data) for kind, data in chunks)
    idat = png_chunk(b"IDAT", zlib.compress(b"".join(rows)))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + body + idat + png_chunk(b"IEND", b"")


def png_adam7(array):
    """An interlaced PNG of 8 or 16 bit samples (H, W) or (H, W, C), pass after pass (PNG section 8.2)."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = b""
    for y, x, down, across in passes:
        for row in array[y::down, x::across]:
            rows += b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() if row.size else b""
    colour = 0 if array.ndim == 2 else {2: 4, 3: 2, 4: 6}[array.shape[2]]
    head = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], 8 * array.itemsize, colour, 0, 0, 1)
    chunks = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


PNG_TAGS = (
    (b"gAMA", struct.pack(">I", 45455)),
    (b"cHRM", struct.pack(">8I", *range(31270, 31278))),
    (b"iCCP", b"name of it\0\0" + zlib.compress(ICC)),
    (b"pHYs", struct.pack(">IIB", 11811, 11812, 1)),
    (b"eXIf", exif(6)),
    (b"tEXt", b"Title\0A picture"),
    (b"zTXt", b"Comment\0\0" + zlib.compress(b"compressed " * 20)),
    (b"iTXt", b"Author\0\0\0de\0Verfasser\0" + "Jürgen".encode()),
    (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
    (b"tIME", struct.pack(">HBBBBB", 2024, 2, 29, 12, 30, 1)),
    (b"prVt", b"a private chunk"),
)


def png_files():
    for dtype in (np.uint8, np.uint16):
        for channels in (1, 2, 3, 4):
            array = pixels(dtype, channels, seed=channels)
            if channels in (2, 4):
                array[:5, :5, -1] = 0  # colour under alpha 0 is to stay
            samples = array if channels in (1, 3) else array[..., :-1].squeeze()
            alpha = None if channels in (1, 3) else array[..., -1]
            data = png_with(imagecodecs.png_encode(array), *PNG_TAGS, late=[(b"tEXt", b"Late\0after pixels")])
            yield File(f"{np.dtype(dtype)}-{channels}.png", data, samples, alpha)
    for bits in (1, 2, 4):
        values = pixels(np.uint8, most=2**bits - 1)
        yield File(f"gray-{bits}.png", png_indexed(bits, 0, values), values)
        key = struct.pack(">H", 1)
        alpha = np.where(values == 1, 0, 255).astype(np.uint8)
        yield File(f"gray-{bits}-key.png", png_indexed(bits, 0, values, (b"tRNS", key)), values, alpha)
    for bits in (1, 2, 4, 8):
        values = pixels(np.uint8, most=2**bits - 1)
        table = np.random.default_rng(bits).integers(0, 256, (2**bits, 3), np.uint8)
        alphas = np.arange(2**bits, dtype=np.uint8)[: 2**bits - 1]
        opaque = np.append(alphas, 255).astype(np.uint8)
        palette = (b"PLTE", table.tobytes())
        yield File(f"palette-{bits}.png", png_indexed(bits, 3, values, palette), table[values])
        data = png_indexed(bits, 3, values, palette, (b"tRNS", alphas.tobytes()), (b"bKGD", b"\1"))
        yield File(f"palette-{bits}-alpha.png", data, table[values], opaque[values])
    array = pixels(np.uint16, 3)
    key = array[3, 4].astype(">u2").tobytes()
    alpha = np.where((array == array[3, 4]).all(-1), 0, 65535).astype(np.uint16)
    yield File("rgb16-key.png", png_with(imagecodecs.png_encode(array), (b"tRNS", key)), array, alpha)
    for dtype, channels in ((np.uint8, 3), (np.uint16, 1), (np.uint16, 3)):
        array = pixels(dtype, channels)
        yield File(f"interlaced-{np.dtype(dtype)}-{channels}.png", png_adam7(array), array)
    yield File("pillow.png", saved(pixels(np.uint8, 3), "PNG", optimize=True), pixels(np.uint8, 3))


def tiff(array, **options):
    stream = io.BytesIO()
    options = {"photometric": "minisblack", "metadata": None, "software": False} | options
    writer = {name: options.pop(name) for name in ("bigtiff", "byteorder") if name in options}
    with tifffile.TiffWriter(stream, **writer) as file:
        file.write(array, **options)
    return stream.getvalue()


TIFF_TAGS = {
    "iccprofile": ICC,
    "resolution": ((3000, 7), (72, 1)),
    "resolutionunit": "CENTIMETER",
    "description": "what it shows",
    "datetime": "2024:02:29 12:30:01",
    "extratags": [
        (700, 1, len(XMP), XMP, True),
        (274, 3, 1, 8, True),
        (315, 2, 0, "who took it", True),
        (285, 2, 0, "page one", True),
        (318, 5, 2, (3127, 10000, 329, 1000), True),
        (65000, 7, 5, b"\0\1\2\3\4", True),
    ],
}


def tiff_files():
    for dtype in ("u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"):
        array = pixels(dtype)
        yield File(f"gray-{dtype}.tif", tiff(array, **TIFF_TAGS), array)
    for dtype in ("u1", "u2", "f4"):
        for order in "<>":
            for compression in (None, "lzw", "deflate", "zstd", "packbits"):
                array = pixels(dtype, 3, seed=1)
                predictor = compression not in (None, "packbits")
                data = tiff(
                    array,
                    photometric="rgb",
                    compression=compression,
                    predictor=predictor,
                    byteorder=order,
                    **TIFF_TAGS,
                )
                name = f"rgb-{dtype}-{'be' if order == '>' else 'le'}-{compression}.tif"
                yield File(name, data, array)
    for dtype in ("u1", "u2"):
        array = pixels(dtype, 4, seed=2)
        rgb, alpha = array[..., :3], array[..., 3]
        for mark in ("assocalpha", "unassalpha"):
            data = tiff(array, photometric="rgb", extrasamples=[mark])
            yield File(f"rgba-{dtype}-{mark}.tif", data, rgb, alpha)
        yield File(f"cmyk-{dtype}.tif", tiff(array, photometric="separated", compression="lzw"), array)
        planes = np.ascontiguousarray(np.moveaxis(array, -1, 0))
        data = tiff(planes, photometric="rgb", planarconfig="separate", extrasamples=[2], compression="lzw")
        yield File(f"planes-{dtype}.tif", data, rgb, alpha)
        tiled = tiff(array, photometric="rgb", tile=(16, 32), compression="zstd", predictor=True)
        yield File(f"tiled-{dtype}.tif", tiled, rgb, alpha)
        yield File(f"white-is-0-{dtype}.tif", tiff(array[..., 0], photometric="miniswhite"), array[..., 0])
        grays = tiff(array[..., :2], planarconfig="contig", extrasamples=[2])
        yield File(f"gray-alpha-{dtype}.tif", grays, array[..., 0], array[..., 1])
        five = np.dstack([array, array[..., 0]])
        yield File(f"five-{dtype}.tif", tiff(five, planarconfig="contig", extrasamples=[0] * 4), five)
        table = np.random.default_rng(1).integers(0, 65536, (3, 2 ** (8 * array.itemsize)), np.uint16)
        index = array[..., 0]
        data = tiff(index, photometric="palette", colormap=table)
        yield File(f"palette-{dtype}.tif", data, np.moveaxis(table[:, index], 0, -1))
        yield File(f"big-{dtype}.tif", tiff(rgb, photometric="rgb", bigtiff=True, **TIFF_TAGS), rgb)
    bits = pixels("u1", most=1)
    for compression in (None, "deflate", "packbits"):
        for photometric in ("minisblack", "miniswhite"):
            data = tiff(bits.astype(bool), compression=compression, photometric=photometric)
            yield File(f"bilevel-{photometric}-{compression}.tif", data, bits)
    for depth in (2, 4):
        few = pixels("u1", most=2**depth - 1)
        yield File(f"gray-{depth}.tif", tiff(few, bitspersample=depth), few)
    for depth in (10, 12, 14):
        array = pixels("u2", most=2**depth - 1)
        yield File(f"gray-{depth}.tif", tiff(array, bitspersample=depth), array)
    strips = pixels("u2", 3)
    yield File("strips.tif", tiff(strips, photometric="rgb", rowsperstrip=4), strips)


def jpeg(mode, **options):
    stream = io.BytesIO()
    array = smooth({"L": 1, "RGB": 3, "CMYK": 4}[mode])
    Pillow.frombuffer(mode, (56, 48), array.tobytes(), "raw", mode, 0, 1).save(stream, "JPEG", **options)
    return stream.getvalue()


def jpeg_files():
    tags = {"icc_profile": ICC, "exif": b"Exif\0\0" + exif(6), "xmp": XMP, "dpi": (300, 300), "comment": b"hello"}
    for mode in ("L", "RGB", "CMYK"):
        for progressive in (False, True):
            name = f"{mode}-{'progressive' if progressive else 'baseline'}.jpg"
            yield File(name, jpeg(mode, progressive=progressive, quality=88, **tags))
    for sampling in (0, 1, 2):
        yield File(f"sampling-{sampling}.jpg", jpeg("RGB", subsampling=sampling, quality=75))
    yield File("stored-rgb.jpg", jpeg("RGB", keep_rgb=True))
    yield File("large-profile.jpg", jpeg("RGB", icc_profile=ICC * 700))
    tables = [[i + 1 for i in range(64)], [2 * i + 2 for i in range(64)]]
    yield File("own-tables.jpg", jpeg("RGB", qtables=tables))


def saved(array, kind, **options):
    """A file as Pillow writes it."""
    stream = io.BytesIO()
    Pillow.fromarray(array).save(stream, kind, **options)
    return stream.getvalue()


def webp_files():
    tags = {"icc_profile": ICC, "exif": exif(6), "xmp": XMP}
    for channels in (3, 4):
        array = pixels(np.uint8, channels)
        alpha = array[..., 3] if channels == 4 else None
        if alpha is not None:
            array[:5, :5, 3] = 0  # colour under alpha 0 is to stay
        for name, more in (("plain", {}), ("tags", tags)):
            data = saved(array, "WEBP", lossless=True, exact=True, **more)
            yield File(f"{channels}-{name}.webp", data, array[..., :3], alpha)


def webp_lossy_files():
    tags = {"icc_profile": ICC, "exif": exif(6), "xmp": XMP}
    yield File("lossy.webp", saved(smooth(3), "WEBP", quality=80))
    yield File("lossy-tags.webp", saved(smooth(3), "WEBP", quality=60, **tags))
    yield File("lossy-alpha.webp", saved(np.ascontiguousarray(smooth(4)), "WEBP", quality=80, **tags))


def bmp_files():
    gray, rgb, rgba = (pixels(np.uint8, n) for n in (1, 3, 4))
    yield File("gray.bmp", saved(gray, "BMP", dpi=(300, 200)), gray)
    yield File("rgb.bmp", saved(rgb, "BMP"), rgb)
    yield File("rgba.bmp", saved(rgba, "BMP"), rgba[..., :3])
    yield File("one.bmp", saved(gray > 99, "BMP"), np.stack([(gray > 99) * np.uint8(255)] * 3, axis=-1))
    for bits in (1, 4, 8):
        indices = pixels(np.uint8, most=2**bits - 1)
        table = np.random.default_rng(3).integers(0, 256, (2**bits, 3), np.uint8)
        for top_down in (False, True):
            name = f"palette-{bits}-{'down' if top_down else 'up'}.bmp"
            yield File(name, bmp_indexed(bits, indices, table, top_down), table[indices])


def bmp_indexed(bits, indices, table, top_down):
    rows = []
    for row in indices if top_down else indices[::-1]:
        text = "".join(f"{value:0{bits}b}" for value in row)
        text += "0" * (-len(text) % 32)
        rows.append(int(text, 2).to_bytes(len(text) // 8, "big"))
    body = b"".join(rows)
    colours = b"".join(bytes([b, g, r, 0]) for r, g, b in table.tolist())
    height = -HEIGHT if top_down else HEIGHT
    info = struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, bits, 0, len(body), 2835, 2835, len(table), 0)
    start = 54 + len(colours)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + info + colours + body


def avif_files():
    tags = {"icc_profile": ICC, "exif": exif(6), "xmp": XMP}
    yield File("rgb.avif", saved(smooth(3), "AVIF", quality=70, speed=10))
    yield File("tags.avif", saved(smooth(3), "AVIF", quality=70, speed=10, **tags))
    yield File("alpha.avif", saved(np.ascontiguousarray(smooth(4)), "AVIF", quality=90, speed=10, **tags))
    yield File("gray.avif", saved(smooth(1), "AVIF", quality=90, speed=10))
    for bits in (10, 12):
        deep = smooth(3).astype(np.uint16) << (bits - 8)
        yield File(f"rgb-{bits}.avif", imagecodecs.avif_encode(deep, 90, bitspersample=bits, speed=10))


def lab_files():
    """CIE Lab as TIFF stores it, with signed a and b: an RGB file with one tag changed."""
    for dtype in ("u1", "u2"):
        array = pixels(dtype, 3)
        data = bytearray(tiff(array, photometric="rgb"))
        at = data.index(struct.pack("<HHI", 262, 3, 1))
        data[at + 8] = 8
        half = 128 if dtype == "u1" else 32768
        yield File(f"lab-{dtype}.tif", bytes(data), array ^ np.array([0, half, half], dtype))


def lossless_files():
    return [*png_files(), *tiff_files(), *lab_files(), *webp_files(), *bmp_files()]


def lossy_files():
    return [*jpeg_files(), *webp_lossy_files(), *avif_files()]
