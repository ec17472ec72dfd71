"""A folder for a server's temporary files: for this user only, swept away when its server was killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

from ..errors import ImageError

ALIVE = "alive"  # a file that is touched while the server runs
ABANDONED = 3600  # seconds after which a folder without a sign of life is nobody's


class Temporary:
    """`path` is a new folder; what killed servers with the same prefix left beside it is removed first.

    spare: bytes of its disk that are to stay free.
    """

    def __init__(self, prefix: str, spare: int):
        self.spare = spare
        sweep(Path(tempfile.gettempdir()), prefix)
        self.path = Path(tempfile.mkdtemp(prefix=prefix))

    def sign(self) -> None:
        """A sign of life, to be given at least once an hour."""
        with contextlib.suppress(OSError):
            (self.path / ALIVE).touch()

    def room(self, size: int, what: str) -> None:
        """ImageError where the disk has no room for `size` more bytes."""
        free = shutil.disk_usage(self.path).free
        if free < size + self.spare:
            found = f"the disk of the temporary folder has {free / 2**30:.1f} GiB left"
            raise ImageError(what, found, "Remove pictures, or set TMPDIR to a folder with more room and start again")

    def remove(self) -> None:
        """The folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def sweep(place: Path, prefix: str) -> None:
    """Remove what servers that were killed left in `place`: ours, and without a sign of life."""
    for folder in place.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
            sign = folder / ALIVE
            seen = (sign if sign.exists() else folder).lstat().st_mtime
            if stat.S_ISDIR(found.st_mode) and mine and time.time() - seen > ABANDONED:
                shutil.rmtree(folder, ignore_errors=True)
