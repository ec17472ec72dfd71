"""Writing measurements in TIFF: planes put together to the pages that they came from, as their file had them.

Source: as in `tiff_planes`. Never more than one page is held. What is changed says so where the format has a place for
it: an OME file gets an identity of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np

from ..errors import ImageError
from . import geotiff, hyperstack, ifd
from .ifd import Entry
from .image import Image
from .layout import full_range, locked, native
from .measured import digest
from .tiff_planes import KEY, Plane, Stack
from .tiff_tags import Layout

ASKED = "writing tiff"


class Planes:
    """What is written: the stack that the planes belong to, and what is learnt of them."""

    def __init__(self, stack: Stack):
        self.stack = stack
        self.number, self.page, self.changed = 0, 0, False
        self.samples = hashlib.sha256()

    def pages(self, images: Iterable[Image]) -> Iterator[Image]:
        """The planes as pages with all their bands. Raises ImageError where they are not all those of the stack."""
        parts: list[Image] = []
        for image in images:
            plane: Plane | None = image.metadata.tags.get(KEY)
            if plane is None or plane.stack is not self.stack or (plane.page, plane.band) != (self.page, len(parts)):
                found = f"page {self.number + 1} is not that of the file whose description is written"
                raise ImageError(ASKED, found, "Give all pages of one file, in their order")
            if parts and image.samples.shape != parts[0].samples.shape:
                found = f"bands of {parts[0].samples.shape} and {image.samples.shape}"
                raise ImageError(ASKED, found, "Give bands of one size")
            parts.append(self._kept(image, plane))
            self.number += 1
            if len(parts) == self.stack.bands[plane.page]:
                yield self._page(parts, plane)
                parts, self.page = [], self.page + 1
        if self.number != self.stack.planes:
            found = f"{self.number} of the {self.stack.planes} planes that its description tells of"
            raise ImageError(ASKED, found, "Take all with read_pages and write_pages, or one with single_page")

    def _kept(self, image: Image, plane: Plane) -> Image:
        """The plane, within its bits; what was restored does not become the number that means 'no value'."""
        samples, found = image.samples, digest(image.samples)
        self.samples.update(found)
        if image.alpha is not None or samples.ndim != 2:
            raise ImageError(ASKED, "a plane with alpha or colour in it", "Give gray planes")
        if found == plane.digest:
            return image
        self.changed = True
        bits = image.metadata.tags["tiff.layout"].bits
        if samples.dtype.kind == "u" and bits < 8 * samples.dtype.itemsize:
            samples = np.minimum(samples, samples.dtype.type(2**bits - 1))
        none = geotiff.unknown(samples, plane.none) if plane.none is not None else None
        if none is not None:
            samples = np.where(none & np.isfinite(samples), _beside(plane.none, samples.dtype), samples)
            samples = samples if plane.holes is None else plane.holes.back(samples)
        return replace(image, samples=samples)

    def _page(self, parts: list[Image], plane: Plane) -> Image:
        """The page of these bands, in the form that the writer of pages takes."""
        bands = [np.asarray(part.samples) for part in parts]
        shape = bands[0].shape
        if plane.beside is not None:
            beside = np.asarray(nearest(plane.beside, shape))
            bands.insert(self.stack.alpha[plane.page], beside.astype(native(bands[0].dtype)))
        samples = bands[0] if len(bands) == 1 else np.stack(bands, axis=-1)
        tags = {key: value for key, value in parts[0].metadata.tags.items() if key not in (KEY, "page")}
        layout: Layout = tags["tiff.layout"]
        tags.update({"pages": self.stack.pages, "tiff.whole": True})
        if any(digest(p.samples) != p.metadata.tags[KEY].digest for p in parts):
            known = [values[np.isfinite(values)] for values in bands]
            known = [values for values in known if values.size]
            if known:
                low, high = min(float(v.min()) for v in known), max(float(v.max()) for v in known)
                old = {e.tag: e for e in tags["tiff.tags"]}
                tags["tiff.tags"] = tuple(geotiff.of_changed(old, layout.kind, low, high).values())
        metadata = replace(parts[0].metadata, tags=tags)
        return Image(locked(samples), full_range(samples), 0.0, None, metadata, "tiff", parts[0].path)

    def finish(self, stream: BinaryIO, at: int, length: int) -> None:
        """Give a changed OME file a new identity, in the first directory, `length` bytes at `at`."""
        if self.changed and self.stack.uuid is not None:
            stream.seek(at)
            directory = stream.read(length)
            stream.seek(at)
            stream.write(hyperstack.renamed(directory, self.stack.uuid, self.samples.hexdigest()))
            stream.seek(0, 2)


def nearest(samples: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A mask or alpha (H, W) in another size, nothing mixed."""
    if samples.shape == shape[:2]:
        return samples
    y, x = (np.arange(n) * old // n for n, old in zip(shape[:2], samples.shape, strict=True))
    return samples[np.ix_(y, x)]


def still_true(tags: dict[str, Any], entries: dict[int, Entry], shape: tuple[int, int]) -> dict[int, Entry]:
    """The tags of a page whose size may be another now than that which they tell of."""
    old = tags.get("tiff.size")
    if old is None or old == shape:
        return entries
    kind = tags["tiff.layout"].kind
    entries = geotiff.rescaled(entries, kind, old, shape)
    text = entries.get(270)
    if text is not None and hyperstack.is_ome(text.value.decode("utf-8", "replace")):
        value = hyperstack.rescaled(text.value, old, shape)
        entries[270] = ifd.entry(270, ifd.ASCII, value, kind)
    return entries


def _beside(number: float | None, dtype: np.dtype) -> Any:
    """The nearest other number, towards 0, or 1 for 0."""
    assert number is not None
    if dtype.kind == "f":
        return np.nextafter(dtype.type(number), dtype.type(1 if number == 0 else 0))
    return dtype.type(1 if number == 0 else number - np.sign(number))
