"""How stored numbers stand for black and white, and how they fit into the containers that formats have."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

from ..errors import ImageError
from .image import Image


def full_range(samples: np.ndarray) -> float:
    """The scale of whole-range samples: 1 for floats, 1/255 for uint8, 1/(2^31 - 1) for int32 ..."""
    return 1.0 if samples.dtype.kind == "f" else 1.0 / float(np.iinfo(samples.dtype).max)


def is_cmyk(image: Image) -> bool:
    """Whether the picture holds ink: four channels beside alpha, which no other layout has."""
    return image.channels == 4


def unsigned(image: Image, asked: str, holds: str) -> tuple[np.ndarray, np.ndarray | None, int]:
    """(samples, alpha, white) with black 0 and `white` the number that means white, both uint8 or uint16.

    Alpha is brought to the samples' dtype. Pictures that are not unsigned numbers of at most 16 bits with
    black at an end of the range raise ImageError, which says that the format `holds` only such.
    """
    samples = image.samples
    if samples.dtype.kind == "f":
        bits = samples.dtype.itemsize * 8
        do = "Write .tif, which holds floats, or convert the picture to 16 or 8 bits first"
        raise ImageError(asked, f"{bits}-bit float samples would lose their fraction; {holds}", do)
    if samples.dtype.kind != "u" or samples.dtype.itemsize > 2:
        found = f"{samples.dtype} samples would lose their range; {holds}"
        raise ImageError(asked, found, "Write .tif, or convert the picture to 16 or 8 bits first")
    if not np.isclose(abs(image.offset), 0) and not (image.scale < 0 and np.isclose(image.offset, 1)):
        found = f"measured values whose black is {-image.offset / image.scale:g}; {holds}"
        raise ImageError(asked, found, "Write .tif, or bring black to 0 first")
    white = round(abs(1 / image.scale))
    if image.scale < 0:  # white is 0, as in some fax and scan files
        samples = white - samples.astype(native(samples.dtype))
    alpha = image.alpha
    if alpha is None:
        return samples, None, white
    if alpha.dtype.kind not in "ub" or alpha.dtype.itemsize > 2:
        raise ImageError(asked, f"{alpha.dtype} alpha; {holds}", "Give alpha as uint8 or uint16, or write .tif")
    if alpha.dtype.kind == "b":
        alpha = alpha * np.uint8(255)
    if alpha.dtype.itemsize < samples.dtype.itemsize:
        alpha = alpha * np.uint16(257)
    elif alpha.dtype.itemsize > samples.dtype.itemsize:  # the finer of the two decides; 257 v keeps v exactly
        samples, white = widened(samples, white, 65535).astype(np.uint16), 65535
    return samples, alpha, white


def widened(samples: np.ndarray, white: int, to: int) -> np.ndarray:
    """Whole numbers 0..white spread to 0..to, rounded; each stays distinct, and white stays white."""
    if white == to:
        return samples
    values = (samples.astype(np.uint32) * np.uint32(to) + np.uint32(white // 2)) // np.uint32(white)
    return np.minimum(values, to).astype(np.uint8 if to <= 255 else np.uint16)


def native(dtype: np.dtype) -> np.dtype:
    """The same dtype in this machine's byte order."""
    return dtype.newbyteorder("=")


def joined(samples: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Colour and alpha in one array (H, W) or (H, W, C), contiguous and in native byte order."""
    if alpha is not None:
        samples = np.dstack([samples, alpha])
    return np.ascontiguousarray(samples, dtype=native(samples.dtype))


def locked(array: np.ndarray) -> np.ndarray:
    """The same array, read-only: what a file holds is not to be changed in place."""
    array.flags.writeable = False
    return array


def let_go(array: np.ndarray) -> None:
    """Give the pages of a file-mapped array back to the system; they are read again when needed.

    Without it a process that walks through a large scan is counted as holding all of it.
    """
    mapped = _mapping(array)
    if mapped is not None and not array.flags.writeable and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def is_mapped(array: np.ndarray) -> bool:
    """Whether the array lies in a file and not in memory."""
    return _mapping(array) is not None


def _mapping(array: np.ndarray) -> mmap.mmap | None:
    base: Any = array
    while base is not None and not isinstance(base, mmap.mmap):
        base = getattr(base, "base", None)
    return base
