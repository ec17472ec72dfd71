"""DICOM: pictures of medicine, single or of many frames, where the extra `lab` (pydicom) is installed.

Source: DICOM PS3.3 C.7.6.3 (image pixel), C.7.5.1.1.2 (pixel padding), C.7.6.6 (frames). Pydicom parses and decodes.
Not for diagnosis: neither what is read here nor what a method makes of it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from ..errors import ImageError
from .dicom_write import steps_of, write, write_pages
from .holes import KEY as HOLES
from .holes import filled
from .image import Image, Metadata
from .layout import locked
from .measured import black_and_white, digest, scale_and_offset
from .provenance import KEY
from .source import Header, Source

NAME = "dicom"
SUFFIXES = (".dcm", ".dicom")
LOSSY = False

MAGIC = b"DICM"  # at byte 128
SEEN = 16  # frames that black and white are judged by
ACROSS = 256  # rows and columns of each
GRAY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
NEEDS = "Install it with 'pip install nonloc[lab]'"


@dataclass(frozen=True, eq=False)
class Frame:
    """The tag "dicom" of a picture: all elements of its file but the pixels (a pydicom dataset, not to be altered).

    number: which of its `frames` it is. digest: of its samples, padding and all.
    """

    cards: Any
    number: int
    frames: int
    digest: bytes


def matches(head: bytes) -> bool:
    """Whether a file that starts so is a DICOM."""
    return head[128:132] == MAGIC


def header(source: Source) -> Header:
    """Size and layout of a frame, and how many there are."""
    return _header(_cards(source))


def read(source: Source, max_pixels: int) -> Image:
    """The first frame.

    Samples are those stored; rescale slope and intercept, windows and all else stay in the dataset, and say what they
    mean. Black and white of gray ones are the 0.1 % and 99.9 % quantiles over up to 16 frames, evenly spread, the other
    way round for MONOCHROME1; of 8 bits, and of colour, those of the bits stored. Colour comes as RGB. Samples of
    the pixel padding value are filled for the methods and put back when written: see `fits.read`. A compressed file is
    decoded by what pydicom finds installed, and written uncompressed.

    Raises ImageError: pydicom is not installed, no picture, a palette, masks of 1 bit, overlays inside the samples, a
    compression that no installed package decodes, damaged.
    """
    return next(read_pages(source, max_pixels))


def read_pages(source: Source, max_pixels: int) -> Iterator[Image]:
    """The frames, one after the other; all have one scale and offset."""
    cards = _cards(source)
    head = _header(cards)
    source.check(head, max_pixels)
    _check(source, cards)
    frames = head.pages
    seen = sorted({i * frames // min(frames, SEEN) for i in range(min(frames, SEEN))})
    across = (max(1, head.height // ACROSS), max(1, head.width // ACROSS))
    parts, dtype = [], np.dtype("u1")
    for frame in _decoded(source, seen if len(seen) < frames else None):
        dtype = frame.dtype
        parts.append(np.where(_padding(cards, frame), np.nan, frame)[:: across[0], :: across[1]])
    white = 2 ** int(cards.BitsStored) - 1
    if frame.ndim == 3:
        scale, offset = 1 / white, 0.0
    else:
        inverted = cards.PhotometricInterpretation == "MONOCHROME1"
        scale, offset = scale_and_offset(dtype, *black_and_white(parts), inverted)
    steps = steps_of(cards)
    for number, frame in enumerate(_decoded(source, None)):
        if frame.shape[:2] != (head.height, head.width):
            raise source.error(f"frame {number + 1} is {frame.shape}, its header declares {head.height, head.width}")
        samples, holes = (frame, None) if frame.ndim == 3 else filled(frame, _padding(cards, frame))
        tags: dict[str, Any] = {"dicom": Frame(cards, number, frames, digest(frame))}
        if holes is not None:
            tags[HOLES] = holes
        if frames > 1:
            tags.update(pages=frames, page=number)
        if steps:
            tags[KEY] = steps
        yield Image(locked(samples), scale, offset, None, Metadata(tags=tags), NAME, source.path)
    if number + 1 != frames:
        raise source.error(f"{number + 1} of its {frames} frames")


def library(asked: str):
    """pydicom, or an ImageError that says how to have it."""
    try:
        import pydicom
    except ImportError:
        raise ImageError(asked, "DICOM needs the package pydicom, which is not installed", NEEDS) from None
    return pydicom


def _cards(source: Source):
    pydicom = library(source.name)
    with source.open() as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that bend the standard: they are kept as they are
        cards = pydicom.dcmread(stream, stop_before_pixels=True)
        list(cards.iterall())  # parsed now, while damage can be told
    needed = ("Rows", "Columns", "BitsAllocated", "BitsStored", "PhotometricInterpretation")
    if any(cards.get(name) is None for name in needed):
        raise source.error("it holds no picture", "Take a file with pixels; reports and plans have none")
    return cards


def _header(cards) -> Header:
    frames = int(cards.get("NumberOfFrames") or 1)
    return Header(cards.Columns, cards.Rows, int(cards.get("SamplesPerPixel") or 1), cards.BitsStored, frames)


def _check(source: Source, cards) -> None:
    """All that is refused before a pixel is decoded."""
    kind, channels = cards.PhotometricInterpretation, int(cards.get("SamplesPerPixel") or 1)
    if kind not in (GRAY if channels == 1 else COLOUR) or channels not in (1, 3):
        raise source.error(f"{channels} channels of {kind}", "Convert it to MONOCHROME2 or RGB first")
    if cards.BitsAllocated not in (8, 16, 32) or not 2 <= cards.BitsStored <= cards.BitsAllocated:
        found = f"samples of {cards.BitsStored} in {cards.BitsAllocated} bits"
        raise source.error(found, "Convert it to 8, 16 or 32 bits first")
    if int(cards.get("HighBit", cards.BitsStored - 1)) != cards.BitsStored - 1:
        raise source.error(f"its highest bit is {cards.HighBit} of {cards.BitsStored}", "Convert it first")
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x10) in cards and (group, 0x3000) not in cards:
            raise source.error("an overlay lies inside its samples", "Move it to overlay data first")


def _decoded(source: Source, frames: Iterable[int] | None) -> Iterator[np.ndarray]:
    """Frames as stored, (H, W), or (H, W, 3) RGB, one at a time."""
    from pydicom.pixels import iter_pixels

    with source.open() as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for frame in iter_pixels(_pixels_in(stream), indices=frames):
                yield frame if frame.dtype.isnative else frame.astype(frame.dtype.newbyteorder("="))
        except (NotImplementedError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            do = "Decompress it first, or install what pydicom names, such as pylibjpeg"
            raise source.error(f"its pixels cannot be decoded ({reason})", do) from error


def _pixels_in(stream: BinaryIO) -> Any:
    """What pydicom takes frames from: the stream, or a deflated dataset, unpacked as a whole."""
    from pydicom import dcmread
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    syntax = dcmread(stream, specific_tags=["SOPClassUID"], stop_before_pixels=True).file_meta.TransferSyntaxUID
    stream.seek(0)
    return dcmread(stream) if syntax == DeflatedExplicitVRLittleEndian else stream


def _padding(cards, frame: np.ndarray) -> np.ndarray:
    """Where a gray frame holds no measurement: its pixel padding value, or the range up to its limit."""
    value = cards.get("PixelPaddingValue")
    if value is None or frame.ndim == 3:
        return np.zeros(frame.shape, bool)
    ends = [_signed(end, frame.dtype) for end in (value, cards.get("PixelPaddingRangeLimit", value))]
    return (frame >= min(ends)) & (frame <= max(ends))


def _signed(value: Any, dtype: np.dtype) -> int:
    """A number whose 16 bits may have been read with the wrong sign."""
    limits, found = np.iinfo(dtype), int.from_bytes(value, "little") if isinstance(value, bytes) else int(value)
    if found > limits.max:
        return found - 2**16
    return found + 2**16 if found < limits.min else found


__all__ = ["header", "matches", "read", "read_pages", "write", "write_pages"]
