"""Which file formats there are: by content when reading, by name when writing.

One format, one module. Each has NAME, SUFFIXES and

    matches(head) -> bool                         from the first 132 bytes
    header(source) -> Header                      size and layout, nothing decoded
    read(source, max_pixels) -> Image             size checked before pixels are decoded
    write(image, stream, *, quality=None)         to a seekable binary stream
"""

from __future__ import annotations

from pathlib import PurePath
from types import ModuleType

from ..errors import ImageError
from . import avif, bmp, dicom, fits, heif, jpeg, nifti, nifti_gz, png, raw, tiff, webp

# a DICOM may begin as a TIFF, for those who do not know DICOM, and much RAW is one; so they come first
FORMATS: tuple[ModuleType, ...] = (dicom, png, jpeg, raw, tiff, webp, bmp, avif, heif, fits, nifti, nifti_gz)


def by_content(head: bytes) -> ModuleType | None:
    """The format whose signature stands in the first bytes of a file, or None."""
    return next((module for module in FORMATS if module.matches(head)), None)


def by_suffix(name: str) -> ModuleType:
    """The format of a file name's end, such as '.png'. Raises ImageError that lists those known."""
    for module in FORMATS:
        if name.lower().endswith(module.SUFFIXES):
            return module
    known = " ".join(suffix for module in FORMATS for suffix in module.SUFFIXES)
    raise ImageError(f"writing {name}", "no format is known by this ending", f"Use one of {known}")


def ending(name: str) -> str:
    """The ending of a file's name as it stands there, '.nii.gz' as a whole; '' where it has none."""
    long = (suffix for module in FORMATS for suffix in module.SUFFIXES if suffix.count(".") > 1)
    found = next((suffix for suffix in long if name.lower().endswith(suffix)), PurePath(name).suffix)
    return name[len(name) - len(found) :]


def by_name(name: str) -> ModuleType:
    """The format called 'png', 'jpeg', 'tiff' ... (an ending without its dot, or Image.format, will do)."""
    asked, name = name, name.lower().removesuffix("-lossy")
    for module in FORMATS:
        if name == module.NAME or "." + name in module.SUFFIXES:
            return module
    known = ", ".join(module.NAME for module in FORMATS)
    raise ImageError(f"format {asked!r}", "no format has this name", f"Use one of {known}")
