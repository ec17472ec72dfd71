"""Writing camera RAW: the restored mosaic as a DNG, uncompressed; or developed, as RGB of 16 bits.

Source: Adobe DNG specification 1.7, chapter 4. A DNG keeps its tags; a file of another kind becomes a DNG with what
LibRaw knows of its black, white and colours.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from ..errors import ImageError
from . import ifd
from .ifd import BYTE, LONG, RATIONAL, SHORT, Entry, Kind
from .image import Image, Metadata
from .measured import digest
from .tiff_tags import fraction

if TYPE_CHECKING:
    from .raw import Sensor

KEY = "raw"
ASKED = "writing dng"
ROWS = 256  # of a strip
SRATIONAL = 10
DAYLIGHT = 21  # D65
STALE = {50781, 51041}  # of changed samples: the identity of the raw data, the profile of their noise
SRGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])  # XYZ to sRGB


def write(image: Image, stream: BinaryIO, *, quality: int | None = None) -> None:
    """Refuse one plane alone; see `write_pages`."""
    write_pages([image], stream)


def write_pages(images: Iterable[Image], stream: BinaryIO) -> None:
    """Write the four planes of one mosaic, in their order, as a DNG.

    A DNG keeps its tags but previews, an embedded original, and digests; where samples changed, its noise profile and
    the identity of its raw data are left out, too. Raises ImageError for pictures from elsewhere, and of another size.
    """
    sensor, mosaic, changed = _joined(images)
    kind = Kind(sensor.camera.kind.order)
    tags = {e.tag: e for e in sensor.camera.entries}
    if changed:
        tags = {tag: e for tag, e in tags.items() if tag not in STALE}
    if not sensor.camera.dng:
        mosaic = mosaic[sensor.top : sensor.top + sensor.height, sensor.left : sensor.left + sensor.width]
        tags |= {e.tag: e for e in _of_sensor(sensor, kind, tags)}
    tags.setdefault(50717, ifd.entry(50717, LONG, [sensor.white], kind))
    height, width = mosaic.shape
    sizes = [(min(height, y + ROWS) - y) * width * 2 for y in range(0, height, ROWS)]
    starts = [8 + sum(sizes[:i]) for i in range(len(sizes))]
    structure = [
        ifd.entry(254, LONG, [0], kind),
        ifd.entry(256, LONG, [width], kind),
        ifd.entry(257, LONG, [height], kind),
        ifd.entry(258, SHORT, [16], kind),
        ifd.entry(259, SHORT, [1], kind),
        ifd.entry(262, SHORT, [32803], kind),
        ifd.entry(273, LONG, starts, kind),
        ifd.entry(277, SHORT, [1], kind),
        ifd.entry(278, LONG, [ROWS], kind),
        ifd.entry(279, LONG, sizes, kind),
        ifd.entry(284, SHORT, [1], kind),
    ]
    at = 8 + sum(sizes)  # even, as all samples have two bytes
    stream.write(kind.header[:4] + struct.pack(kind.offset, at))
    for y in range(0, height, ROWS):
        stream.write(mosaic[y : y + ROWS].astype(kind.order + "u2").tobytes())
    stream.write(ifd.packed([*structure, *tags.values()], at, kind))


def write_developed(images: Iterable[Image], stream: BinaryIO) -> None:
    """Write the four planes of one mosaic developed by LibRaw, as a TIFF of 16 bits.

    Colours are sRGB with its curve, white balance is the camera's, brightness as it is; the picture is turned upright.
    """
    from .raw import library
    from .tiff_write import write_pages as write_tiff

    images = list(images)
    sensor = images[0].metadata.tags[KEY].sensor
    dng = io.BytesIO()
    write_pages(images, dng)
    dng.seek(0)
    with library("developing camera RAW").imread(dng) as found:
        samples = found.postprocess(
            use_camera_wb=sensor.balance is not None, no_auto_bright=True, output_bps=16, gamma=(2.4, 12.92)
        )
    kind = sensor.camera.kind
    upright = [e for e in sensor.camera.entries if e.tag in {271, 272, 306, 315, 33432, ifd.EXIF, ifd.GPS}]
    exif = ifd.to_bytes(upright, kind) if upright else None
    write_tiff([Image(samples, 1 / 65535, 0.0, None, Metadata(exif=exif), "tiff", images[0].path)], stream)


def _joined(images: Iterable[Image]) -> tuple[Sensor, np.ndarray, bool]:
    """The sensor, its mosaic with the planes as they are now, and whether one changed."""
    sensor: Sensor | None = None
    mosaic, changed, count = np.empty(0), False, 0
    for image in images:
        plane = image.metadata.tags.get(KEY)
        if plane is None:
            do = "Write .tif; only planes of a camera's RAW file can become one again"
            raise ImageError(ASKED, "a picture from elsewhere, which no sensor gave", do)
        if sensor is None:
            sensor, mosaic = plane.sensor, np.array(plane.sensor.mosaic)
        if plane.sensor is not sensor or plane.number != count:
            found = f"page {count + 1} is not that of the mosaic that is written"
            raise ImageError(ASKED, found, "Give all four planes of one file, in their order")
        place = sensor.plane(count)
        if image.samples.shape != mosaic[place].shape or image.dtype != mosaic.dtype:
            found = f"{image.dtype} {image.samples.shape}, where the mosaic has {mosaic[place].shape}"
            raise ImageError(ASKED, found, "Keep the size, and enlarge the developed picture")
        if digest(image.samples) != plane.digest:
            changed = True
            highest = max(sensor.white, int(mosaic[place].max()))
            mosaic[place] = np.minimum(image.samples, highest)
        count += 1
    if sensor is None or count != 4:
        found = f"{count} of the 4 planes of a mosaic"
        raise ImageError(ASKED, found, "Take all with read_pages and write_pages")
    return sensor, mosaic, changed


def _of_sensor(sensor: Sensor, kind: Kind, known: dict[int, Entry]) -> list[Entry]:
    """The tags that a DNG needs and a file of another kind has not."""
    model = b" ".join(known[tag].value.rstrip(b"\0") for tag in (271, 272) if tag in known) or b"Unknown"
    matrix = SRGB if sensor.matrix is None else sensor.matrix
    made = [
        ifd.entry(50706, BYTE, bytes([1, 4, 0, 0]), kind),
        ifd.entry(50707, BYTE, bytes([1, 1, 0, 0]), kind),
        ifd.entry(50708, ifd.ASCII, model + b"\0", kind),
        ifd.entry(33421, SHORT, [2, 2], kind),
        ifd.entry(33422, BYTE, sensor.pattern.astype(np.uint8).tobytes(), kind),
        ifd.entry(50713, SHORT, [2, 2], kind),
        ifd.entry(50714, LONG, sensor.black.ravel().tolist(), kind),
        ifd.entry(50717, LONG, [sensor.white], kind),
        ifd.entry(50721, SRATIONAL, _signed(matrix, kind), kind),
        ifd.entry(50778, SHORT, [DAYLIGHT], kind),
        ifd.entry(274, SHORT, [sensor.flip], kind),
    ]
    if sensor.balance is not None:
        pairs = [number for factor in sensor.balance for number in fraction(1 / factor)]
        made.append(ifd.entry(50728, RATIONAL, pairs, kind))
    return made


def _signed(matrix: np.ndarray, kind: Kind) -> bytes:
    pairs = [number for value in matrix.ravel() for number in (round(float(value) * 10_000), 10_000)]
    return struct.pack(f"{kind.order}{len(pairs)}i", *pairs)
