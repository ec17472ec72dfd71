"""LERC in TIFF: samples that its masks tell to be none, which decoders give as 0.

Source: Esri LERC 2.4 and 4 (validity masks); GDAL's LERC in TIFF, where NaN become masked, tag 50674 (version, and what
is around LERC: 0 nothing, 1 deflate, 2 Zstandard).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from . import geotiff
from .tiff_tags import Layout, Tags

LERC, PARAMETERS = 34887, 50674


def with_holes(stored: np.ndarray, tags: Tags, layout: Layout, take: Callable[[int, int], bytes]) -> np.ndarray:
    """`stored` (H, W) or (H, W, S) with NaN, or the number that is no value, where a mask says that none is known."""
    import imagecodecs

    height, width = stored.shape[:2]
    whole = stored if stored.ndim == 3 else stored[..., np.newaxis]
    none = geotiff.nodata(tags)
    hole = np.nan if stored.dtype.kind == "f" else none
    if hole is None:
        return stored
    down, across = layout.tile or (layout.rows or height, width)
    planes = whole.shape[2] if layout.planar else 1
    places = [(p, y, x) for p in range(planes) for y in range(0, height, down) for x in range(0, width, across)]
    starts, counts = tags.all(324) or tags.all(273), tags.all(325) or tags.all(279)
    around = (*tags.all(PARAMETERS), 0, 0)[1]
    out = np.array(whole)
    for (plane, y, x), start, count in zip(places, starts, counts, strict=False):
        if not count:
            continue
        data = take(start, count)
        if around:
            data = zlib.decompress(data) if around == 1 else bytes(imagecodecs.zstd_decode(data))
        mask = imagecodecs.lerc_decode(data, masks=True)[1]
        if mask is None:
            continue
        part = out[y : y + down, x : x + across, plane : plane + 1] if planes > 1 else out[y : y + down, x : x + across]
        bad = np.asarray(mask) == 0
        bad = np.moveaxis(bad, 0, -1) if bad.ndim == 3 else bad[..., np.newaxis]
        part[np.broadcast_to(bad[: part.shape[0], : part.shape[1]], part.shape)] = hole
    return out.reshape(stored.shape)
