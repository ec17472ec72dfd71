"""NIfTI: volumes of medicine, slice by slice, whole numbers and floats, where the extra `lab` (nibabel) is there.

Source: the NIfTI-1 and NIfTI-2 standards (nifti1.h, nifti2.h). Nibabel parses headers; samples are taken here as they
are stored, so that scl_slope and scl_inter change none of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from ..errors import ImageError
from .holes import KEY as HOLES
from .holes import filled
from .image import Image, Metadata
from .layout import let_go, locked, native
from .measured import black_and_white, digest, scale_and_offset, spread
from .nifti_steps import steps_of
from .nifti_write import write, write_pages
from .provenance import KEY
from .source import Header, Source

NAME = "nifti"
SUFFIXES = (".nii",)
LOSSY = False

MAP_FROM = 32 * 2**20  # bytes; smaller slices are simply read
MAX_HEAD = 64 * 2**20  # bytes of header and extensions
GRAY = {"u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"}
COLOURS = {128: 3, 2304: 4}  # datatype RGB24, RGBA32 -> channels of 8 bits
NEEDS = "Install it with 'pip install nonloc[lab]'"


@dataclass(frozen=True, eq=False)
class Volume:
    """What a header says. head: all bytes before the samples. shape: (slices, H, W) or (slices, H, W, C)."""

    head: bytes
    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def size(self) -> int:
        """Bytes of all samples."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize


@dataclass(frozen=True, eq=False)
class Slice:
    """The tag "nifti" of a picture: which slice of which volume, and the digest of its samples, holes and all."""

    volume: Volume
    number: int
    digest: bytes


def matches(head: bytes) -> bool:
    """Whether a file that starts so is a NIfTI-1 or NIfTI-2, or the header of a pair of files."""
    if head[4:12] in (b"n+2\0\r\n\x1a\n", b"ni2\0\r\n\x1a\n"):
        return True
    order = {b"\x5c\1\0\0": "little", b"\0\0\1\x5c": "big"}.get(head[:4])
    return order is not None and 1 <= int.from_bytes(head[40:42], order) <= 7  # type: ignore[arg-type]


def header(source: Source) -> Header:
    """Size and layout of a slice, and how many there are in all further axes."""
    with source.open() as stream:
        return declared(volume(source, stream))


def read(source: Source, max_pixels: int) -> Image:
    """The first slice of a volume.

    A slice is the plane of the first two axes, as stored: its rows are the second axis, its first row comes first; the
    affine, which stays in the header, says how it lies in the body. Samples are those stored: scl_slope and scl_inter
    stay in the header, and say what they mean. Black and white are the 0.1 % and 99.9 % quantiles of the whole volume
    (8 bits: 0 and 255). NaN are filled for the methods, and put back when written: see `fits.read`.

    Raises ImageError: nibabel is not installed, complex numbers, a header without its samples, damaged.
    """
    return next(read_pages(source, max_pixels))


def read_pages(source: Source, max_pixels: int) -> Iterator[Image]:
    """The slices of a volume, of all times and channels of one, one after the other; all have one scale and offset."""
    with source.open() as stream:
        found = volume(source, stream)
        size = stream.seek(0, 2)
    begin = len(found.head)
    if begin + found.size > size:
        raise source.error(f"{found.size} bytes of samples from byte {begin} on, the file ends after {size}")
    source.check(declared(found), max_pixels)
    if source.path is None:
        planes = np.frombuffer(source.content(), found.dtype, int(np.prod(found.shape)), begin).reshape(found.shape)
        yield from slices(source, found, planes, NAME, False)
    else:
        planes = np.asarray(np.memmap(source.path, found.dtype, "r", begin, found.shape))
        yield from slices(source, found, planes, NAME, True)


