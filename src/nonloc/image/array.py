"""Arrays, paths and pictures of other libraries as Images, and back: the same kind out as in.

Conventions: scikit-image's, with its silent cases made explicit. Whole numbers use their whole range, floats
are in [0, 1] units and may exceed them, everything else asks for `data_range`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import ImageError
from .image import Image, Metadata
from .layout import full_range
from .read import read

ASKED = "taking an array as a picture"
LOOKED_AT = 1_000_000  # samples that a range is judged by, evenly spread
Range = tuple[float, float] | str | None


@dataclass(frozen=True)
class Shape:
    """How an array held its picture: where the channels were (None for (H, W)), and whether the last was alpha."""

    channel_axis: int | None
    alpha: bool


def as_image(
    value: Any, channel_axis: int | None = None, data_range: Range = None, bit_depth: int | None = None
) -> Image:
    """Take an array, a path, the bytes of a file, an Image or a PIL image as an Image.

    value: array (H, W), or (H, W, C) with C = 3 colour, 4 colour and alpha, 2 gray and alpha; path; bytes;
    Image; PIL image. Arrays are not copied.
    channel_axis: where the channels of a 3-D array are. Needed unless it is (H, W, 2), (H, W, 3) or (H, W,
    4). With 2 or 4 channels the last is alpha; any other number is all colour.
    data_range: (black, white) in the numbers of the array, or "auto" for its 0.1 % and 99.9 % quantiles.
    Needed for signed and 32-bit or longer whole numbers, and for floats most of which lie far outside [0, 1].
    bit_depth: used bits of uint8 or uint16, such as 10, 12 or 14.

    Raises ImageError: another shape or dtype, bool, NaN or infinite values (how many and where is said),
    values beyond `bit_depth`, no `data_range` where one is needed, an argument that does not apply, an
    unreadable file.
    """
    if isinstance(value, (str, os.PathLike, bytes, bytearray, memoryview)):
        image = read(value)
    elif isinstance(value, Image):
        image = value
    elif isinstance(value, np.ndarray) or _is_plain_array(value):
        return _from_array(np.ma.asanyarray(value), channel_axis, data_range, bit_depth)
    elif _is_pil(value):
        image = _from_pil(value)
    else:
        found = f"a {type(value).__module__}.{type(value).__qualname__}"
        raise ImageError("taking a value as a picture", found, "Give an array, a path, an Image or a PIL image")
    if channel_axis is not None:
        raise ImageError(
            f"channel_axis={channel_axis} for {image.path or 'a picture'}",
            "it is no array",
            "Leave channel_axis out",
        )
    needs = image.dtype.kind == "f" or image.dtype.kind == "i" or image.dtype.itemsize > 2
    if data_range is None and bit_depth is None and not (needs and _unscaled(image)):
        return image
    scale, offset = _range(image.samples, data_range, bit_depth, str(image.path or ASKED))
    return replace(image, scale=scale, offset=offset)


def like(original_value: Any, image: Image) -> Any:
    """The picture in the kind that `original_value` was: an array for an array, else the Image itself.

    An array comes back in its dtype, its channel axis and alpha where they were: new, C-contiguous; its
    height and width are those of `image`, which an enlarged picture has other than the original.
    """
    if not (isinstance(original_value, np.ndarray) or _is_plain_array(original_value)):
        return image
    original = np.asarray(original_value)
    shape = image.metadata.tags.get("array.shape") or _guessed(original, None)
    samples = image.samples
    if shape.alpha:
        if image.alpha is None:
            raise ImageError("giving back an array with alpha", "the picture has lost its alpha", "Keep Image.alpha")
        samples = np.dstack([samples, image.alpha])
    if shape.channel_axis is not None:
        samples = samples[..., np.newaxis] if samples.ndim == 2 else samples
        samples = np.moveaxis(samples, -1, shape.channel_axis)
    return np.array(samples, dtype=original.dtype, order="C", copy=True)


def _from_array(array: np.ndarray, channel_axis: int | None, data_range: Range, bit_depth: int | None) -> Image:
    if isinstance(array, np.ma.MaskedArray):
        if np.ma.is_masked(array):
            found = f"{int(np.ma.count_masked(array))} masked values"
            raise ImageError(ASKED, found, "Fill them first, for example with array.filled(value)")
        array = array.data
    array = np.asarray(array)
    if array.dtype.kind == "b":
        raise ImageError(ASKED, "an array of bool, which has no gray", "Give mask.astype(float) if it is a picture")
    if array.dtype.kind not in "uif" or array.dtype.itemsize > 8:
        raise ImageError(ASKED, f"an array of {array.dtype}", "Give whole numbers or floats of 8 to 64 bits")
    shape = _guessed(array, channel_axis)
    if 0 in array.shape:
        raise ImageError(ASKED, f"an empty array of shape {array.shape}", "Give at least one pixel")
    samples, alpha = array, None
    if shape.channel_axis is not None:
        samples = np.moveaxis(array, shape.channel_axis, -1)
        if shape.alpha:
            samples, alpha = samples[..., :-1], samples[..., -1]
        if samples.shape[-1] == 1:
            samples = samples[..., 0]
    scale, offset = _range(samples, data_range, bit_depth, ASKED)
    return Image(samples, scale, offset, alpha, Metadata(tags={"array.shape": shape}))


def _guessed(array: np.ndarray, channel_axis: int | None) -> Shape:
    if array.ndim == 2:
        if channel_axis is not None:
            found = f"an array of shape {array.shape} with channel_axis={channel_axis}"
            raise ImageError(ASKED, found, "Leave channel_axis out; (H, W) is gray")
        return Shape(None, False)
    if array.ndim != 3:
        found = f"an array of shape {array.shape}"
        raise ImageError(ASKED, found, "Give (H, W) or (H, W, C), stacks one picture at a time")
    if channel_axis is None:
        if array.shape[-1] not in (2, 3, 4):
            found = f"an array of shape {array.shape}, in which no axis is known to be colour"
            raise ImageError(ASKED, found, "Say which with channel_axis, or give the pictures of a stack singly")
        channel_axis = 2
    if not -3 <= channel_axis <= 2:
        found = f"channel_axis={channel_axis} for shape {array.shape}"
        raise ImageError(ASKED, found, "Give 0, 1, 2 or -1")
    return Shape(channel_axis % 3, array.shape[channel_axis] in (2, 4))


def _range(samples: np.ndarray, data_range: Range, bit_depth: int | None, asked: str) -> tuple[float, float]:
    """scale and offset, by the rules that `as_image` states."""
    kind, bits = samples.dtype.kind, 8 * samples.dtype.itemsize
    if kind == "f":
        _refuse_nan(samples, asked)
    if bit_depth is not None:
        if kind != "u" or bits > 16 or not 1 <= bit_depth <= bits or data_range is not None:
            found = f"bit_depth={bit_depth} for {samples.dtype}" + (" with data_range" if data_range else "")
            raise ImageError(asked, found, "Give bit_depth with uint8 or uint16 only, up to its bits, and alone")
        top = int(samples.max())
        if top >= 2**bit_depth:
            found = f"a value of {top}, which {bit_depth} bits cannot hold"
            raise ImageError(asked, found, f"Give bit_depth={top.bit_length()} or leave it out")
        return 1 / (2**bit_depth - 1), 0.0
    if data_range is not None:
        black, white = _auto(samples) if isinstance(data_range, str) else map(float, data_range)
        if isinstance(data_range, str) and data_range != "auto":
            raise ImageError(asked, f"data_range={data_range!r}", 'Give (black, white) or "auto"')
        if not (np.isfinite([black, white]).all() and black < white):
            raise ImageError(asked, f"data_range=({black:g}, {white:g})", "Give black below white, both finite")
        return 1 / (white - black), -black / (white - black)
    if kind == "u" and bits <= 16:
        return full_range(samples), 0.0
    few = _spread(samples)
    if kind != "f":
        found = f"{samples.dtype} values from {few.min()} to {few.max()}, whose black and white are not known"
        raise ImageError(asked, found, 'Give data_range=(black, white), or data_range="auto" for the values\' own')
    low, high = np.percentile(few.astype(np.float64), [1, 99])
    if low < -0.5 or high > 1.5:
        found = f"floats most of which lie from {low:.4g} to {high:.4g}, not in [0, 1]"
        raise ImageError(asked, found, 'Give data_range=(black, white), or data_range="auto" for the values\' own')
    return 1.0, 0.0


def _auto(samples: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(_spread(samples).astype(np.float64), [0.1, 99.9])
    return (float(low), float(high)) if low < high else (float(low), float(low) + 1.0)


def _spread(samples: np.ndarray) -> np.ndarray:
    """At most about a million samples, evenly spread over rows and columns."""
    step = max(1, int(np.ceil(np.sqrt(samples.size / LOOKED_AT))))
    return samples[::step, ::step]


def _refuse_nan(samples: np.ndarray, asked: str) -> None:
    number, first = 0, None
    for y in range(0, len(samples), 256):  # in strips, so that a mapped scan is not loaded
        bad = ~np.isfinite(samples[y : y + 256])
        if bad.any():
            if first is None:
                first = (int(np.argwhere(bad)[0][0]) + y, int(np.argwhere(bad)[0][1]))
            number += int(bad.sum())
    if first is not None:
        found = f"{number} of {samples.size} values are NaN or infinite, the first at (y, x) = {first}"
        raise ImageError(asked, found, "Fill them first, for example with the median of their neighbours")


def _unscaled(image: Image) -> bool:
    """Whether nobody has said yet what black and white are in this picture."""
    return image.offset == 0 and image.scale == full_range(image.samples)


def _is_plain_array(value: Any) -> bool:
    """An array of another library that gives itself to NumPy, such as zarr's or dask's; no tensors, no pictures."""
    if type(value).__module__.split(".")[0] in ("torch", "PIL", "nonloc"):
        return False
    return hasattr(value, "__array__") and hasattr(value, "dtype") and hasattr(value, "shape")


def _is_pil(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("mode", "size", "getbands", "tobytes"))


def _from_pil(picture: Any) -> Image:
    """A PIL image by its mode; what its `info` holds of profile, EXIF, XMP and resolution is taken along."""
    mode = picture.mode
    if mode in ("P", "PA"):
        picture = picture.convert("RGBA" if "transparency" in picture.info or mode == "PA" else "RGB")
    bilevel = picture.mode == "1"
    array = np.array(picture)
    if picture.mode not in ("1", "L", "LA", "RGB", "RGBA", "CMYK", "F", "I") and array.dtype != np.uint16:
        found = f"a PIL image of mode {mode}"
        raise ImageError("taking a PIL image", found, 'Convert it first, for example with .convert("RGB")')
    if bilevel:
        array = array.astype(np.uint8)
    samples, alpha = (array[..., :-1], array[..., -1]) if picture.mode in ("LA", "RGBA") else (array, None)
    samples = samples[..., 0] if picture.mode == "LA" else samples
    info = picture.info
    dpi = info.get("dpi")
    exif = info.get("exif")
    metadata = Metadata(
        icc=info.get("icc_profile"),
        exif=None if exif is None else exif.removeprefix(b"Exif\0\0"),
        xmp=info.get("xmp"),
        resolution=None if dpi is None else (float(dpi[0]), float(dpi[1]), "inch"),
    )
    scale = 1.0 if bilevel else full_range(samples)
    if mode == "CMYK":
        return Image(samples, -scale, 1.0, None, metadata)
    return Image(samples, scale, 0.0, alpha, metadata)
