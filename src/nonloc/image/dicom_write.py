"""Writing DICOM: the dataset as it was, uncompressed; a changed picture as a derived object of its own.

Source: DICOM PS3.3 C.7.6.1.1 (image type, derivation, source image), C.7.3.1 (series); PS3.5 B.2 (UIDs of UUIDs).
"""

from __future__ import annotations

import copy
import hashlib
import tempfile
import uuid
import warnings
from collections.abc import Iterable
from typing import Any, BinaryIO

import numpy as np

from ..errors import ImageError
from ..version import __version__
from .image import Image
from .measured import digest
from .provenance import KEY, parsed

ASKED = "writing dicom"
DERIVATION = f"nonloc {__version__}: {{}}samples changed by image restoration; not for diagnosis, not evidence"
SERIES = " (restored, not for diagnosis)"
LONGEST = 64  # characters of a series' description
GROUP, CREATOR = 0x0099, "NONLOC"  # private elements: the steps of provenance, one a line
STALE = ("IconImageSequence",)  # a small picture of the old samples


def write(image: Image, stream: BinaryIO, *, quality: int | None = None) -> None:
    """Write one frame that was read from DICOM, with all its elements.

    Where samples changed, it is a derived object: SOP instance UID and series UID are new (made from the old ones and
    the samples, so that the same picture gives the same file; slices of one series stay together), ImageType begins
    with DERIVED, the description of derivation and of the series say "not for diagnosis", the source is referred to,
    the smallest and largest value are those of the new samples, and the icon is left out. Values are clipped to the
    bits stored. Compressed files become uncompressed (explicit VR, little endian), their UIDs staying if samples did.

    Raises ImageError: a picture from elsewhere, of another size or kind, a frame of several.
    """
    write_pages([image], stream)


def write_pages(images: Iterable[Image], stream: BinaryIO) -> None:
    """Write frames as they come, all those of one file in their order; never more than one is in memory."""
    with tempfile.TemporaryFile() as pixels, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that bend the standard: they are kept as they are
        out: Frames | None = None
        for image in images:
            out = out or Frames(image)
            pixels.write(out.encoded(image))
        if out is None:
            raise ImageError(ASKED, "no page was given", "Give at least one picture")
        pixels.write(bytes(pixels.tell() % 2))
        pixels.seek(0)
        cards = out.dataset()
        vr = "OB" if cards.BitsAllocated == 8 and not cards.file_meta.TransferSyntaxUID.is_implicit_VR else "OW"
        cards.add_new("PixelData", vr, pixels)
        cards.save_as(stream, enforce_file_format=True)


