"""Strips and tiles of TIFF: samples cut, predicted, packed and compressed, one piece at a time.

Source: TIFF 6.0 sections 3, 9, 13, 14, 15; Technical Note 3 (predictor 3 for floats).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

from .layout import let_go, native
from .tiff_tags import Layout

LET_GO = 2**25  # bytes of a mapped file after which its pages are given back
STRIP = 2**18  # bytes of a strip where the input does not say


def segments(samples: np.ndarray, layout: Layout) -> Iterator[bytes]:
    """Strips or tiles as they will stand in the file, plane after plane where planes are apart."""
    planes = [samples[..., i : i + 1] for i in range(samples.shape[2])] if layout.planar else [samples]
    height, width = samples.shape[:2]
    since = 0
    for plane in planes:
        if layout.tile is not None:
            down, across = layout.tile
            for y in range(0, height, down):
                for x in range(0, width, across):
                    part = plane[y : y + down, x : x + across]
                    gap = ((0, down - part.shape[0]), (0, across - part.shape[1]), (0, 0))
                    yield _coded(np.pad(part, gap, mode="edge"), layout)
                let_go(samples)
        else:
            rows = rows_of_strip(samples, layout)
            for y in range(0, height, rows):
                yield _coded(plane[y : y + rows], layout)
                since += plane[y : y + rows].nbytes
                if since > LET_GO:
                    let_go(samples)
                    since = 0


def rows_of_strip(samples: np.ndarray, layout: Layout) -> int:
    """Rows of a strip."""
    row = samples.shape[1] * (1 if layout.planar else samples.shape[2]) * layout.bits / 8
    rows = layout.rows or int(STRIP // max(row, 1))
    return min(max(rows, 1), samples.shape[0])


def _coded(part: np.ndarray, layout: Layout) -> bytes:
    """One strip or tile (h, w, s): predicted, in the file's byte order, packed, compressed."""
    import imagecodecs

    part = np.ascontiguousarray(part, native(part.dtype))
    order, wide = layout.kind.order, part.dtype.itemsize
    if layout.bits < 8 * wide:
        data = _bits(part, layout.bits)
    elif layout.predictor == 2:
        part = part.view(f"u{wide}")
        part = np.concatenate([part[:, :1], part[:, 1:] - part[:, :-1]], axis=1)
        data = part.astype(np.dtype(f"{order}u{wide}")).tobytes()
    elif layout.predictor == 3:
        data = _float_predicted(part)
    else:
        data = part.astype(np.dtype(order + part.dtype.str[1:])).tobytes()
    match layout.compression:
        case 1:
            return data
        case 5:
            return bytes(imagecodecs.lzw_encode(data))
        case 8 | 32946:
            return zlib.compress(data, 6)
        case 32773:  # rows apart, as the specification asks
            row = len(data) // len(part)
            return b"".join(imagecodecs.packbits_encode(data[i : i + row]) for i in range(0, len(data), row))
        case 34925:
            return bytes(imagecodecs.lzma_encode(data))
        case _:
            return bytes(imagecodecs.zstd_encode(data))


def _float_predicted(part: np.ndarray) -> bytes:
    """Technical Note 3: bytes of a row by significance, highest first, then differences over the whole row."""
    height, width, channels = part.shape
    split = part.astype(part.dtype.newbyteorder(">")).view(np.uint8).reshape(height, width * channels, -1)
    rows = np.moveaxis(split, -1, 1).reshape(height, -1)
    out = rows.copy()
    out[:, channels:] -= rows[:, :-channels]
    return out.tobytes()


def _bits(part: np.ndarray, bits: int) -> bytes:
    """Whole numbers of few bits, packed from the left, each row from a new byte."""
    planes = [(part >> (bits - 1 - i)) & 1 for i in range(bits)]
    return np.packbits(np.stack(planes, axis=-1).reshape(len(part), -1).astype(np.uint8), axis=1).tobytes()
