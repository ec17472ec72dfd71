"""Which files a job works on: files, folders, patterns and lists become one list of pictures, in a fixed order.

A folder gives its pictures (with `recursive` those of its sub-folders, too); whether a file is a picture is seen in
its first bytes, not in its name. Hidden files and folders are left out, links to folders are not followed.
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ..errors import ImageError, NonlocError, UsageError
from ..image import formats
from ..image.source import HEAD

STREAM = "-"  # standard input as one picture, standard output as its result


@dataclass(frozen=True)
class Input:
    """One file. inside: its folder as seen from the folder or pattern that gave it ('' for a file that was named)."""

    path: Path
    inside: Path = Path()
    named: bool = True


@dataclass
class Gathered:
    """What was found. failed: what was named and cannot be had. skipped: files in folders that are no pictures.

    single: whether it is one file named by itself, so that its output may be named by itself.
    """

    inputs: list[Input] = field(default_factory=list)
    failed: list[tuple[str, NonlocError]] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    subfolders: int = 0
    roots: list[Path] = field(default_factory=list)
    single: bool = False


def gather(
    words: Iterable[str | os.PathLike],
    *,
    recursive: bool = False,
    files0_from: str | None = None,
    leave: Iterable[Path] = (),
    stdin: BinaryIO | None = None,
) -> Gathered:
    """Turn what a user wrote into files, each once, in the order of the words and by name within a folder.

    words: names of files and folders, patterns ('*.tif', '**'), '@list.txt' with one name a line. A file that has such
    a name is taken itself. files0_from: a file of names that end in NUL; '-' is standard input. leave: folders that
    are not walked into, unless they are named themselves.

    What was named and is not there stands in `failed`. UsageError when a list cannot be read.
    """
    found = Gathered()
    listed = [(os.fspath(word), True) for word in words]
    if files0_from is not None:
        listed += [(name, False) for name in ended(files0_from, stdin)]
    left = {os.path.realpath(folder) for folder in leave}
    seen: set[str] = set()
    for word, expand in listed:
        for one in unlisted(word, stdin) if expand else [word]:
            for item in _expand(one, expand and one is word, recursive, left, found):
                real = os.path.realpath(item.path)
                if real not in seen:
                    seen.add(real)
                    found.inputs.append(item)
    plain = len(listed) == 1 and listed[0][1] and found.inputs[:1] == [Input(Path(listed[0][0]))]
    found.single = plain or (len(listed) == 1 and not found.inputs and len(found.failed) == 1)
    return found


def is_picture(path: Path) -> bool:
    """Whether the file begins as one of the formats read here do."""
    with open(path, "rb") as file:
        return formats.by_content(file.read(HEAD)) is not None


def _expand(word: str, patterns: bool, recursive: bool, left: set[str], found: Gathered) -> Iterator[Input]:
    path = Path(word)
    if path.is_dir():
        found.roots.append(path)
        yield from _walk(path, path, recursive, left, found)
    elif path.exists():
        found.roots.append(path.parent)
        yield Input(path)
    elif patterns and glob.has_magic(word):
        yield from _matches(word, recursive, left, found)
    else:
        found.failed.append((word, ImageError(word, "no such file", "Check the name and the folder")))


def _matches(pattern: str, recursive: bool, left: set[str], found: Gathered) -> Iterator[Input]:
    """Files that match; what is no picture is left out, as in a folder. Folders that match are walked with -r only."""
    base = Path()
    for part in Path(pattern).parts:
        if glob.has_magic(part):
            break
        base /= part
    matched = sorted(Path(name) for name in glob.glob(pattern, recursive=True))
    if not matched:
        found.failed.append((pattern, ImageError(pattern, "no file matches", "Check the pattern and the folder")))
        return
    found.roots.append(base)
    for path in matched:
        if path.is_dir():
            if recursive:
                yield from _walk(path, base, recursive, left, found)
        elif _wanted(path, found):
            yield Input(path, path.parent.relative_to(base), named=False)


def _walk(folder: Path, root: Path, recursive: bool, left: set[str], found: Gathered) -> Iterator[Input]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        reason = error.strerror or str(error)
        found.failed.append((str(folder), ImageError(str(folder), reason, "Check the folder's rights")))
        return
    below = []
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            below.append(path)
        elif entry.is_file() and _wanted(path, found):
            yield Input(path, folder.relative_to(root), named=False)
    for path in below:
        if os.path.realpath(path) in left:
            continue
        if recursive:
            yield from _walk(path, root, recursive, left, found)
        else:
            found.subfolders += 1


def _wanted(path: Path, found: Gathered) -> bool:
    try:
        if is_picture(path):
            return True
        found.skipped.append(path)
    except OSError as error:
        reason = error.strerror or str(error)
        found.failed.append((str(path), ImageError(str(path), reason, "Check the file's rights")))
    return False


def ended(files0_from: str, stdin: BinaryIO | None = None) -> list[str]:
    """The names in a file in which each ends in NUL; '-' is standard input."""
    return _split(_content(files0_from, "--files0-from ", stdin), b"\0")


def unlisted(word: str, stdin: BinaryIO | None = None) -> list[str]:
    """The names in '@list.txt'; any other word is itself."""
    if not word.startswith("@") or os.path.lexists(word):
        return [word]
    return _split(_content(word[1:], "@", stdin), b"\n")


def _content(name: str, option: str, stdin: BinaryIO | None) -> bytes:
    if name == STREAM:
        return (stdin or sys.stdin.buffer).read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{option}{name}", error.strerror or str(error), "Give a list of files") from None


def _split(data: bytes, end: bytes) -> list[str]:
    names = [
        line.removesuffix(b"\r") if end == b"\n" else line for line in data.removeprefix(b"\xef\xbb\xbf").split(end)
    ]
    return [os.fsdecode(name) for name in names if name.strip()]
