"""NIfTI that gzip packed (.nii.gz): unpacked to a nameless file on disk, so that memory stays bounded.

Source: RFC 1952, and `nifti.py` for what is inside. What is written is the same for the same samples: no time, no name.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

import numpy as np

from . import nifti
from .image import Image
from .source import Header, Source

NAME = "nifti-gz"
SUFFIXES = (".nii.gz",)
LOSSY = False

DENSEST = 1032  # bytes that deflate can make of one
PIECE = 2**20  # bytes unpacked at a time
LEVEL = 6  # gzip's own default


def matches(head: bytes) -> bool:
    """Whether a file that starts so is packed by gzip; what is inside is seen when it is read."""
    return head[:3] == b"\x1f\x8b\x08"


def header(source: Source) -> Header:
    """Size and layout of a slice, and how many there are in all further axes."""
    with source.open() as packed, gzip.open(packed) as stream:
        return nifti.declared(nifti.volume(source, cast(BinaryIO, stream)))


def read(source: Source, max_pixels: int) -> Image:
    """The first slice of a volume; all as `nifti.read` says."""
    return next(read_pages(source, max_pixels))


def read_pages(source: Source, max_pixels: int) -> Iterator[Image]:
    """The slices of a volume, one after the other; all as `nifti.read_pages` says."""
    with source.open() as packed, tempfile.TemporaryFile() as plain:
        size = packed.seek(0, 2)
        packed.seek(0)
        with gzip.open(packed) as stream:
            found = nifti.volume(source, cast(BinaryIO, stream))
            source.check(nifti.declared(found), max_pixels)
            if found.size > DENSEST * size:
                raise source.error(f"its {size} bytes cannot hold the {found.size} of samples that it declares")
            stream.seek(len(found.head))
            left = found.size
            while left:
                piece = stream.read(min(PIECE, left))
                if not piece:
                    raise source.error(f"{left} of its {found.size} bytes of samples are missing")
                left -= plain.write(piece)
            while stream.read(PIECE):  # to the end, where the checksum is
                pass
        plain.flush()
        planes = np.asarray(np.memmap(plain, found.dtype, "r", 0, found.shape))
        yield from nifti.slices(source, found, planes, NAME, False)


def write(image: Image, stream: BinaryIO, *, quality: int | None = None) -> None:
    """Write one slice, packed; all as `nifti.write` says."""
    write_pages([image], stream)


def write_pages(images: Iterable[Image], stream: BinaryIO) -> None:
    """Write slices as they come, packed at the end; all as `nifti.write_pages` says."""
    with tempfile.TemporaryFile() as plain:
        nifti.write_pages(images, plain)
        plain.seek(0)
        with gzip.GzipFile("", "wb", LEVEL, stream, mtime=0) as packed:
            shutil.copyfileobj(plain, packed, PIECE)
