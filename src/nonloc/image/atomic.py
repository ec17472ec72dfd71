"""Writing a file so that nothing half-written is ever visible under its name."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import ImageError


@contextlib.contextmanager
def atomic(path: str | os.PathLike, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """A binary stream whose content appears at `path` at once when the block ends well, or never.

    The bytes go to a temporary name in the same folder, are flushed to disk and then renamed; on any error or
    interrupt the temporary file is removed and an older file at `path` stays as it was.
    Raises ImageError when the folder is missing, or the file exists and `overwrite` is False (checked again
    at the end, so two writers cannot both win).
    """
    path = Path(os.path.realpath(path))  # through a link to its target: the link itself is to stay
    if path.is_dir():
        raise ImageError(f"writing {path}", "a folder has this name", "Give the name of a file")
    if path.exists() and not overwrite:
        raise _exists(path)
    short = path.name.encode()[:100].decode(errors="ignore")  # file systems count bytes, 255 of them
    temporary = path.with_name(f".{short}.{secrets.token_hex(6)}.part")
    try:
        # opened by hand rather than through tempfile, so that the usual rights (umask) apply
        stream = open(temporary, "xb+")  # noqa: SIM115
    except FileNotFoundError:
        raise ImageError(f"writing {path}", f"there is no folder {path.parent}", "Make the folder first") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageError(f"writing {path}", reason, "Check the folder's rights and space") from None
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _publish(temporary, path, overwrite)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageError(f"writing {path}", reason, "Check the folder's rights and space") from error
    finally:
        temporary.unlink(missing_ok=True)


def _publish(temporary: Path, path: Path, overwrite: bool) -> None:
    if overwrite:
        with contextlib.suppress(FileNotFoundError):
            os.chmod(temporary, path.stat().st_mode & 0o777)
        os.replace(temporary, path)
    else:
        try:
            os.link(temporary, path)  # unlike a rename it fails when the name was taken meanwhile
        except FileExistsError:
            raise _exists(path) from None
        except OSError:  # file systems without hard links
            if path.exists():
                raise _exists(path) from None
            os.replace(temporary, path)
    with contextlib.suppress(OSError):  # the new name, too, should survive a power cut; not all systems allow it
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _exists(path: Path) -> ImageError:
    return ImageError(f"writing {path}", "a file of this name exists", "Take another name, or allow to overwrite it")
