"""GeoTIFF: which samples are none, and tags that stay true when samples or their number change.

Source: OGC GeoTIFF 1.1 (OGC 19-008r4), annexes B.6 and D; GDAL's GeoTIFF driver (tags 42112, GDAL_METADATA, and 42113,
GDAL_NODATA; masks as pages of their own). All tags are kept as they are but those named below.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

import numpy as np

from . import ifd
from .holes import Holes, filled
from .ifd import Entry, Kind
from .tiff_tags import Tags

SCALE, TIES, TRANSFORM, KEYS, METADATA, NODATA, RPC = 33550, 33922, 34264, 34735, 42112, 42113, 50844
TAGS = frozenset({SCALE, TIES, TRANSFORM, KEYS, METADATA, NODATA, RPC})
RASTER_TYPE, POINT = 1025, 2
RPC_OFFSETS, RPC_SCALES = (2, 3), (7, 8)  # of line and sample, among its 92 numbers
STATISTICS = re.compile(rb'[ \t]*<Item name="STATISTICS_[^"]*"[^>]*>[^<]*</Item>\r?\n?')
DOUBLE = 12
NUMBERS = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 11: "f4", 12: "f8", 16: "u8", 17: "i8"}
LOWEST, HIGHEST = (280, 340), (281, 341)  # MinSampleValue, SMinSampleValue ...


def nodata(tags: Tags) -> float | None:
    """The number that means 'no value', as GDAL writes it, in text; None where there is none."""
    raw = tags.raw(NODATA)
    try:
        return None if raw is None else float(raw.rstrip(b"\0 ").decode("ascii"))
    except ValueError:
        return None


def unknown(samples: np.ndarray, number: float | None) -> np.ndarray | None:
    """Where samples are no measurement: NaN, infinite, or the number that means so; None where none can be."""
    if samples.dtype.kind == "f":
        bad = ~np.isfinite(samples)
        if number is not None and np.isfinite(number):
            limits = np.finfo(samples.dtype)
            bad |= samples == samples.dtype.type(np.clip(number, float(limits.min), float(limits.max)))
        return bad
    if number is None or not np.isfinite(number) or number != int(number):
        return None
    whole = np.iinfo(samples.dtype)
    return samples == int(number) if whole.min <= number <= whole.max else None


@dataclass(frozen=True, eq=False)
class ColourHoles:
    """Holes of a colour picture, channel after channel, in the manner of `holes.Holes`."""

    channels: tuple[Holes, ...]

    def back(self, samples: np.ndarray) -> np.ndarray:
        """`samples` (H, W, C), a copy, with the holes as they were."""
        return np.stack([one.back(samples[..., c]) for c, one in enumerate(self.channels)], axis=-1)


def filled_colour(samples: np.ndarray, number: float | None, outside: np.ndarray | None):
    """Colour (H, W, C) without the pixels that are none in all channels, or lie `outside`, and these as ColourHoles."""
    bad = unknown(samples, number)
    lost: np.ndarray | None = outside
    if bad is not None:
        lost = np.asarray(bad.any(-1) if samples.dtype.kind == "f" else bad.all(-1))
        lost = lost if outside is None else lost | outside
    if lost is None or not lost.any():
        return samples, None
    found = [filled(samples[..., c], lost) for c in range(samples.shape[2])]
    holes = tuple(one for _, one in found if one is not None)
    return np.stack([plane for plane, _ in found], axis=-1), ColourHoles(holes)


def rescaled(entries: dict[int, Entry], kind: Kind, old: tuple[int, int], new: tuple[int, int]) -> dict[int, Entry]:
    """The tags of a picture `old` (H, W) that is `new` (H, W) now: it stays at its place on the ground."""
    x, y = new[1] / old[1], new[0] / old[0]
    point = 0.5 if _is_point(entries, kind) else 0.0  # the coordinate of a pixel's corner

    def moved(value: float, times: float) -> float:
        return (value + point) * times - point

    out = dict(entries)
    if (scale := _doubles(entries.get(SCALE), kind)) and len(scale) >= 2:
        out[SCALE] = _packed(entries[SCALE], [scale[0] / x, scale[1] / y, *scale[2:]], kind)
    if ties := _doubles(entries.get(TIES), kind):
        moves = [moved(v, (x, y)[i % 6]) if i % 6 < 2 else v for i, v in enumerate(ties)]
        out[TIES] = _packed(entries[TIES], moves, kind)
    if (matrix := _doubles(entries.get(TRANSFORM), kind)) and len(matrix) == 16:
        m = np.array(matrix).reshape(4, 4)
        back = np.diag([1 / x, 1 / y, 1.0, 1.0])  # new pixel -> old pixel
        back[0, 3], back[1, 3] = point / x - point, point / y - point
        out[TRANSFORM] = _packed(entries[TRANSFORM], (m @ back).ravel().tolist(), kind)
    if (rpc := _doubles(entries.get(RPC), kind)) and len(rpc) == 92:
        rpc = [(v + 0.5) * (y, x)[RPC_OFFSETS.index(i)] - 0.5 if i in RPC_OFFSETS else v for i, v in enumerate(rpc)]
        rpc = [v * (y, x)[RPC_SCALES.index(i)] if i in RPC_SCALES else v for i, v in enumerate(rpc)]
        out[RPC] = _packed(entries[RPC], rpc, kind)
    return out


def without_statistics(entries: dict[int, Entry]) -> dict[int, Entry]:
    """The tags without what GDAL_METADATA says of lowest, highest and mean samples; GDAL computes it anew."""
    if (text := entries.get(METADATA)) is None:
        return entries
    value = STATISTICS.sub(b"", text.value)
    return {**entries, METADATA: text._replace(value=value, length=len(value))}


def of_changed(entries: dict[int, Entry], kind: Kind, low: float, high: float) -> dict[int, Entry]:
    """The tags of a page whose samples changed: without statistics of the old ones; their bounds hold the new ones."""
    out = without_statistics(dict(entries))
    for tags, best, new in ((LOWEST, min, low), (HIGHEST, max, high)):
        for tag in tags:
            if (e := out.get(tag)) is not None and e.type in NUMBERS:
                dtype = np.dtype(kind.order + NUMBERS[e.type])
                values = np.frombuffer(e.value, dtype)
                bounds = np.iinfo(dtype) if dtype.kind in "ui" else np.finfo(dtype)
                found = [best(v, np.clip(new, float(bounds.min), float(bounds.max))) for v in values.tolist()]
                out[tag] = e._replace(value=np.array(found).astype(dtype).tobytes())
    return out


def _is_point(entries: dict[int, Entry], kind: Kind) -> bool:
    """Whether coordinates are those of pixels' centres (GTRasterTypeGeoKey)."""
    if KEYS not in entries:
        return False
    keys = ifd.numbers(entries[KEYS], kind)
    return any(keys[i : i + 4] == (RASTER_TYPE, 0, 1, POINT) for i in range(4, len(keys) - 3, 4))


def _doubles(entry: Entry | None, kind: Kind) -> list[float]:
    if entry is None or entry.type != DOUBLE:
        return []
    return list(struct.unpack(f"{kind.order}{entry.length}d", entry.value))


def _packed(entry: Entry, values: list[float], kind: Kind) -> Entry:
    return entry._replace(value=struct.pack(f"{kind.order}{len(values)}d", *values))