class Frames:
    """What is written: the dataset of the first frame, and what is learnt of all."""

    def __init__(self, first: Image):
        tag = first.metadata.tags.get("dicom")
        if tag is None:
            found = "a picture from elsewhere, without the patient and study that a DICOM has to name"
            raise ImageError(ASKED, found, "Write .tif or .png")
        from .dicom import library

        library(ASKED)
        self.old, self.number, self.changed = tag, 0, False
        self.samples = hashlib.sha256()
        self.steps: tuple[str, ...] = first.metadata.tags.get(KEY, ())
        self.limits: list[int] = []
        self.cards = copy.deepcopy(tag.cards)
        syntax = self.cards.file_meta.TransferSyntaxUID
        if syntax.is_compressed or self.cards.PhotometricInterpretation.startswith("YBR"):
            self._uncompressed(syntax.is_compressed)
        self.little = self.cards.file_meta.TransferSyntaxUID.is_little_endian

    def _uncompressed(self, was: bool) -> None:
        from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

        meta = self.cards.file_meta
        if was and meta.TransferSyntaxUID != DeflatedExplicitVRLittleEndian:
            meta.TransferSyntaxUID = ExplicitVRLittleEndian
        if int(self.cards.get("SamplesPerPixel") or 1) == 3:
            self.cards.PhotometricInterpretation, self.cards.PlanarConfiguration = "RGB", 0

    def encoded(self, image: Image) -> bytes:
        """The bytes of a frame, clipped to the bits that its file declares."""
        tag, samples = image.metadata.tags.get("dicom"), image.samples
        cards, self.number = self.cards, self.number + 1
        if tag is None or tag.frames != self.old.frames or tag.number != self.number - 1:
            found = f"frame {self.number} is not that of the file whose elements are written"
            raise ImageError(ASKED, found, "Give all frames of one file, in their order")
        sign = "i" if int(cards.get("PixelRepresentation", 0)) else "u"
        kind = np.dtype(f"<{sign}{cards.BitsAllocated // 8}")
        shape = (cards.Rows, cards.Columns, *([3] if int(cards.get("SamplesPerPixel") or 1) == 3 else []))
        if samples.shape != shape or samples.dtype.newbyteorder("<") != kind or image.alpha is not None:
            found = f"{samples.dtype} {samples.shape}, where its elements tell of {kind} {shape}"
            raise ImageError(ASKED, found, "Keep size and kind, or write .tif")
        self.changed |= digest(samples) != tag.digest
        bits = int(cards.BitsStored)
        low = -(1 << bits - 1) if kind.kind == "i" else 0
        samples = np.clip(samples, low, low + (1 << bits) - 1)
        self.limits = _both(self.limits, samples)
        if samples.ndim == 3 and int(cards.get("PlanarConfiguration") or 0):
            samples = np.moveaxis(samples, -1, 0)
        data = samples.astype(kind if self.little else kind.newbyteorder(">")).tobytes()
        self.samples.update(data)
        return data

    def dataset(self) -> Any:
        """The dataset to be written, without pixels."""
        if self.number != self.old.frames:
            found = f"{self.number} of the {self.old.frames} frames that its elements tell of"
            raise ImageError(ASKED, found, "Take all with read_pages and write_pages, or write .tif")
        if self.changed:
            self._derive()
        return self.cards

    def _derivation(self) -> str:
        """In words, what was done to the samples."""
        step = parsed(self.steps[-1]) if self.steps else None
        how = " ".join(str(step[name]) for name in ("verb", "method", "degradation") if name in step) if step else ""
        return DERIVATION.format(f"{how}: " if how else "")

    def _derive(self) -> None:
        """Make the dataset that of a new object, derived from the old one."""
        from pydicom.dataset import Dataset
        from pydicom.sequence import Sequence

        cards = self.cards
        source = Dataset()
        source.ReferencedSOPClassUID = cards.get("SOPClassUID") or cards.file_meta.MediaStorageSOPClassUID
        source.ReferencedSOPInstanceUID = cards.get("SOPInstanceUID") or cards.file_meta.MediaStorageSOPInstanceUID
        cards.SourceImageSequence = Sequence([*(cards.get("SourceImageSequence") or []), source])
        new = _uid(f"{source.ReferencedSOPInstanceUID} {self.samples.hexdigest()} {__version__}")
        cards.SOPInstanceUID = cards.file_meta.MediaStorageSOPInstanceUID = new
        if cards.get("SeriesInstanceUID"):
            cards.SeriesInstanceUID = _uid(f"{cards.SeriesInstanceUID} {__version__}")
        old = cards.get("ImageType") or ["ORIGINAL", "SECONDARY"]
        cards.ImageType = ["DERIVED", *([old] if isinstance(old, str) else list(old))[1:]]
        cards.walk(_frame_type)
        before, now = cards.get("DerivationDescription"), self._derivation()
        cards.DerivationDescription = f"{before}; {now}"[-1024:] if before else now
        if SERIES not in (name := str(cards.get("SeriesDescription") or "")):
            cards.SeriesDescription = (name[: LONGEST - len(SERIES)] + SERIES).strip()
        if self.steps:
            cards.private_block(GROUP, CREATOR, create=True).add_new(1, "UT", "\n".join(self.steps))
        for keyword, value in zip(("SmallestImagePixelValue", "LargestImagePixelValue"), self.limits, strict=True):
            if keyword in cards:
                setattr(cards, keyword, value)
        for keyword in STALE:
            if keyword in cards:
                delattr(cards, keyword)


def steps_of(cards: Any) -> tuple[str, ...]:
    """The steps of provenance that a dataset tells of."""
    try:
        found = cards.private_block(GROUP, CREATOR)[1].value
    except KeyError:
        return ()
    text = found.decode("ascii", "replace") if isinstance(found, bytes) else str(found)
    return tuple(text.rstrip(" \0").splitlines())


def _both(limits: list[int], samples: np.ndarray) -> list[int]:
    """The lowest and the highest of `limits` and of the samples."""
    values = [*limits, int(samples.min()), int(samples.max())]
    return [min(values), max(values)]


def _uid(text: str) -> str:
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, text).int}"


def _frame_type(dataset: Any, element: Any) -> None:
    """A frame's own type is to agree with that of its file (PS3.3 C.8.16.1)."""
    if element.keyword == "FrameType" and element.value:
        element.value = ["DERIVED", *list(element.value)[1:]]
