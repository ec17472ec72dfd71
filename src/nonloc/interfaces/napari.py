"""napari: files that nonloc reads as layers, and restoration of the chosen layer, in a window of its own.

napari finds both through `nonloc/napari.yaml`. Nothing of napari is imported here: a reader gives tuples (data,
arguments, kind), and of the restoring function napari itself makes the widget, by its annotations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import NonlocError, UsageError
from ..image.read import header, read_pages
from ..verbs.denoise import denoise
from ..verbs.restore import restore

if TYPE_CHECKING:
    import napari.layers
    import napari.types

Layer = tuple[np.ndarray, dict[str, Any], Literal["image"]]


def reader(path: str | list[str]) -> Callable[[Any], list[Layer]] | None:
    """What reads `path` for napari, or None where nonloc cannot: pages of one size become one layer, else one each."""
    first = path[0] if isinstance(path, list) else path
    try:
        header(Path(first))
    except (NonlocError, OSError):
        return None
    return layers


def layers(path: str | list[str]) -> list[Layer]:
    """The layers of one or more files, samples as they are stored. Raises ImageError."""
    found: list[Layer] = []
    for name in [path] if isinstance(path, str) else path:
        pages = [page.samples for page in read_pages(Path(name))]
        alike = len({page.shape for page in pages}) == 1
        for data in [np.stack(pages) if len(pages) > 1 else pages[0]] if alike else pages:
            rgb = pages[0].ndim == 3 and pages[0].shape[2] == 3
            found.append((data, {"name": Path(name).stem, "rgb": rgb}, "image"))
    return found


def restored(data: np.ndarray, rgb: bool, sigma: str = "", method: str = "") -> tuple[np.ndarray, list[str]]:
    """`data` (..., H, W), or (..., H, W, 3) where rgb, plane by plane; and what was done to each.

    sigma: as for `nonloc.denoise`; empty: the damage is found out. method: a denoiser; empty: the best that fits.
    Floats far outside 0 to 1 go from their least to their greatest value. Raises UsageError, NonlocError.
    """
    inner = 3 if rgb else 2
    if data.ndim < inner:
        raise UsageError(f"a layer of {data.ndim} dimensions", "an image has two at least", "Take an image layer")
    limits: dict[str, Any] = {"channel_axis": -1} if rgb else {}
    if data.dtype.kind == "f" and data.size and (np.nanmin(data) < -0.5 or np.nanmax(data) > 1.5):
        limits["data_range"] = (float(np.nanmin(data)), float(np.nanmax(data)))
    out, said = np.empty_like(data), []
    for at in planes(data.shape[: data.ndim - inner]):
        # NumPy arrays of napari may be lazy: one plane at a time is taken
        plane = np.asarray(data[at])
        if sigma or method:
            out[at], report = denoise(plane, sigma=sigma or None, method=method or None, return_report=True, **limits)
        else:
            out[at], report = restore(plane, return_report=True, **limits)
        said.append(str(report))
    return out, said


def planes(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Where each plane of a stack lies."""
    return product(*(range(n) for n in shape))


def restore_layer(layer: napari.layers.Image, sigma: str = "", method: str = "") -> napari.types.LayerDataTuple:
    """A new layer beside `layer`, restored plane by plane, with the report in its metadata.

    sigma: noise, 0-255 scale ('25', 'rician:20', 'speckle:4'); empty: found out. method: empty: the best that fits.
    """
    data, said = restored(layer.data, layer.rgb, sigma.strip(), method.strip())
    arguments = {
        "name": f"{layer.name} restored",
        "rgb": layer.rgb,
        "scale": layer.scale,
        "translate": layer.translate,
        "contrast_limits": layer.contrast_limits,
        "metadata": {"nonloc": said},
    }
    return data, arguments, "image"
