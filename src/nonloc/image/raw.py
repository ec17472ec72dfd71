"""Camera RAW: the mosaic of a sensor as four planes, where the extra `raw` (rawpy) is there; written as DNG.

Source: Adobe DNG specification 1.7, chapters 2 and 5; LibRaw, through rawpy, decodes. Noise is white and independent on
the sensor, and no longer after demosaicing; so red, both greens and blue are restored each alone, at half the size.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ImageError
from .image import Image, Metadata
from .layout import locked
from .measured import digest, scale_and_offset
from .raw_tags import Camera, camera_of
from .raw_write import KEY, write, write_developed, write_pages
from .source import Header, Source

NAME = "raw"
SUFFIXES = (".dng",)
LOSSY = False

NEEDS = "Install it with pip install 'nonloc[raw]'"
DEVELOP = "Develop it to TIFF with a RAW converter first"
# files that are no TIFF, or one that begins unlike others: Canon, Fujifilm, Olympus, Panasonic, Minolta
MARKS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"\0MRM")
COLOURS = {"R": 0, "G": 1, "B": 2}  # as DNG counts them
FLIPS = {0: 1, 3: 3, 5: 8, 6: 6}  # LibRaw's turns as EXIF counts them


@dataclass(frozen=True, eq=False)
class Sensor:
    """What a camera wrote.

    mosaic: (H, W) uint16, all that the sensor gave, linear. top, left, height, width: what of it is picture. pattern:
    2 x 2 numbers of colours (0 red, 1 green, 2 blue) where the picture begins. black: 2 x 2, white: the numbers that
    stand for them. balance: factors of red, green, blue that make gray gray. matrix: (3, 3) from XYZ to the camera's
    colours, for daylight, or None. flip: orientation as EXIF counts it. camera: the tags of the file.
    """

    mosaic: np.ndarray
    top: int
    left: int
    height: int
    width: int
    pattern: np.ndarray
    black: np.ndarray
    white: int
    balance: tuple[float, float, float] | None
    matrix: np.ndarray | None
    flip: int
    camera: Camera

    def plane(self, number: int) -> tuple[slice, slice]:
        """Where in the mosaic the samples of a plane are."""
        y, x = divmod(number, 2)
        return slice(self.top + y, self.top + self.height, 2), slice(self.left + x, self.left + self.width, 2)


@dataclass(frozen=True, eq=False)
class Plane:
    """The tag "raw" of a picture: which of the four planes of a mosaic it is, row by row, and its samples' digest."""

    sensor: Sensor
    number: int
    digest: bytes


def matches(head: bytes) -> bool:
    """Whether a file that starts so is camera RAW that can be told from other TIFFs; `tiff` finds the others."""
    if head.startswith(MARKS) or (head[4:8] == b"ftyp" and head[8:12] == b"crx "):
        return True
    if head[:4] not in (b"II*\0", b"MM\0*"):
        return False
    order = "little" if head[:2] == b"II" else "big"
    first = int.from_bytes(head[4:8], order)  # type: ignore[arg-type]
    entry = head[first + 2 : first + 14]
    if head[8:10] == b"CR" or len(entry) < 12:
        return head[8:10] == b"CR"
    return entry[:2] == (254).to_bytes(2, order) and 1 in (entry[8], entry[11])  # type: ignore[arg-type]


def header(source: Source) -> Header:
    """Size and layout of a plane, of which there are four."""
    with _opened(source) as found:
        return Header(-(-found.sizes.width // 2), -(-found.sizes.height // 2), 1, 16, 4)


def read(source: Source, max_pixels: int) -> Image:
    """The first plane: see `read_pages`."""
    return next(read_pages(source, max_pixels))


def read_pages(source: Source, max_pixels: int) -> Iterator[Image]:
    """The four planes of a mosaic of 2 x 2 colours: those of its first row, then those of its second.

    Samples are uint16, linear, as LibRaw unpacks them; black and white are those of the camera. Raises ImageError:
    rawpy is not installed, LibRaw does not know the file, another pattern than 2 x 2 of red, green and blue, pixels
    that are no mosaic any more.
    """
    sensor = _sensor(source, max_pixels)
    for number in range(4):
        samples = np.ascontiguousarray(sensor.mosaic[sensor.plane(number)])
        black = float(sensor.black.flat[number])
        scale, offset = scale_and_offset(samples.dtype, black, float(max(sensor.white, black + 1)))
        tags: dict[str, Any] = {KEY: Plane(sensor, number, digest(samples)), "pages": 4, "page": number}
        yield Image(locked(samples), scale, offset, None, Metadata(tags=tags), NAME, source.path)


def library(asked: str):
    """rawpy, or an ImageError that says how to have it."""
    try:
        import rawpy
    except ImportError:
        raise ImageError(asked, "camera RAW needs the package rawpy, which is not installed", NEEDS) from None
    return rawpy


def _opened(source: Source):
    rawpy = library(source.name)
    try:
        return rawpy.imread(str(source.path) if source.path is not None else io.BytesIO(source.content()))
    except rawpy.LibRawError as error:
        raise source.error(f"LibRaw cannot read it as camera RAW ({_text(error)})", DEVELOP) from error


def _sensor(source: Source, max_pixels: int) -> Sensor:
    rawpy = library(source.name)
    camera = camera_of(source)
    with _opened(source) as found:
        sizes = found.sizes
        source.check(Header(sizes.raw_width, sizes.raw_height, 1, 16), max_pixels)
        try:
            pattern = found.raw_pattern if found.raw_type == rawpy.RawType.Flat else None
            mosaic = None if pattern is None else found.raw_image
        except rawpy.LibRawError as error:
            raise source.error(f"LibRaw cannot decode its pixels ({_text(error)})", DEVELOP) from error
        letters = found.color_desc.decode("ascii", "replace")
        if mosaic is None or pattern is None or pattern.shape != (2, 2) or not set(letters) <= set(COLOURS):
            what = "no mosaic" if pattern is None else f"a mosaic of {pattern.shape[0]} x {pattern.shape[1]} {letters}"
            raise source.error(f"{what}, where one of 2 x 2 red, green and blue is restored", DEVELOP)
        colours = found.raw_colors_visible[:2, :2]
        black = np.array(found.black_level_per_channel)[colours]
        balance = _balance(list(found.camera_whitebalance))
        matrix = np.array(found.rgb_xyz_matrix)[:3]
        return Sensor(
            locked(np.array(mosaic, np.uint16)),
            sizes.top_margin,
            sizes.left_margin,
            sizes.height,
            sizes.width,
            np.array([[COLOURS[letters[c]] for c in row] for row in colours]),
            black,
            int(found.white_level),
            balance,
            matrix if matrix.any() else None,
            FLIPS.get(sizes.flip, 1),
            camera,
        )


def _balance(factors: list[float]) -> tuple[float, float, float] | None:
    red, green, blue = factors[:3]
    return (red / green, 1.0, blue / green) if min(red, green, blue) > 0 else None


def _text(error: Exception) -> str:
    text = error.args[0] if error.args else type(error).__name__
    return " ".join((text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)).split())[:200]


__all__ = ["header", "matches", "read", "read_pages", "write", "write_developed", "write_pages"]
