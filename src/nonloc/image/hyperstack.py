"""Stacks of ImageJ and OME-TIFF: what their descriptions say of channels, and how they stay true.

Source: ImageJ, ij.io.TiffDecoder and FileSaver (`key=value` lines; planes in the order XYCZT); OME-TIFF specification
6.0 and OME schema 2016-06 (Pixels, TiffData, UUID). Descriptions are kept as they are, byte for byte, but for what
would be wrong of the file that is written.
"""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ElementTree
from typing import Any

IMAGEJ = "ImageJ="
SIZES = {"X": "SizeX", "Y": "SizeY"}
NUMBER = rb'(\s%s=")([^"]*)(")'


def is_ome(description: str) -> bool:
    """Whether an ImageDescription is OME-XML."""
    return "openmicroscopy.org" in description and re.search(r"<(\w+:)?OME[\s>]", description[:4096]) is not None


def images(description: str) -> int:
    """How many planes ImageJ says that the stack has."""
    return max(_number(description, "images"), 1)


def channels(description: str) -> int:
    """How many channels ImageJ says that the stack has."""
    return max(_number(description, "channels"), 1)


def _number(description: str, name: str) -> int:
    found = re.search(rf"^{name}=(\d+)\s*$", description, re.MULTILINE)
    return int(found[1]) if found else 0


def channels_of(description: str, pages: int) -> list[Any]:
    """(image, channel) of each page by OME-XML; one channel for all where it cannot be told."""
    try:
        root = ElementTree.fromstring(description)
        return _by_tiff_data(root, pages)
    except (ElementTree.ParseError, ValueError, ArithmeticError):
        return [0] * pages


def _by_tiff_data(root: ElementTree.Element, pages: int) -> list[Any]:
    out: list[Any] = [None] * pages
    own, free = root.get("UUID"), 0
    for image, element in enumerate(_all(root, "Pixels")):
        order = element.get("DimensionOrder", "XYCZT")[2:]
        sizes = {axis: int(element.get(f"Size{axis}", "1")) for axis in "CZT"}
        within = [int(c.get("SamplesPerPixel") or 1) for c in _all(element, "Channel")]
        sizes["C"] = len(within) or sizes["C"]  # a channel of several samples is one page
        planes = sizes["C"] * sizes["Z"] * sizes["T"]
        blocks = _all(element, "TiffData")
        for block in blocks:
            named = next(iter(_all(block, "UUID")), None)
            if named is not None and own is not None and (named.text or "").strip() != own:
                continue  # in another file
            first = int(block.get("IFD", 0))
            start = {axis: int(block.get(f"First{axis}", 0)) for axis in "CZT"}
            default = planes if not block.attrib and len(blocks) == 1 else 1
            index, step = 0, 1
            for axis in order:
                index, step = index + start[axis] * step, step * sizes[axis]
            for i in range(min(int(block.get("PlaneCount", default)), pages)):
                step = 1
                for axis in order[: order.index("C")]:
                    step *= sizes[axis]
                if 0 <= first + i < pages:
                    out[first + i] = (image, (index + i) // step % sizes["C"])
        if not blocks:
            for i in range(min(planes, pages - free)):
                out[free + i] = (image, 0)
        free += planes
    return out


def _all(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """Elements within of that name, in whatever version of the schema."""
    return [e for e in element.iter() if isinstance(e.tag, str) and e.tag.rpartition("}")[2] == name]


def own_uuid(description: str) -> bytes | None:
    """The identity of an OME file that stands alone; None where there is none, or others are named beside it."""
    found = set(re.findall(r"urn:uuid:[0-9a-fA-F-]{36}", description))
    return found.pop().encode() if len(found) == 1 else None


def renamed(directory: bytes, old: bytes, samples: str) -> bytes:
    """Bytes of a directory with a new identity in its OME-XML, one that follows from the old one and the samples.

    Names of the old file beside it are left out. The length stays.
    """
    new = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{old.decode()} {samples}')}".encode()
    named = re.compile(rb'(<(?:\w+:)?UUID\s[^>]*?)(FileName="[^"]*")')
    directory = named.sub(lambda found: found[1] + b" " * len(found[2]), directory)
    return directory.replace(old, new)


def rescaled(description: bytes, old: tuple[int, int], new: tuple[int, int]) -> bytes:
    """OME-XML of pictures `old` (H, W) that are `new` (H, W) now: SizeX, SizeY, sizes of pixels where they stand."""
    for axis, was, now in (("X", old[1], new[1]), ("Y", old[0], new[0])):
        size = re.compile(NUMBER % f"Size{axis}".encode())
        description = size.sub(lambda f, n=now: f[1] + str(n).encode() + f[3], description)  # type: ignore[misc]
        physical = re.compile(NUMBER % f"PhysicalSize{axis}".encode())
        times = was / now
        description = physical.sub(lambda f, t=times: f[1] + _times(f[2], t) + f[3], description)  # type: ignore[misc]
    return description


def _times(number: bytes, factor: float) -> bytes:
    try:
        return f"{float(number) * factor:.12g}".encode()
    except ValueError:
        return number
