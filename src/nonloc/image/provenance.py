"""How a picture was made, kept in its file: enough to make it again, and to find out whether it was changed since.

Each restoration is a step, one JSON object in ASCII without the time of day, so that the same call gives the same
bytes. Where it stands is the business of the formats: XMP (a property of our own; JPEG, PNG, TIFF, WebP, AVIF, HEIF),
FITS HISTORY, an extension of NIfTI, a private element of DICOM. BMP has no place for it.

Source: XMP (ISO 16684-1), sections 7.4 (RDF of an XMP packet) and 7.9.2 (several descriptions of one resource).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from html import escape, unescape
from pathlib import Path
from typing import Any

from .holes import reopened
from .image import Image
from .measured import digest

KEY = "provenance"  # the tag under which a picture carries its steps, oldest first, as text
SPACE = "urn:nonloc:provenance:1#"
MOST = 60_000  # bytes of XMP that a JPEG can hold, with some room
OURS = re.compile(rf'<rdf:Description rdf:about="" xmlns:nonloc="{SPACE}">.*?</rdf:Description>'.encode(), re.DOTALL)
STEP = re.compile(rb"<rdf:li>(.*?)</rdf:li>", re.DOTALL)
EMPTY = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


def steps(image: Image) -> tuple[dict[str, Any], ...]:
    """The steps that a picture which was read tells of, oldest first; those that are no JSON object are left out."""
    texts = image.metadata.tags.get(KEY)
    found = (parsed(text) for text in (in_xmp(image.metadata.xmp) if texts is None else texts))
    return tuple(step for step in found if step)


def with_step(image: Image, step: Mapping[str, Any]) -> Image:
    """The picture with one step more behind those that it has."""
    before = image.metadata.tags.get(KEY)
    texts = in_xmp(image.metadata.xmp) if before is None else before
    tags = {**image.metadata.tags, KEY: (*texts, as_text(step))}
    return replace(image, metadata=replace(image.metadata, tags=tags))


def without_new(image: Image) -> Image:
    """The picture as it was read, without the steps that came since."""
    tags = {key: value for key, value in image.metadata.tags.items() if key != KEY}
    return replace(image, metadata=replace(image.metadata, tags=tags))


def as_text(step: Mapping[str, Any]) -> str:
    """A step as it stands in files."""
    return json.dumps(step, separators=(",", ":"))


def sealed(image: Image) -> Image:
    """The picture with steps, whose last also holds the digest of the samples, so that a later change can be seen."""
    texts = image.metadata.tags[KEY]
    last = parsed(texts[-1])
    if not last:
        return image
    seal = as_text({**last, "samples": fingerprint(image)})
    tags = {**image.metadata.tags, KEY: (*texts[:-1], seal)}
    return replace(image, metadata=replace(image.metadata, tags=tags))


def marked(image: Image) -> Image:
    """The picture whose XMP holds the steps that it has; as it is where there are none, or no room."""
    texts = image.metadata.tags.get(KEY)
    if not texts:
        return image
    xmp = with_xmp(image.metadata.xmp, texts)
    return image if xmp is None else replace(image, metadata=replace(image.metadata, xmp=xmp))


def with_xmp(xmp: bytes | None, texts: tuple[str, ...]) -> bytes | None:
    """An XMP packet that tells these steps and all that it told before; None where that cannot be done."""
    items = "".join(f"<rdf:li>{escape(text, quote=False)}</rdf:li>" for text in texts)
    ours = (
        f'<rdf:Description rdf:about="" xmlns:nonloc="{SPACE}"><nonloc:steps><rdf:Seq>{items}</rdf:Seq></nonloc:steps>'
        "</rdf:Description>"
    ).encode("ascii")
    packet = OURS.sub(b"", xmp or EMPTY)
    before, end, after = packet.rpartition(b"</rdf:RDF>")
    if not end or len(packet) + len(ours) > max(MOST, len(xmp or b"")):
        return None
    return before + ours + end + after


def in_xmp(xmp: bytes | None) -> tuple[str, ...]:
    """The steps that an XMP packet tells of, as text."""
    found = OURS.search(xmp) if xmp else None
    return tuple(unescape(item.decode("ascii", "replace")) for item in STEP.findall(found[0])) if found else ()


def fingerprint(image: Image) -> str:
    """What tells the samples of a picture, holes and all, from others."""
    return digest(reopened(image).samples).hex()


def checksum(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def parsed(text: str) -> dict[str, Any] | None:
    """A step that stands in a file; None for what is none."""
    try:
        step = json.loads(text)
    except ValueError:
        return None
    return step if isinstance(step, dict) and "nonloc" in step else None
