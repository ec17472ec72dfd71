"""How a picture will stand in a page of a TIFF: the layout of its pixels, and all channels in one array.

Source: TIFF 6.0 sections 3, 8, 13, 14; Technical Note 3. What the input had is kept, but for compressions that lose
something or hold only some kinds of samples.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import ImageError
from .image import Image
from .layout import native
from .tiff_tags import Layout

DEFLATE = 8
KEPT = {1, 5, 8, 32946, 32773, 34925, 50000}  # compressions that lose nothing and hold any samples
COLOURS = {0: 1, 1: 1, 2: 3, 5: 4, 8: 3, 9: 3}  # a palette that no longer fits becomes RGB


def stored(image: Image) -> tuple[Layout, np.ndarray]:
    """How the page will be stored, and its samples (H, W, S) as they will stand there."""
    tags = image.metadata.tags
    old: Layout | None = tags.get("tiff.layout")
    samples, asked = image.samples, "writing tiff"
    if samples.dtype.kind not in "uif" or samples.dtype.itemsize > 8:
        raise ImageError(asked, f"{samples.dtype} samples", "Give whole numbers or floats of 8 to 64 bits")
    if tags.get("tiff.whole"):  # a page of measurements, put together as it was
        assert old is not None
        layout = replace(old, compression=compression(old))
        layout = replace(layout, predictor=predictor(layout, samples.dtype, layout.bits))
        return layout, samples if samples.ndim == 3 else samples[..., np.newaxis]
    palette = tags.get("tiff.palette")
    if palette is not None and image.alpha is None and np.array_equal(palette.expanded(), samples):
        assert old is not None
        return replace(old, compression=compression(old)), palette.indices[..., np.newaxis]
    layout = fresh(image) if old is None else replace(old, compression=compression(old))
    colours = COLOURS.get(layout.photometric)
    if colours != image.channels and not (colours == 1 and image.channels > 1 and not ink(image)):
        layout = replace(layout, photometric=fresh(image).photometric, extra=())
    bits = 8 * samples.dtype.itemsize
    if samples.dtype.kind == "u" and not measured(image):
        white = round(abs(1 / image.scale))
        exact = white.bit_length() if (white + 1) & white == 0 else bits
        bits = exact if exact in (1, 2, 4) or layout.bits == exact else bits
    if layout.photometric == 8 and samples.dtype.kind == "u":
        samples = lab_signs(samples)
    layout = replace(layout, bits=bits, predictor=predictor(layout, samples.dtype, bits))
    planes = [samples if samples.ndim == 3 else samples[..., np.newaxis]]
    beside = 0
    for more in (image.alpha, tags.get("tiff.extra")):
        if more is not None:
            if more.shape[:2] != samples.shape[:2] or more.dtype.itemsize > samples.dtype.itemsize:
                found = f"a channel beside colour of {more.dtype} {more.shape} with {samples.dtype} {samples.shape}"
                raise ImageError(asked, found, "Give it the picture's size and type, or remove it")
            more = _same_range(more, samples.dtype)
            planes.append(more if more.ndim == 3 else more[..., np.newaxis])
            beside += planes[-1].shape[2]
    if colours == 1 and image.channels > 1:
        beside += image.channels - 1
    if len(layout.extra) != beside:
        layout = replace(layout, extra=((2,) if image.alpha is not None else (0,)) + (0,) * (beside - 1))
    if beside == 0:
        layout = replace(layout, extra=())
    return layout, planes[0] if len(planes) == 1 else _beside(planes, layout)


def _beside(planes: list[np.ndarray], layout: Layout) -> np.ndarray:
    """All channels in one array; alpha where the input had it among several others."""
    colours = planes[0]
    others = np.concatenate(planes[1:], axis=-1)
    marks = layout.extra[-others.shape[2] :]
    which = next((i for i, mark in enumerate(marks) if mark in (1, 2)), 0)
    order = [*range(1, which + 1), 0, *range(which + 1, others.shape[2])]
    return np.concatenate([colours, others[..., order]], axis=-1)


def _same_range(channel: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A channel beside colour in the dtype of colour, white staying white."""
    if channel.dtype == dtype:
        return channel
    top = 1.0 if channel.dtype.kind == "f" else float(np.iinfo(channel.dtype).max)
    white = 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)
    return (channel * (white / top)).astype(native(dtype))


def ink(image: Image) -> bool:
    return image.channels == 4 and image.scale < 0


def measured(image: Image) -> bool:
    """Whether black and white of the picture are those of a measurement, and say nothing of its bits."""
    return image.offset not in (0, 1)


def fresh(image: Image) -> Layout:
    """The layout of a picture that was no TIFF before."""
    photometric = 5 if ink(image) else 2 if image.channels == 3 else 0 if image.scale < 0 else 1
    return Layout(photometric=photometric, bits=8 * image.dtype.itemsize)


def compression(layout: Layout) -> int:
    """That of the input, or deflate where it lost something or holds only some kinds of samples (JPEG, fax)."""
    return layout.compression if layout.compression in KEPT else DEFLATE


def predictor(layout: Layout, dtype: np.dtype, bits: int) -> int:
    if layout.predictor == 1 or layout.compression in (1, 32773) or bits != 8 * dtype.itemsize:
        return 1
    if dtype.kind == "f":
        return 3 if dtype.itemsize > 1 else 1
    return 2


def lab_signs(samples: np.ndarray) -> np.ndarray:
    """CIE Lab as TIFF stores it, with signed a and b, to a and b around the middle of the range; and back."""
    half = 1 << (8 * samples.dtype.itemsize - 1)
    return samples ^ np.array([0, half, half], samples.dtype)
