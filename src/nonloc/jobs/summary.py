"""What became of a job, and who is told while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .work import Item

DONE, ALREADY, FAILED = "done", "done before", "failed"


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file. status: 'done', 'done before' or 'failed'. words: the record in words."""

    status: str
    input: str
    output: str | None = None
    seconds: float = 0.0
    error: str | None = None
    words: str = ""
    record: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        told = {"status": self.status, "input": self.input, "output": self.output, "seconds": round(self.seconds, 3)}
        return {**told, "error": self.error} if self.error else {**self.record, **told}


@dataclass
class Share:
    """What one worker has done: files without an error, their pixels, and the seconds that it worked."""

    files: int = 0
    pixels: int = 0
    seconds: float = 0.0


@dataclass
class Summary:
    """What became of a job. stopped: why it ended early, if it did; interrupted: because the user wanted it.

    Of a job on a cluster also: workers, how many there were; starting, the seconds until they began, and working, those
    from then to the last result; shares, what each process did (one that was replaced has a share, too); folder: where
    the outputs are, when that is a URL.
    """

    files: list[FileOutcome] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    results: int = 0
    subfolders: int = 0
    unfinished: int = 0
    seconds: float = 0.0
    manifest: Path | None = None
    stopped: str | None = None
    interrupted: bool = False
    workers: int = 0
    starting: float = 0.0
    working: float = 0.0
    shares: dict[str, Share] = field(default_factory=dict)
    folder: str | None = None

    def count(self, status: str) -> int:
        """How many files have that status."""
        return sum(file.status == status for file in self.files)

    @property
    def code(self) -> int:
        """The exit code: 0 all done, 1 some failed, 3 nothing could be done, 130 interrupted."""
        if self.interrupted:
            return 130
        if not (self.stopped or self.count(FAILED)):
            return 0
        return 1 if self.count(DONE) or self.count(ALREADY) else 3

    @property
    def rate(self) -> tuple[float, float]:
        """Pictures and megapixels a second while the workers were at work; zero where nothing was done."""
        seconds = max(self.working, 1e-9)
        files = sum(share.files for share in self.shares.values())
        return files / seconds, sum(share.pixels for share in self.shares.values()) / 1e6 / seconds

    def throughput(self) -> dict[str, Any]:
        """How fast a cluster was, for JSON; empty for a job of one machine."""
        if not self.shares:
            return {}
        pictures, megapixels = self.rate
        shares = [
            {
                "worker": name,
                "files": one.files,
                "megapixels": round(one.pixels / 1e6, 3),
                "seconds": round(one.seconds, 3),
            }
            for name, one in sorted(self.shares.items())
        ]
        return {
            "workers": self.workers,
            "starting_seconds": round(self.starting, 3),
            "working_seconds": round(self.working, 3),
            "pictures_per_second": round(pictures, 4),
            "megapixels_per_second": round(megapixels, 4),
            "shares": shares,
        }

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "done": self.count(DONE),
            "done_before": self.count(ALREADY),
            "failed": self.count(FAILED),
            "unfinished": self.unfinished,
            "no_pictures": [str(path) for path in self.skipped],
            "results_left_out": self.results,
            "seconds": round(self.seconds, 3),
            **self.throughput(),
            "stopped": self.stopped,
            "interrupted": self.interrupted,
            "exit_code": self.code,
            "manifest": str(self.manifest) if self.manifest else None,
            "files": [file.as_dict() for file in self.files],
        }


class Listener:
    """What may be told while a job runs; each does nothing, so that one overrides what one wants."""

    def begins(self, items: list[Item], already: int, failed: int) -> None:
        """The work is known: `items` are to be done."""

    def works(self, number: int, done: float) -> None:
        """The file with that number is done to that fraction."""

    def ends(self, number: int | None, file: FileOutcome) -> None:
        """A file has ended; number is None for those on which no work was done."""
