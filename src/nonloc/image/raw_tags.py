"""What a RAW file says of camera, picture and colours: the tags that go into the DNG that is written.

Source: DNG specification 1.7, chapters 2 (which directory holds what) and 4 (tags); Exif 3.0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from . import ifd
from .ifd import Entry, Kind
from .source import Source
from .tiff_tags import STRUCTURE, Tags

VERSION, LINEAR_TABLE, MAKER_NOTE, SAFE = 50706, 50712, 37500, 50741
SUBDIRECTORIES, PHOTOMETRIC, MOSAIC = 330, 262, 32803
# previews, the embedded original, digests of pixels as they were coded
LEFT_OUT = {LINEAR_TABLE, 50828, 50973, 50972, 51111, *range(50966, 50972)}
# of files that are no DNG: what EXIF has, too, for other tags lie or mean something else there
PLAIN = {270, 271, 272, 274, 305, 306, 315, 33432, ifd.EXIF, ifd.GPS}


@dataclass(frozen=True)
class Camera:
    """Tags to be kept, in the byte order of `kind`. dng: whether they are those of a DNG, colours and all."""

    kind: Kind = field(default_factory=Kind)
    entries: tuple[Entry, ...] = ()
    dng: bool = False


def camera_of(source: Source) -> Camera:
    """The tags of a RAW file that is a TIFF; none of another, or of one whose directories are damaged.

    Raises ImageError where the file ends before its pixels do.
    """
    try:
        with source.open() as stream:
            size = stream.seek(0, 2)

            def take(at: int, length: int) -> bytes:
                if at + length > size:
                    raise ifd.DirectoryError(f"it ends after {size}")
                stream.seek(at)
                return stream.read(length)

            kind, first = ifd.parse_header(source.head)
            top = ifd.parse(take, first, kind)[0]
            tags = Tags(top, kind)
            within = [ifd.parse(take, at, kind)[0] for at in tags.all(SUBDIRECTORIES)]
            for sub in (top, *within):
                _check(source, Tags(sub, kind), size)
    except ifd.DirectoryError:
        return Camera()
    if VERSION not in tags.entries:
        return Camera(kind, tuple(_without_note(e) for e in top if e.tag in PLAIN))
    found = {e.tag: e for e in top}
    sensor = next((sub for sub in [top, *within] if _is_mosaic(Tags(sub, kind))), ())
    found |= {e.tag: e for e in sensor}
    safe = tags.one(SAFE, 0) == 1
    dropped = (STRUCTURE - {700, 34675}) | LEFT_OUT
    kept = (e for e in found.values() if e.tag not in dropped and e.type not in (13, 18))
    return Camera(kind, tuple(e if safe else _without_note(e) for e in kept), bool(sensor))


def _check(source: Source, tags: Tags, size: int) -> None:
    """Refuse pixels that the file ends before: LibRaw would give zeros there and say nothing."""
    starts, counts = tags.all(324) or tags.all(273), tags.all(325) or tags.all(279)
    for start, count in zip(starts, counts, strict=False):
        if start + count > size:
            raise source.error(f"pixels at bytes {start} to {start + count}, the file ends after {size}")


def _is_mosaic(tags: Tags) -> bool:
    return tags.one(PHOTOMETRIC, 0) == MOSAIC and not tags.one(254, 0) & 1


def _without_note(entry: Entry) -> Entry:
    """EXIF without the maker's note, whose offsets point into the old file."""
    if entry.within is None:
        return entry
    return entry._replace(within=tuple(e for e in entry.within if e.tag != MAKER_NOTE))
