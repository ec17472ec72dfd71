"""What a job has done, line by line, so that it can be killed at any instant and continued.

One JSON object a line, only ever appended, each flushed to disk before the output that it tells of becomes visible. A
torn line, as a power cut leaves it, is passed over; what it would have told is done again.

    {"job": ID, "task": {...}}                                       what is done, once for each way of doing it
    {"done": INPUT, "job": ID, "size", "stamp", "sha256", "fields", "outputs": [...], "seconds", "record"}
    {"failed": INPUT, "job": ID, "error"}
    {"claims": [OUTPUT, ...], "job": ID}                             of a job over URLs, see remote_job.py

Paths are relative to the manifest's folder, so that an archive may be moved as a whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UsageError

NAME = "nonloc-job.jsonl"
FORMAT = 1
Stamp = tuple[int, int, int]  # size, times of change of content and of the file's entry: equal means untouched


@dataclass(frozen=True)
class Output:
    """A file that was written. kind: 'picture', 'report' or 'compare'."""

    path: str
    size: int
    sha256: str
    kind: str = "picture"


@dataclass(frozen=True)
class Entry:
    """One file that was done. Paths are as in the manifest; stamp and sha256 are the input's."""

    input: str
    job: str
    stamp: Stamp
    sha256: str
    fields: Mapping[str, str]
    outputs: tuple[Output, ...]
    seconds: float
    record: Mapping[str, Any] = field(default_factory=dict)


class Manifest:
    """An open manifest; `entries` by input, oldest first, and `tasks` by their fingerprint.

    The file is made with its first line. Only one process may have it open for writing; a second one is a UsageError.
    """

    def __init__(self, path: str | os.PathLike, *, write: bool = True):
        self.write = write
        self.path = Path(path)
        self.entries: dict[str, list[Entry]] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.torn = 0
        self.written: dict[str, dict[str, Entry]] = {}  # by output, then by checksum: what made it
        self.claimed: dict[str, str] = {}  # by output: the job that may have written it, see remote_job.py
        self._file: int | None = None
        self._base = os.path.realpath(self.path.parent)
        if write and self.path.exists():
            self._open()
        self._read()

    def _open(self) -> None:
        new = not self.path.exists()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
        except OSError as error:
            reason = error.strerror or str(error)
            raise UsageError(f"the manifest {self.path}", reason, "Name another place with --manifest") from None
        if not lock_file(self._file):
            self.close()
            found = "another run is writing to it"
            raise UsageError(f"the manifest {self.path}", found, "Wait for that run, or name another output folder")
        if new:
            sync_folder(self.path.parent)

    def _read(self) -> None:
        try:
            if not stat.S_ISREG(os.stat(self.path).st_mode):  # /dev/null: no manifest is wanted
                return
            data = self.path.read_bytes()
        except FileNotFoundError:
            return
        for line in data.split(b"\n"):
            if line.strip() and not self._take(line):
                self.torn += 1
        if data and not data.endswith(b"\n") and self._file is not None:
            self._append(b"\n")

    def _take(self, line: bytes) -> bool:
        """One line; False when it makes no sense."""
        try:
            told = json.loads(line)
            if "task" in told:
                self.tasks[told["job"]] = told["task"]
            elif "claims" in told:
                self.claimed.update(dict.fromkeys(told["claims"], told["job"]))
            elif "done" in told:
                outputs = tuple(Output(**output) for output in told["outputs"])
                size, changed, entered = told["stamp"]
                self._know(
                    Entry(
                        told["done"], told["job"], (size, changed, entered), told["sha256"], told["fields"],
                        outputs, told["seconds"], told["record"],
                    )
                )  # fmt: skip
            return True
        except (ValueError, KeyError, TypeError, AttributeError):
            return False

    def _know(self, entry: Entry) -> None:
        self.entries.setdefault(entry.input, []).append(entry)
        for output in entry.outputs:
            self.written.setdefault(output.path, {})[output.sha256] = entry

    def task(self, job: str, described: Mapping[str, Any]) -> None:
        """Tell once what the fingerprint `job` stands for."""
        if job not in self.tasks:
            self.tasks[job] = dict(described)
            self.line({"format": FORMAT, "job": job, "task": described})

    def done(self, entry: Entry) -> None:
        """Append a file that was done; on disk when this returns."""
        self.line(
            {
                "done": entry.input,
                "job": entry.job,
                "stamp": entry.stamp,
                "sha256": entry.sha256,
                "fields": entry.fields,
                "outputs": [vars(output) for output in entry.outputs],
                "seconds": round(entry.seconds, 3),
                "record": entry.record,
            }
        )
        self._know(entry)

    def failed(self, source: str, job: str, error: str) -> None:
        """Append a file that could not be done; it is tried again next time."""
        self.line({"failed": source, "job": job, "error": error})

    def line(self, told: Mapping[str, Any]) -> None:
        """Append what is told; on disk when this returns."""
        self._append(json.dumps(told, separators=(",", ":"), default=str).encode() + b"\n")

    def _append(self, data: bytes) -> None:
        if self._file is None:
            assert self.write, "the manifest was opened for reading"
            self._open()
        assert self._file is not None
        while data:
            data = data[os.write(self._file, data) :]
        if _regular(self._file):  # devices cannot be synchronised
            os.fsync(self._file)

    def close(self) -> None:
        """Let others write to it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def name(self, path: Path) -> str:
        """A path as the manifest writes it."""
        real = os.path.join(os.path.realpath(path.parent), path.name)
        try:
            return Path(os.path.relpath(real, self._base)).as_posix()
        except ValueError:  # another drive
            return real

    def place(self, name: str) -> Path:
        """Where a path that stands in the manifest lies."""
        return Path(os.path.normpath(os.path.join(self._base, name)))

    def results(self) -> Iterator[Path]:
        """All files that jobs with this manifest have written."""
        return (self.place(name) for name in self.written)


def stamp(path: Path) -> Stamp:
    """Size and times of a file."""
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk, where the system can."""
    with contextlib.suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _regular(file: int) -> bool:
    return stat.S_ISREG(os.fstat(file).st_mode)


def lock_file(file: int) -> bool:
    """False when another process holds the file. Where locks do not work, nobody is kept out."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True
