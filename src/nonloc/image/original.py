"""Lossy files: what an unchanged picture was read from is copied, so that it loses nothing by passing through."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .image import Image
from .source import Source

KEY = "original"  # the tag under which a lossy format keeps the bytes of its file
FIELDS = ("icc", "exif", "xmp", "resolution")


def unchanged(image: Image, read: Callable[[Source, int], Image]) -> bytes | None:
    """The bytes of the file that `image` came from, if its samples, alpha and metadata are still those."""
    data = image.metadata.tags.get(KEY)
    if data is None:
        return None
    before = read(Source(data), 2**62)
    if before.dtype != image.dtype or not np.array_equal(before.samples, image.samples):
        return None
    one, other = before.alpha, image.alpha
    if (one is None) != (other is None) or (one is not None and not np.array_equal(one, other)):  # type: ignore[arg-type]
        return None
    same = all(getattr(before.metadata, f) == getattr(image.metadata, f) for f in FIELDS)
    return data if same else None
