"""Reading a picture: the format is chosen by content, never by name, and each format reads itself."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import NonlocError
from . import formats
from .image import Image
from .source import MAX_PIXELS, Header, Origin, Source


def read(path_or_bytes: Origin, *, max_pixels: int = MAX_PIXELS) -> Image:
    """Read a picture with all its metadata; samples as stored, alpha apart.

    path_or_bytes: a file's path, or the bytes of one. max_pixels: width x height beyond which the file is
    refused before it is decoded. Of a file with several pages the first is given, and
    ``metadata.tags["pages"]`` says how many there are; `write` then refuses rather than drop the others, and
    `read_pages` gives them all. Samples may be memory-mapped (large uncompressed TIFF); they are read-only.

    Raises ImageError: no such file, unknown format, damaged, or larger than `max_pixels`.
    """
    source = Source(path_or_bytes)
    return _decode(source, lambda module: module.read(source, max_pixels))


def read_pages(path_or_bytes: Origin, *, max_pixels: int = MAX_PIXELS) -> Iterator[Image]:
    """Read the pages of a file one after the other; a file of one page gives one Image.

    Arguments and errors as for `read`. ``metadata.tags`` of each page holds "page" (from 0) and "pages".
    """
    source = Source(path_or_bytes)
    module = _format(source)
    if not hasattr(module, "read_pages"):
        image = read(path_or_bytes, max_pixels=max_pixels)
        if image.metadata.tags.get("pages", 1) > 1:
            raise source.error(
                f"{image.metadata.tags['pages']} frames in one {module.NAME} file, which can only be read singly",
                "Save the frames as single pictures or as pages of a TIFF first",
            )
        yield image
        return
    pages = module.read_pages(source, max_pixels)
    while (page := _decode(source, lambda _: next(pages, None))) is not None:
        yield page


def header(path_or_bytes: Origin) -> Header:
    """Size, channels, bits and pages of a picture from its header; no pixel is decoded. Errors as for `read`."""
    source = Source(path_or_bytes)
    return _decode(source, lambda module: module.header(source))


def _format(source: Source):
    module = formats.by_content(source.head)
    if module is None:
        found = "the file is empty" if not source.head else "its first bytes belong to no picture format known here"
        known = ", ".join(module.NAME for module in formats.FORMATS)
        raise source.error(found, f"Formats read are {known}; convert it to one of them")
    return module


def _decode(source: Source, step):
    """Run one step of a format; whatever a decoder finds wrong becomes an ImageError that names the file."""
    module = _format(source)
    try:
        return step(module)
    except NonlocError:
        raise
    except MemoryError as error:
        raise source.error("it needs more memory than there is", "Set a smaller max_pixels") from error
    except FileNotFoundError as error:
        raise source.error("the file went away while it was read", "Check the folder") from error
    except Exception as error:  # decoders raise dozens of kinds, all of which mean the same here
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise source.error(f"cannot be decoded as {module.NAME} ({reason})") from error
