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
class Summary:
    """What became of a job. stopped: why it ended early, if it did; interrupted: because the user wanted it."""

    files: list[FileOutcome] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    results: int = 0
    subfolders: int = 0
    unfinished: int = 0
    seconds: float = 0.0
    manifest: Path | None = None
    stopped: str | None = None
    interrupted: bool = False

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
