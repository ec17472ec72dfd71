"""Writing a picture: whole or not at all, in the format that the name's ending says."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path

from ..errors import ImageError, NonlocError
from . import formats
from .atomic import atomic
from .holes import reopened
from .image import Image
from .provenance import KEY, marked, sealed, without_new

WITH_XMP = {"jpeg", "png", "tiff", "webp", "avif", "heic"}


def write(
    image: Image,
    path: str | os.PathLike,
    *,
    quality: int | None = None,
    overwrite: bool = False,
    provenance: bool = True,
) -> Path:
    """Write a picture with its metadata under a name whose ending says the format; returns the path.

    quality: 1 to 100 for lossy formats; None keeps what the input file had (a JPEG's own tables), or takes
    the format's good default. It is an error for lossless formats. overwrite: whether an existing file is
    replaced. provenance: whether the file tells how a verb made it (`nonloc.verify` reads that). Nothing
    half-written is ever visible: temporary name in the same folder, flushed to disk, renamed.

    Raises ImageError: unknown ending, a format that cannot hold the picture (what would be lost is said), an
    existing file, a folder that is missing or full, or a page of a longer file (see `write_pages`).
    """
    path = Path(path)
    module = formats.by_suffix(path.name)
    _check(image, module, quality, f"writing {path}")
    with atomic(path, overwrite=overwrite) as stream:
        ready = _ready(image, module, provenance, alone=True)
        _run(lambda: module.write(ready, stream, quality=quality), f"writing {path}", module)
    return path


def write_pages(
    images: Iterable[Image], path: str | os.PathLike, *, overwrite: bool = False, provenance: bool = True
) -> Path:
    """Write pictures as the pages of one file, one after the other: TIFF, FITS, NIfTI, DICOM. Atomic as `write` is."""
    path = Path(path)
    module = formats.by_suffix(path.name)
    if not hasattr(module, "write_pages"):
        raise ImageError(f"writing {path}", f"{module.NAME} holds one page", "Use the ending .tif")
    with atomic(path, overwrite=overwrite) as stream:
        ready = (_ready(image, module, provenance, alone=False) for image in images)
        _run(lambda: module.write_pages(ready, stream), f"writing {path}", module)
    return path


def encode(image: Image, format: str, *, quality: int | None = None, provenance: bool = True) -> bytes:
    """The bytes of a picture in the format named: 'png', 'jpeg', 'tiff' ... Errors as for `write`."""
    module = formats.by_name(format)
    asked = f"encoding as {module.NAME}"
    _check(image, module, quality, asked)
    stream = io.BytesIO()
    ready = _ready(image, module, provenance, alone=True)
    _run(lambda: module.write(ready, stream, quality=quality), asked, module)
    return stream.getvalue()


def _ready(image: Image, module, provenance: bool, alone: bool) -> Image:
    """The picture as it is to be encoded: holes as they were, and how it was made in its metadata.

    alone: it is not one of several pages, of which only TIFF has metadata for each.
    """
    if KEY not in image.metadata.tags:
        return reopened(image)
    if not provenance:
        return reopened(without_new(image))
    if image.format == module.NAME and not image.lossy and (alone or module.NAME == "tiff"):
        image = sealed(image)
    return reopened(marked(image) if module.NAME in WITH_XMP else image)


def _check(image: Image, module, quality: int | None, asked: str) -> None:
    if quality is not None:
        if not module.LOSSY:
            raise ImageError(asked, f"{module.NAME} loses nothing, so it has no quality", "Leave quality out")
        if not 1 <= quality <= 100:
            raise ImageError(asked, f"quality {quality}", "Give a number from 1 to 100")
    if image.alpha is not None and image.alpha.shape != image.samples.shape[:2]:
        found = f"alpha of {image.alpha.shape} on a picture of {image.samples.shape[:2]}"
        raise ImageError(asked, found, "Give alpha the size of the picture")
    if 0 in image.samples.shape:
        raise ImageError(asked, f"an empty picture of shape {image.samples.shape}", "Give at least one pixel")
    pages = image.metadata.tags.get("pages", 1)
    if pages > 1:
        found = f"this is page {image.metadata.tags.get('page', 0) + 1} of {pages}; the others would be dropped"
        raise ImageError(asked, found, "Take all with read_pages and write_pages, or one with single_page")


def single_page(image: Image) -> Image:
    """The same picture, no longer as a page of a longer file, so that it can be written alone."""
    from dataclasses import replace

    tags = {key: value for key, value in image.metadata.tags.items() if key not in ("page", "pages")}
    return replace(image, metadata=replace(image.metadata, tags=tags))


def _run(step, asked: str, module) -> None:
    """Run an encoder; what it cannot do becomes an ImageError. Full disks and interrupts pass as they are."""
    try:
        step()
    except (NonlocError, OSError, MemoryError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ImageError(asked, f"the {module.NAME} encoder failed ({reason})", "Try another format") from error
