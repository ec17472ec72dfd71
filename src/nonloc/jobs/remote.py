"""Files behind URLs, by fsspec: what is there, bringing one here, putting one there so that no half is ever seen.

Source: https://filesystem-spec.readthedocs.io/en/latest/api.html. How a store is entered (keys, endpoints) is said to
fsspec and the store's own package, by their files and environment variables.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from ..errors import ImageError, NonlocError, UsageError
from ..image import formats
from .inputs import STREAM, ended, unlisted
from .manifest import Stamp
from .staging import LONGEST, PART

# a file that is put there appears at once and whole; elsewhere it is put under another name, and moved
WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"}
CHANGES = ("ETag", "etag", "md5Hash", "content_md5", "mtime", "LastModified", "last_modified", "updated", "created")


@dataclass(frozen=True)
class Found:
    """A file behind a URL. inside: its folder as seen from that which was named. stamp: changes when the file does."""

    url: str
    inside: str
    size: int
    stamp: Stamp

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


def is_url(word: str | os.PathLike) -> bool:
    """Whether it is a URL and not the name of a local file."""
    return "://" in os.fspath(word)


def any_url(words: Iterable[str | os.PathLike], files0_from: str | None = None) -> bool:
    """Whether a URL is among the words, or in the files of names that they name; standard input is not looked into."""
    files = [word for word in words if os.fspath(word) != f"@{STREAM}"]
    return any(is_url(name) for name in listed(files, None if files0_from == STREAM else files0_from))


def listed(
    words: Iterable[str | os.PathLike], files0_from: str | None = None, stdin: BinaryIO | None = None
) -> list[str]:
    """The words, with '@list.txt' and a file of names that end in NUL read."""
    names = [one for word in words for one in unlisted(os.fspath(word), stdin)]
    return names if files0_from is None else names + ended(files0_from, stdin)


def opened(word: str | os.PathLike) -> tuple[Any, str]:
    """The file system of a URL or a local name, and the path on it. UsageError that names a package that is missing."""
    import fsspec
    from fsspec.registry import known_implementations

    url = os.fspath(word)
    url = url if is_url(url) else Path(os.path.abspath(url)).as_uri()
    try:
        return fsspec.core.url_to_fs(url if not url.startswith("file:///") else "file://" + _plain(url))
    except ImportError as error:
        known = known_implementations.get(url.partition("://")[0], {})
        package = known.get("class", "fsspec").partition(".")[0]
        do = f"Run pip install {package}, here and on all workers" if package != "fsspec" else f"{error}"
        raise UsageError(url, "its file system needs a package that is not installed", do) from None
    except Exception as error:
        raise UsageError(url, f"{error}".strip().rstrip(".") or type(error).__name__, "Check the URL") from error


def _plain(url: str) -> str:
    from urllib.parse import unquote

    return unquote(url.removeprefix("file://"))


def find(word: str, recursive: bool, missing: list[tuple[str, NonlocError]], skipped: list[Path]) -> list[Found]:
    """The files that a word names: one file, a pattern, or a folder's pictures, which are known by their endings.

    What cannot be had is added to `missing`, what is no picture to `skipped`.
    """
    fs, path = opened(word)
    try:
        named = not any(mark in path for mark in "*?[")
        if named and fs.isdir(path):
            root, all_ = path, fs.find(path, maxdepth=None if recursive else 1, detail=True)
        elif named:
            info = fs.info(path)
            return [_found(fs, path, info, "")]
        else:
            root = path[: min(path.index(mark) for mark in "*?[" if mark in path)].rpartition("/")[0]
            all_ = {name: info for name, info in fs.glob(path, detail=True).items() if info.get("type") != "directory"}
    except FileNotFoundError:
        missing.append((word, ImageError(word, "there is no such file", "Check the URL")))
        return []
    except Exception as error:  # every store has errors of its own
        missing.append((word, ImageError(word, f"{type(error).__name__}: {error}".rstrip("."), "Check URL and rights")))
        return []
    if not all_:
        missing.append((word, ImageError(word, "no file is there", "Check the URL; -r takes sub-folders, too")))
    found = []
    for name, info in sorted(all_.items()):
        inside = name[len(root) :].strip("/")
        if any(part.startswith(".") for part in inside.split("/")):
            continue
        if is_picture(name):
            found.append(_found(fs, name, info, inside.rpartition("/")[0]))
        else:
            skipped.append(Path(name))
    return found


def is_picture(name: str) -> bool:
    """By its ending: to look into each of a million objects would take a day."""
    try:
        formats.by_suffix(name)
    except NonlocError:
        return False
    return True


def _found(fs: Any, path: str, info: dict[str, Any], inside: str) -> Found:
    size = int(info.get("size") or 0)
    told = next((f"{info[name]}" for name in CHANGES if info.get(name) is not None), "")
    changed = int.from_bytes(hashlib.sha256(told.encode()).digest()[:6], "big")
    return Found(fs.unstrip_protocol(path), inside, size, (size, changed, 0))


def sizes(folder: str) -> dict[str, int]:
    """All files below an output folder, by URL; also hidden ones. Empty when there is no such folder."""
    fs, path = opened(folder)
    try:
        return {fs.unstrip_protocol(name): int(info["size"] or 0) for name, info in fs.find(path, detail=True).items()}
    except FileNotFoundError:
        return {}


def sweep(there: Iterable[str], names: Iterable[str]) -> None:
    """Remove what killed workers left of uploads of these names."""
    wanted = {(folder, name[:LONGEST]) for folder, _, name in (url.rpartition("/") for url in names)}
    for url in there:
        folder, _, name = url.rpartition("/")
        part = PART.fullmatch(name)
        if part is not None and (folder, part["name"]) in wanted:
            fs, path = opened(url)
            with contextlib.suppress(FileNotFoundError):
                fs.rm_file(path)


def fetch(url: str, place: Path) -> None:
    """Bring a file here. ImageError when it cannot be had."""
    fs, path = opened(url)
    with _told(f"reading {url}"):
        fs.get_file(path, str(place))


def deliver(place: Path, url: str) -> None:
    """Put a file there: it appears whole, in place of an older one. ImageError when the store refuses."""
    fs, path = opened(url)
    protocols = {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)
    with _told(f"writing {url}"):
        if protocols & WHOLE:
            fs.put_file(str(place), path)
            return
        folder, _, name = path.rpartition("/")
        fs.makedirs(folder, exist_ok=True)
        part = f"{folder}/.{name[:LONGEST]}.{secrets.token_hex(6)}.part"
        try:
            fs.put_file(str(place), part)
            try:
                fs.mv(part, path)
            except OSError:  # where a move replaces nothing
                fs.rm_file(path)
                fs.mv(part, path)
        except BaseException:
            with contextlib.suppress(Exception):
                fs.rm_file(part)
            raise


@contextlib.contextmanager
def _told(asked: str) -> Iterator[None]:
    try:
        yield
    except NonlocError:
        raise
    except Exception as error:  # every store has errors of its own
        found = f"{type(error).__name__}: {error}".strip().rstrip(".")
        raise ImageError(asked, found, "Check the URL, its rights and the network, and start the job again") from error


def join(folder: str, *parts: str) -> str:
    """A URL below a folder's."""
    return "/".join([folder.rstrip("/"), *(str(PurePosixPath(part)) for part in parts if part)])
