"""Writing NIfTI: the header and its extensions as they were, then slice after slice, never more than one in memory.

Source: the NIfTI-1 and NIfTI-2 standards. `descrip`, free text of 80 bytes, is where a changed volume says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from ..errors import ImageError
from ..version import __version__
from .image import Image
from .layout import joined, native
from .measured import digest
from .nifti_steps import with_steps
from .provenance import KEY

if TYPE_CHECKING:
    from .nifti import Volume

ASKED = "writing nifti"
NOTE = f"nonloc {__version__}, not for diagnosis"
LONGEST = 32767  # of an axis in NIfTI-1
FIRST = 352  # where samples begin behind a plain header


def write(image: Image, stream: BinaryIO, *, quality: int | None = None) -> None:
    """Write one slice, a NIfTI again with the header it had; gray, or RGB of 8 bits, from elsewhere with a plain one.

    Where samples changed, `descrip` says so behind as much of its text as fits, with "not for diagnosis". What other
    formats told of the picture is not kept. Raises ImageError for another size than the header's, alpha from
    elsewhere, and a slice of a longer volume.
    """
    write_pages([image], stream)


def write_pages(images: Iterable[Image], stream: BinaryIO) -> None:
    """Write slices as they come: all those of one volume in their order, or pictures of one size and kind."""
    start, count, changed = stream.tell(), 0, False
    found: Volume | None = None
    first: Image | None = None
    for image in images:
        if first is None:
            first, found = image, _volume(image)
            head = b"" if found is None else with_steps(found.head, image.metadata.tags.get(KEY, ()))
            stream.write(bytes(len(head) or FIRST))
        plane = joined(image.samples, image.alpha)
        if found is None:
            _same_kind(image, first, count)
            stream.write(plane.astype(plane.dtype.newbyteorder("<"), copy=False).data)
        else:
            changed |= _changed(image, plane, found, count)
            stream.write(plane.astype(found.dtype, copy=False).data)
        count += 1
    if first is None:
        raise ImageError(ASKED, "no page was given", "Give at least one picture")
    if found is not None and count != found.shape[0]:
        asked = f"{count} of the {found.shape[0]} slices that its header tells of"
        raise ImageError(ASKED, asked, "Take all with read_pages and write_pages, or write .tif")
    end = stream.tell()
    stream.seek(start)
    stream.write(_plain(first, count) if found is None else noted(head) if changed else head)
    stream.seek(end)


def noted(head: bytes) -> bytes:
    """The same header, whose description ends with the note that the samples are not the scanner's."""
    from .nifti import kind

    parser = kind(head)
    length = parser.template_dtype.itemsize
    cards = parser(head[:length], check=False)
    old = bytes(cards["descrip"]).rstrip(b"\0").decode("latin-1")
    if NOTE not in old:
        cards["descrip"] = (f"{old[: 77 - len(NOTE)]}; {NOTE}" if old else NOTE).encode("latin-1")
    return cards.binaryblock + head[length:]


def _volume(image: Image) -> Volume | None:
    """The volume that the picture is a slice of; None if it is from elsewhere, or no longer of the same kind."""
    tag = image.metadata.tags.get("nifti")
    if tag is None or native(image.dtype) != native(tag.volume.dtype):
        return None
    if image.samples.shape[:2] != tag.volume.shape[1:3]:
        found = f"a picture of {image.samples.shape[:2]} whose header places one of {tag.volume.shape[1:3]} in space"
        raise ImageError(ASKED, found, "Keep the size, or write .tif")
    return tag.volume


def _changed(image: Image, plane: np.ndarray, found: Volume, number: int) -> bool:
    tag = image.metadata.tags.get("nifti")
    if tag is None or tag.volume.head != found.head or tag.number != number or plane.shape != found.shape[1:]:
        asked = f"slice {number + 1} is not that of the volume whose header is written"
        raise ImageError(ASKED, asked, "Give all slices of one volume, in their order")
    return digest(plane) != tag.digest


def _same_kind(image: Image, first: Image, number: int) -> None:
    if image.alpha is not None:
        raise ImageError(ASKED, "alpha", "Write .tif, or leave alpha out")
    if image.samples.shape != first.samples.shape or native(image.dtype) != native(first.dtype):
        found = f"page {number + 1} is {image.dtype} {image.samples.shape}, the first {first.samples.shape}"
        raise ImageError(ASKED, found, "Give pages of one kind")


def _plain(image: Image, count: int) -> bytes:
    """A header for pictures that had none: voxels of size 1, no place in space."""
    from .nifti import GRAY, library

    colour = image.samples.ndim == 3
    name = f"{image.dtype.kind}{image.dtype.itemsize}"
    if name not in GRAY or (colour and (name != "u1" or image.channels != 3)):
        found = f"{image.channels} channels of {image.dtype}; NIfTI holds gray, and RGB of 8 bits"
        raise ImageError(ASKED, found, "Write .tif")
    axes = [image.width, image.height, *([count] if count > 1 else [])]
    if max(axes) > LONGEST:
        raise ImageError(ASKED, f"axes of {axes}, NIfTI-1 has at most {LONGEST}", "Write .tif")
    cards = library(ASKED).Nifti1Header(endianness="<")
    cards.set_data_dtype(np.dtype([(c, "u1") for c in "RGB"]) if colour else native(image.dtype))
    cards.set_data_shape(axes)
    cards["vox_offset"], cards["magic"] = FIRST, b"n+1"
    return cards.binaryblock + bytes(FIRST - len(cards.binaryblock))
