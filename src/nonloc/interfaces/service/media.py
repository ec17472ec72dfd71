"""Formats as HTTP names them, and what a client prefers.

Sources: RFC 9110 section 12 (Accept), RFC 7240 (Prefer), RFC 9530 (Repr-Digest).
"""

from __future__ import annotations

import base64
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

# NIfTI and DNG have no registered type
MEDIA = {
    "png": "image/png", "jpeg": "image/jpeg", "tiff": "image/tiff", "webp": "image/webp", "bmp": "image/bmp",
    "avif": "image/avif", "heic": "image/heic", "fits": "image/fits", "dicom": "application/dicom",
    "nifti": "application/x-nifti", "nifti-gz": "application/x-nifti+gzip", "raw": "image/x-adobe-dng",
}  # fmt: skip
ANY = ("*/*", "application/octet-stream")


def accepted(accept: str | None, own: str) -> str | None:
    """The format to answer in: the picture's own where that is as welcome as any other; None where none is.

    accept: the header. own: the name of the input's format.
    """
    if not accept or not accept.strip():
        return own
    ranges = [
        (media.strip().lower(), _weight(rest)) for media, _, rest in (p.partition(";") for p in accept.split(","))
    ]
    best: tuple[float, str] | None = None
    for name in [own, *(other for other in MEDIA if other != own)]:
        fits = [(close, q) for media, q in ranges if (close := _closeness(media, name))]
        if not fits:
            continue
        close, q = max(fits)  # the most specific range that fits decides
        asked = name == own or close == 2  # '*/*' asks for no other format than the input's
        if asked and q > 0 and (best is None or q > best[0]):
            best = q, name
    return best[1] if best else None


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                q = float(value)
            except ValueError:
                return 0.0
            return min(max(q, 0.0), 1.0) if math.isfinite(q) else 0.0
    return 1.0


def _closeness(media: str, name: str) -> int:
    """How closely a media range fits a format: 2 by name, 1 by a wildcard, 0 not at all."""
    if media == MEDIA[name]:
        return 2
    kind = MEDIA[name].partition("/")[0]
    return 1 if media in ANY or media == f"{kind}/*" else 0


@dataclass(frozen=True)
class Preference:
    """What Prefer asks for: an answer at once that only names the job, or no longer a wait than so many seconds."""

    asynchronous: bool = False
    wait: float | None = None

    @property
    def applied(self) -> str:
        """The value of Preference-Applied; '' where nothing was asked for."""
        told = ["respond-async"] if self.asynchronous else []
        return ", ".join(told + ([f"wait={self.wait:g}"] if self.wait is not None else []))


def preferred(prefer: str | None) -> Preference:
    """The header Prefer; what is not understood in it is passed over, as the RFC has it."""
    asynchronous, wait = False, None
    for part in (prefer or "").split(","):
        name, _, value = part.partition(";")[0].partition("=")
        name, value = name.strip().lower(), value.strip().strip('"')
        asynchronous = asynchronous or name == "respond-async"
        if name == "wait" and value.isascii() and value.isdigit() and len(value) < 7:
            wait = float(value)
    return Preference(asynchronous, wait)


def digest(path: Path) -> str:
    """The header Repr-Digest of a file."""
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").digest()
    return f"sha-256=:{base64.b64encode(found).decode()}:"