def slices(source: Source, found: Volume, planes: np.ndarray, name: str, mapped: bool) -> Iterator[Image]:
    """Pictures of `planes` (N, H, W) or (N, H, W, C); mapped: whether large ones may stay in the file."""
    black, white = black_and_white(spread(planes))
    scale, offset = scale_and_offset(found.dtype, black, white)
    parser = kind(found.head)
    cards = parser(found.head[: parser.template_dtype.itemsize], check=False)
    deep = int(cards["dim"][3]) if cards["dim"][0] > 2 else 1
    for number, plane in enumerate(planes):
        samples = plane if mapped and plane.nbytes >= MAP_FROM else np.array(plane, native(plane.dtype))
        mark, alpha, holes = digest(samples), None, None
        if samples.ndim == 3 and samples.shape[2] == 4:
            samples, alpha = samples[..., :3], locked(samples[..., 3])
        elif samples.dtype.kind == "f":
            samples, holes = filled(samples, ~np.isfinite(samples))
        tags: dict[str, Any] = {"nifti": Slice(found, number, mark)}
        if holes is not None:
            tags[HOLES] = holes
        if len(planes) > 1:
            tags.update(pages=len(planes), page=number, slices=deep)  # of each of the volumes that follow one another
        if steps := steps_of(found.head):
            tags[KEY] = steps
        let_go(planes)
        yield Image(locked(samples), scale, offset, alpha, Metadata(tags=tags), name, source.path)


def library(asked: str):
    """nibabel, or an ImageError that says how to have it."""
    try:
        import nibabel
    except ImportError:
        raise ImageError(asked, "NIfTI needs the package nibabel, which is not installed", NEEDS) from None
    return nibabel


def kind(head: bytes):
    """The class of nibabel that parses a header that starts so."""
    nibabel = library("reading a NIfTI header")
    return nibabel.Nifti2Header if head[4:7] in (b"n+2", b"ni2") else nibabel.Nifti1Header


def volume(source: Source, stream: BinaryIO) -> Volume:
    """The header at the beginning of `stream`, checked, with its extensions."""
    library(source.name)
    head = stream.read(540)
    if head.startswith(b"SIMPLE  ="):
        raise source.error("it is a FITS that gzip packed", "Unpack it with gunzip first")
    if not matches(head):
        raise source.error("it holds no NIfTI", "Convert it to one of the formats read here")
    parser = kind(head)
    cards = parser(head[: parser.template_dtype.itemsize], check=False)
    magic = bytes(cards["magic"])[:3]
    if magic not in (b"n+1", b"n+2"):
        found = "its samples are in another file (.img)" if magic in (b"ni1", b"ni2") else "it is an Analyze header"
        raise source.error(found, "Convert it to a single .nii")
    begin, code = int(cards["vox_offset"]), int(cards["datatype"])
    axes = [int(n) for n in cards["dim"][1 : int(cards["dim"][0]) + 1]]
    if len(axes) < 2 or min(axes) < 1 or not len(head) - 192 <= begin <= MAX_HEAD:
        raise source.error(f"its header declares axes of {axes} from byte {begin} on")
    head += stream.read(begin - len(head)) if begin > len(head) else b""
    if len(head) < begin:
        raise source.error(f"its samples begin at byte {begin}, the file ends after {len(head)}")
    channels = COLOURS.get(code)
    dtype = np.dtype("u1") if channels else np.dtype(cards.get_data_dtype())
    if f"{dtype.kind}{dtype.itemsize}" not in GRAY:
        raise source.error(f"its samples are {dtype}", "Save its magnitude as float32 first")
    shape = (int(np.prod(axes[2:], dtype=object)), axes[1], axes[0], *([channels] if channels else []))
    return Volume(head[:begin], shape, dtype)


def declared(found: Volume) -> Header:
    """Size and layout of the slices."""
    return Header(found.shape[2], found.shape[1], (*found.shape, 1)[3], 8 * found.dtype.itemsize, found.shape[0])


__all__ = ["header", "matches", "read", "read_pages", "write", "write_pages"]
