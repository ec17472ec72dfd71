"""Writing FITS: the header with all its cards, then plane after plane; other HDUs are copied as they are.

Source: FITS standard 4.0, sections 3, 4.4 and 5. Our own writer, since it never holds more than one plane.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from ..errors import ImageError
from ..version import __version__
from .image import Image
from .layout import native
from .measured import digest
from .provenance import KEY

if TYPE_CHECKING:
    from .fits import Book

ASKED = "writing fits"
COPIED = 2**20  # bytes at a time
CARD = 80  # bytes
HISTORY = f"HISTORY nonloc {__version__} changed the samples (restoration)".encode().ljust(CARD)
STEP, MORE = b"HISTORY nonloc> ", b"HISTORY nonloc+ "  # a step of provenance begins, and goes on
STALE = (b"CHECKSUM=", b"DATASUM =")  # they speak of other bytes
BITPIX = {"u1": 8, "i2": 16, "i4": 32, "i8": 64, "f4": -32, "f8": -64}


def write(image: Image, stream: BinaryIO, *, quality: int | None = None) -> None:
    """Write one picture, a FITS again as it was read.

    Where samples changed, a HISTORY card says so, DATAMIN and DATAMAX (if there) are those of the new ones, and
    checksums are left out. Gray pictures from elsewhere get a plain header; what else their file said is not kept.
    Raises ImageError for colour, alpha, another size than the header's, and a plane of a longer cube.
    """
    write_pages([image], stream)


def write_pages(images: Iterable[Image], stream: BinaryIO) -> None:
    """Write the planes of a cube as they come: those of one file, all and in their order, or gray ones of one size."""
    from .fits import BLOCK

    out, count = None, 0
    for image in images:
        if out is None:
            out = Planes(image)
            out.before(stream)
            start = stream.tell()
            out.room = out.room or BLOCK
            stream.write(bytes(out.room))
        stream.write(out.encoded(image, count))
        count += 1
    if out is None:
        raise ImageError(ASKED, "no page was given", "Give at least one picture")
    data = stream.tell()
    stream.write(bytes(-(data - start - out.room) % BLOCK))
    header = out.header(count)
    out.behind(stream)
    end = stream.tell()
    stream.seek(start)
    stream.write(header)
    stream.seek(end)


class Planes:
    """What is written: the book that the first picture came from, or None, and what is learnt of the planes."""

    def __init__(self, first: Image):
        page = first.metadata.tags.get("fits")
        self.book: Book | None = None if page is None or first.dtype != page.book.given else page.book
        self.shape, self.dtype = first.samples.shape, native(first.dtype)
        if self.book is None and f"{_plain(self.dtype)}" not in BITPIX:
            found = f"{self.dtype} samples, which FITS has not"
            raise ImageError(ASKED, found, "Convert the picture to float32 first")
        if self.book is not None and self.shape != self.book.shape[1:]:
            found = f"a picture of {self.shape} whose header places one of {self.book.shape[1:]} on the sky"
            raise ImageError(ASKED, found, "Keep the size, or write .tif")
        self.changed = False
        self.steps: tuple[str, ...] = first.metadata.tags.get(KEY, ())
        self.limits: list[float] = [np.inf, -np.inf]
        self.room = len(joined(self._plain(2))) if self.book is None else len(self.book.header)
        if page is not None and self.book is not None:
            same = self.book.shape[0] == 1 and digest(first.samples) == page.digest
            self.room = max(self.room, 0 if same else len(joined(self._noted())))

    def encoded(self, image: Image, number: int) -> bytes:
        """The bytes of one plane; whether it changed, and its lowest and highest value, are noted."""
        from .fits import turn

        if image.alpha is not None or image.samples.ndim != 2:
            found = "alpha" if image.alpha is not None else f"{image.channels} channels; FITS holds gray planes here"
            raise ImageError(ASKED, found, "Write .tif, or give the channels singly")
        if image.samples.shape != self.shape or native(image.dtype) != self.dtype:
            found = f"page {number + 1} is {image.dtype} {image.samples.shape}, the first {self.dtype} {self.shape}"
            raise ImageError(ASKED, found, "Give pages of one kind")
        if self.book is not None:
            page = image.metadata.tags.get("fits")
            if page is None or page.book.header != self.book.header or page.number != number:
                found = f"page {number + 1} is not that of the file whose header is written"
                raise ImageError(ASKED, found, "Give all pages of one file, in their order")
            self.changed |= digest(image.samples) != page.digest
        is_turned = self.dtype != _plain(self.dtype) if self.book is None else self.book.turned
        stored = turn(image.samples) if is_turned else image.samples
        if self.book is not None:
            known = image.samples[self.book.known(stored)]
            if known.size:
                lowest, highest = float(known.min()), float(known.max())
                self.limits = [min(self.limits[0], lowest), max(self.limits[1], highest)]
        return stored.astype(stored.dtype.newbyteorder(">")).tobytes()

    def header(self, count: int) -> bytes:
        """The bytes of the header after `count` planes, as long as the room left for it."""
        if self.book is not None and count != self.book.shape[0]:
            found = f"{count} of the {self.book.shape[0]} planes that its header tells of"
            raise ImageError(ASKED, found, "Take all with read_pages and write_pages, or write .tif")
        if self.book is None:
            return joined(self._plain(count), self.room)
        if not self.changed and self.room == len(self.book.header):
            return self.book.header
        return joined(self._noted() if self.changed else cards_of(self.book.header), self.room)

    def _noted(self) -> list[bytes]:
        """The cards of a file whose samples changed: all that it had, but those that are no longer true."""
        assert self.book is not None
        old = STALE if not self.steps else (*STALE, STEP, MORE)  # the steps begin with those that were there
        kept = [card for card in cards_of(self.book.header) if not card.startswith(old)]
        for name, limit in zip(("DATAMIN", "DATAMAX"), self.limits, strict=True):
            begin = f"{name:8}=".encode()
            if np.isfinite(limit):
                new = _card(name, self.book.zero + self.book.scale * limit)
                kept = [new if card.startswith(begin) else card for card in kept]
        return [*kept, HISTORY, *cards_of_steps(self.steps)]

    def _plain(self, count: int) -> list[bytes]:
        """The cards of pictures that had none."""
        plain = _plain(self.dtype)
        axes = [*self.shape[::-1], *([count] if count > 1 else [])]
        cards = [("SIMPLE", True), ("BITPIX", BITPIX[plain]), ("NAXIS", len(axes))]
        cards += [(f"NAXIS{i + 1}", length) for i, length in enumerate(axes)]
        if self.dtype != plain:
            middle = -128 if self.dtype.itemsize == 1 else 2 ** (8 * self.dtype.itemsize - 1)
            cards += [("BSCALE", 1), ("BZERO", middle)]
        return [*(_card(name, value) for name, value in cards), *cards_of_steps(self.steps)]

    def before(self, stream: BinaryIO) -> None:
        if self.book is not None and self.book.start:
            self._copy(stream, 0, self.book.start)

    def behind(self, stream: BinaryIO) -> None:
        if self.book is not None and self.book.end < self.book.size:
            self._copy(stream, self.book.end, self.book.size)

    def _copy(self, stream: BinaryIO, start: int, end: int) -> None:
        """Bytes of the file that the picture came from: its other HDUs."""
        assert self.book is not None
        source = self.book.source
        try:
            file = source.open()
        except OSError:
            found = f"{source.name}, whose other HDUs go along, is no longer there"
            raise ImageError(ASKED, found, "Keep the input until the output is written") from None
        with file:
            if file.seek(0, 2) != self.book.size:
                found = f"{source.name}, whose other HDUs go along, was changed meanwhile"
                raise ImageError(ASKED, found, "Read the picture again")
            file.seek(start)
            while start < end:
                block = file.read(min(COPIED, end - start))
                stream.write(block)
                start += len(block)


def cards_of(header: bytes) -> list[bytes]:
    """The cards of a header, 80 bytes each, without END and the blank ones around it."""
    cards = [header[i : i + CARD] for i in range(0, len(header), CARD)]
    end = next((i for i, card in enumerate(cards) if card.rstrip() == b"END"), len(cards))
    while end and not cards[end - 1].strip():
        end -= 1
    return cards[:end]


def cards_of_steps(steps: Iterable[str]) -> list[bytes]:
    """Steps of provenance, each spread over as many HISTORY cards as it needs."""
    room = CARD - len(STEP)
    texts = (step.encode("ascii") for step in steps)
    return [
        ((MORE if at else STEP) + text[at : at + room]).ljust(CARD)
        for text in texts
        for at in range(0, len(text), room)
    ]


def steps_of_cards(header: bytes) -> tuple[str, ...]:
    """The steps of provenance that a header tells of."""
    found: list[bytes] = []
    for card in cards_of(header):
        if card.startswith(STEP):
            found.append(card[len(STEP) :])
        elif card.startswith(MORE) and found:
            found[-1] += card[len(MORE) :]
    return tuple(text.rstrip().decode("ascii", "replace") for text in found)


def joined(cards: list[bytes], room: int = 0) -> bytes:
    """A header of these cards; where there is more room, END comes later, behind blank cards."""
    from .fits import BLOCK

    size = max(room, -(-(len(cards) + 1) * CARD // BLOCK) * BLOCK)
    blank = (size - BLOCK) // CARD + 1 - len(cards) - 1  # END is to lie in the last block
    return (b"".join(cards) + b" " * CARD * max(0, blank) + b"END".ljust(CARD)).ljust(size)


def _card(name: str, value: float) -> bytes:
    text = "T" if value is True else repr(value).upper()
    return f"{name:8}= {text:>20}".encode().ljust(CARD)


def _plain(dtype: np.dtype) -> str:
    """What FITS stores for this dtype: itself, or the same bits with the sign that FITS knows."""
    kind = "f" if dtype.kind == "f" else "u" if dtype.itemsize == 1 else "i"
    return f"{kind}{dtype.itemsize}"
