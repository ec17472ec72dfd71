"""Names that a browser sends: shown and given back, never a path.

Source for the header of a download: RFC 6266 and RFC 8187.
"""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath
from types import ModuleType
from urllib.parse import quote

LONGEST = 120  # characters that are kept of a name
FORBIDDEN = '<>:"|?*'  # in names on Windows


def clean(name: str) -> str:
    """The last part of a name without anything that a file system, a header or a page could take for its own."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(c for c in last if unicodedata.category(c)[0] != "C" and c not in FORBIDDEN)
    path = PurePosixPath(kept.strip().lstrip(".") or "picture")
    stem, ending = (path.stem, path.suffix) if len(path.suffix) <= 10 else (path.name, "")
    return stem[: LONGEST - len(ending)].rstrip(". ") + ending


def ending(name: str, module: ModuleType) -> str:
    """The ending of a result: that of the name, or where it is not that of the content the format's own."""
    suffix = PurePosixPath(name).suffix
    return suffix if suffix.lower() in module.SUFFIXES else module.SUFFIXES[0]


def result(name: str, suffix: str, end: str) -> str:
    """'scan.tif' and 'restored' as 'scan-restored.tif', the name that the command line gives."""
    return f"{PurePosixPath(name).stem}-{suffix}{end}"


def unique(name: str, taken: set[str]) -> str:
    """`name`, or with a number where it is taken (whatever the case); it is taken from then on."""
    path, number, made = PurePosixPath(name), 1, name
    while made.casefold() in taken:
        number += 1
        made = f"{path.stem}-{number}{path.suffix}"
    taken.add(made.casefold())
    return made


def disposition(name: str) -> str:
    """The Content-Disposition of a download under that name."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
