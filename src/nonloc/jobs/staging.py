"""Results wait in a hidden folder beside their place until the manifest knows them; then they appear, whole.

So every visible output stands in the manifest, and a killed run leaves nothing but hidden folders `.NAME.<hex>.part`,
which the next start of the same job removes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from ..errors import ImageError
from ..image.atomic import atomic
from .manifest import sync_folder

PART = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{12}\.part", re.DOTALL)
LONGEST = 100  # of the name, bytes here and characters in image/atomic.py


def hidden_place(folder: Path, name: str) -> Path:
    """A hidden folder in which the results of one file are to wait; it is not made yet."""
    return folder / f".{_short(name)}.{secrets.token_hex(6)}.part"


def stage(place: Path) -> None:
    """Make the hidden folder, and those above it that are missing."""
    try:
        place.mkdir(parents=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageError(f"writing into {place.parent}", reason, "Check the folder's rights and space") from error


def _short(name: str) -> str:
    while len(os.fsencode(name)) > LONGEST:
        name = name[:-1]
    return name


def unstage(place: Path) -> None:
    """Remove what `stage` made, and all in it; it may be gone already."""
    shutil.rmtree(place, ignore_errors=True)


def publish(staged: Path, target: Path, *, replace: bool) -> None:
    """Give a finished file its name. Without `replace`, ImageError when the name has been taken meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    real = Path(os.path.realpath(target))  # a link stays a link
    try:
        if replace:
            with contextlib.suppress(FileNotFoundError):
                os.chmod(staged, real.stat().st_mode & 0o777)
            os.replace(staged, real)
        else:
            _link(staged, real)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with open(staged, "rb") as old, atomic(real, overwrite=replace) as new:  # another file system
            shutil.copyfileobj(old, new)
    sync_folder(real.parent)


def _link(staged: Path, target: Path) -> None:
    """Unlike a rename, this fails when the name was taken meanwhile."""
    try:
        os.link(staged, target)
    except FileExistsError:
        raise ImageError(
            f"writing {target}", "a file of this name exists", "Take another name, or give --overwrite"
        ) from None
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise
        if target.exists():
            raise
        os.replace(staged, target)  # file systems without hard links


def sweep(places: Iterable[tuple[Path, str]]) -> int:
    """Remove what a killed run left for these (folder, name) pairs; how many things were removed."""
    names: dict[Path, set[str]] = {}
    for folder, name in places:
        names.setdefault(folder, set()).update((_short(name), name[:LONGEST]))
    removed = 0
    for folder, wanted in names.items():
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            found = PART.fullmatch(entry.name)
            if found is None or found["name"] not in wanted or entry.is_symlink():
                continue
            removed += 1
            if entry.is_dir():
                unstage(Path(entry.path))
            else:
                Path(entry.path).unlink(missing_ok=True)
    return removed


def is_full(error: BaseException | None) -> bool:
    """Whether the error, or what caused it, is that a disk or a quota is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__ or error.__context__
    return False
