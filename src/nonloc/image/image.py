"""A picture and all that its file must get back.

Samples stay as they were stored (own dtype, possibly memory-mapped). `scale` and `offset` map them so that black is
0 and white is 1; float32 is made per tile, by the engine, so that a large scan is not turned into gigabytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ImageError


@dataclass(frozen=True, eq=False)
class Metadata:
    """What a file says about its picture. Opaque bytes where we need not look.

    icc, exif, xmp: raw bytes as the file holds them, or None. resolution: (x, y, unit) with unit 'inch', 'cm' or
    'none', or None. tags: format-specific things that the format's writer puts back (text chunks, TIFF tags, the
    quantisation tables of a JPEG); their meaning is the business of that one format file.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    resolution: tuple[float, float, str] | None = None
    tags: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Image:
    """One picture.

    samples: array (H, W) for gray or (H, W, C) for colour, dtype as stored, without alpha.
    scale, offset: pixels = samples * scale + offset, black 0, white 1.
    alpha: (H, W), dtype as stored, or None. No method touches it.
    format: 'png', 'jpeg', 'tiff', ... of the file it came from; None for an array.
    path: the file it came from, or None.
    """

    samples: np.ndarray
    scale: float
    offset: float = 0.0
    alpha: np.ndarray | None = None
    metadata: Metadata = field(default_factory=Metadata)
    format: str | None = None
    path: Path | None = None

    @property
    def height(self) -> int:
        return self.samples.shape[0]

    @property
    def width(self) -> int:
        return self.samples.shape[1]

    @property
    def channels(self) -> int:
        return 1 if self.samples.ndim == 2 else self.samples.shape[2]

    @property
    def dtype(self) -> np.dtype:
        return self.samples.dtype

    @property
    def lossy(self) -> bool:
        """Whether the file's format loses something each time it is written."""
        return self.format in {"jpeg", "webp-lossy", "avif", "heic"}

    def pixels(self, rows: slice = slice(None), columns: slice = slice(None)) -> np.ndarray:
        """The samples of a rectangle as float32 (C, h, w); black 0, white 1. A new array."""
        part = np.asarray(self.samples[rows, columns])
        part = part[np.newaxis] if part.ndim == 2 else np.moveaxis(part, -1, 0)
        if part.dtype == np.float64:  # scaled in its own precision, then rounded once
            return np.ascontiguousarray(part * self.scale + self.offset, dtype=np.float32)
        out = part.astype(np.float32, order="C", copy=True)
        if self.scale != 1:
            out *= np.float32(self.scale)
        if self.offset:
            out += np.float32(self.offset)
        return out

    def stored(self, pixels: np.ndarray) -> np.ndarray:
        """Float32 (C, h, w) as samples (h, w) or (h, w, C) of this picture's dtype.

        Integers are rounded half to even and clipped to what the dtype holds; floats are not clipped.
        """
        exact = np.float64 if self.dtype.itemsize >= 4 else np.float32
        values: np.ndarray = np.subtract(pixels, self.offset, dtype=exact)
        values /= self.scale  # in place from here on: a tile may be large
        if self.dtype.kind in "ui":
            limits = np.iinfo(self.dtype)
            # measured data (with an offset) may exceed its white; a picture may not
            highest = limits.max if self.offset else min(limits.max, round(1 / self.scale))
            np.clip(np.rint(values, out=values), limits.min, highest, out=values)
        values = values.astype(self.dtype)
        return values[0] if self.samples.ndim == 2 else np.ascontiguousarray(np.moveaxis(values, 0, -1))

    def with_samples(self, samples: np.ndarray) -> Image:
        """The same picture, metadata and all, with other samples of the same dtype and channel count.

        Where they are more or fewer, alpha follows by bicubic interpolation.
        """
        if samples.dtype != self.dtype or samples.shape[2:] != self.samples.shape[2:]:
            raise ImageError(
                "replacing a picture's samples",
                f"{samples.dtype} {samples.shape} does not fit {self.dtype} {self.samples.shape}",
                "Give samples of the same dtype and channel count",
            )
        alpha = self.alpha
        if alpha is not None and alpha.shape != samples.shape[:2]:
            from .resize import resize

            alpha = resize(np.asarray(alpha), size=samples.shape[:2])
        return replace(self, samples=samples, alpha=alpha)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self.samples, dtype=dtype, copy=True if copy is None else copy)
