"""Where a picture comes from: a file or bytes, and what its header says before a pixel is decoded."""

from __future__ import annotations

import io
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import ImageError

MAX_PIXELS = 2**30  # as a square 32768 x 32768; every reader takes another limit as an argument
MAX_METADATA = 16 * 2**20  # bytes of one profile, EXIF, XMP or text after decompression
HEAD = 132  # bytes that every format is recognised by; of DICOM, the last four

Origin = str | os.PathLike | bytes | bytearray | memoryview  # a file's path, or its bytes


@dataclass(frozen=True)
class Header:
    """Size and layout of a picture as its header declares them. channels count alpha; bits are per channel."""

    width: int
    height: int
    channels: int
    bits: int
    pages: int = 1


class Source:
    """A file on disk or bytes in memory, with the name that messages use for it."""

    def __init__(self, origin: Origin):
        self.path: Path | None = None
        self._data: bytes | None = None
        if isinstance(origin, (bytes, bytearray, memoryview)):
            self._data = bytes(origin)
            self.name = f"picture of {len(self._data)} bytes"
            self.head = self._data[:HEAD]
            return
        self.path = Path(origin)
        self.name = str(self.path)
        try:
            with self.path.open("rb") as file:
                self.head = file.read(HEAD)
        except FileNotFoundError:
            raise ImageError(self.name, "no such file", "Check the name and the folder") from None
        except IsADirectoryError:
            raise ImageError(self.name, "this is a folder", "Name the pictures in it one by one") from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise ImageError(self.name, reason, "Check the name and the rights") from None

    def content(self) -> bytes:
        """All bytes; those of a file are read anew each time and not kept."""
        return self._data if self.path is None else self.path.read_bytes()  # type: ignore[return-value]

    def open(self) -> BinaryIO:
        """A stream over the bytes, which the caller closes."""
        return io.BytesIO(self.content()) if self.path is None else self.path.open("rb")

    def error(self, found: str, do: str = "The file is damaged; take another copy of it") -> ImageError:
        """The ImageError of this source, to be raised by the caller."""
        return ImageError(self.name, found, do)

    def check(self, header: Header, max_pixels: int) -> None:
        """Refuse a size that is empty or beyond `max_pixels`, before anything is decoded."""
        size = f"{header.width} x {header.height}"
        if header.width < 1 or header.height < 1:
            raise self.error(f"its header declares a picture of {size} pixels")
        if header.width * header.height > max_pixels:
            found = f"its header declares {size} = {header.width * header.height} pixels, the limit is {max_pixels}"
            raise self.error(found, "If that size is true, read it with a larger max_pixels")

    def inflate(self, data: bytes, what: str) -> bytes:
        """`data` without its zlib compression, refused beyond MAX_METADATA so that a small file cannot swell."""
        stream = zlib.decompressobj()
        try:
            plain = stream.decompress(data, MAX_METADATA)
        except zlib.error as error:
            raise self.error(f"its {what} cannot be decompressed ({error})") from error
        if stream.unconsumed_tail:
            raise self.error(f"its {what} is larger than {MAX_METADATA} bytes", "Remove it with a metadata editor")
        if not stream.eof:
            raise self.error(f"its {what} ends early")
        return plain
