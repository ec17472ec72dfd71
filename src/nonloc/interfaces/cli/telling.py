"""What a run tells while it goes on, and at its end.

A terminal gets one line that is drawn anew, with the time left, and above it one line a file. Anything else gets a line
for each tenth of the work.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from ...jobs.names import Names
from ...jobs.summary import FAILED, FileOutcome, Listener, Summary
from ...jobs.work import Item

CLEAR = "\r\033[K"
SHOWN = 5  # names in a list of files that were left out
WORKERS = 16  # lines about single workers


class Teller(Listener):
    """Tells of a job. Progress is weighed by the size of the files, since large ones take longer."""

    def __init__(self, *, quiet: bool = False, jsonl: bool = False, json: bool = False):
        self.quiet, self.jsonl = quiet or json or jsonl, jsonl
        self.only_json = json
        self.terminal = sys.stderr.isatty()
        self.lines = sys.stdout.isatty() and not self.quiet
        self.weights: dict[int, int] = {}
        self.within: dict[int, float] = {}
        self.finished = 0
        self.failed = 0
        self.tenth = 0
        self.start = time.monotonic()

    def begins(self, items: list[Item], already: int, failed: int) -> None:
        self.weights = {item.number: item.size for item in items}
        self.start = time.monotonic()
        if already and items and not self.quiet:
            print(f"nonloc: {already} done before, {len(items)} to do", file=sys.stderr)

    def works(self, number: int, done: float) -> None:
        self.within[number] = done
        self._draw()

    def ends(self, number: int | None, file: FileOutcome) -> None:
        if number is not None:
            self.within[number] = 1.0
            self.finished += 1
        self.failed += file.status == FAILED
        if self.jsonl:
            print(json.dumps(file.as_dict()), flush=True)
        elif self.lines and number is not None and file.error is None:
            self._clear()
            print(in_one_line(file), flush=True)
        self._draw()

    def _draw(self) -> None:
        total = sum(self.weights.values())
        if self.quiet or not total:
            return
        done = sum(self.weights[number] * part for number, part in self.within.items()) / total
        text = f"{done:4.0%}  {self.finished} of {len(self.weights)}{self._failures()}{self._left(done)}"
        if self.terminal:
            print(CLEAR + text, end="", file=sys.stderr, flush=True)
        elif self.finished < len(self.weights) and int(done * 10) > self.tenth:
            self.tenth = int(done * 10)
            print(f"nonloc: {text.strip()}", file=sys.stderr, flush=True)

    def _failures(self) -> str:
        return f", {self.failed} failed" if self.failed else ""

    def _left(self, done: float) -> str:
        seconds = time.monotonic() - self.start
        return f", {duration(seconds / done * (1 - done))} left" if 0 < done < 1 and seconds > 1 else ""

    def _clear(self) -> None:
        if self.terminal and not self.quiet:
            print(CLEAR, end="", file=sys.stderr, flush=True)

    def summary(self, summary: Summary, names: Names | None) -> None:
        """The end: failures first, then what was left out, then the count."""
        self._clear()
        if self.only_json:
            print(json.dumps(summary.as_dict(), indent=2))
        if self.jsonl:
            told = {key: value for key, value in summary.as_dict().items() if key != "files"}
            print(json.dumps({"summary": told}), flush=True)
        for file in summary.files:
            if file.error:
                print(f"nonloc: {file.error}", file=sys.stderr)
        if summary.stopped:
            print(f"nonloc: {summary.stopped}", file=sys.stderr)
        if not self.quiet:
            for line in about_inputs(summary):
                print(f"nonloc: {line}", file=sys.stderr)
            print(in_words(summary, names))
            for line in about_rate(summary):
                print(line)
        if summary.interrupted:
            print("nonloc: interrupted; give the same command again to continue", file=sys.stderr)


def in_words(summary: Summary, names: Names | None) -> str:
    """The count, in one sentence."""
    parts = [f"{summary.count('done')} done"]
    for count, what in (
        (summary.count("done before"), "done before"),
        (summary.count(FAILED), "failed"),
        (summary.unfinished, "not done"),
    ):
        if count:
            parts.append(f"{count} {what}")
    if len(parts) == 1 and not summary.files:
        return "nothing to do: no picture was found"
    folder = summary.folder or (names.folder if names is not None else None)
    where = f"; written to {folder}" if folder is not None and summary.count("done") else ""
    return f"{', '.join(parts)} in {duration(summary.seconds)}{where}"


def about_rate(summary: Summary) -> list[str]:
    """How fast a cluster was, and each worker of it."""
    if not summary.shares:
        return []
    pictures, megapixels = summary.rate
    many = "1 worker" if summary.workers == 1 else f"{summary.workers} workers"
    told = [
        f"{many}, {duration(summary.starting)} until they began; then {pictures:.3g} pictures/s, {megapixels:.3g} MP/s"
    ]
    for name, one in sorted(summary.shares.items())[:WORKERS]:
        rate = one.pixels / 1e6 / max(one.seconds, 1e-9)
        told.append(f"  {name}: {_files(one.files)}, {rate:.3g} MP/s while at work")
    if len(summary.shares) > WORKERS:
        told.append(f"  and {len(summary.shares) - WORKERS} more; --json tells all")
    return told


def about_inputs(summary: Summary) -> list[str]:
    """What was not taken as an input, and why."""
    told = []
    if summary.skipped:
        some = ", ".join(path.name for path in summary.skipped[:SHOWN])
        more = f" and {len(summary.skipped) - SHOWN} more" if len(summary.skipped) > SHOWN else ""
        told.append(f"{_files(len(summary.skipped))} left out, no picture that is known here: {some}{more}")
    if summary.results:
        told.append(f"{_files(summary.results)} left out, results of an earlier run")
    if summary.subfolders:
        what = "1 sub-folder" if summary.subfolders == 1 else f"{summary.subfolders} sub-folders"
        told.append(f"{what} left out; -r takes them, too")
    return told


def in_one_line(file: FileOutcome) -> str:
    """One file that was done: what was done to it, and where it is."""
    if not file.record.get("changed"):
        return f"{file.input} -> {file.output}  left as it is"
    notes = [*file.record.get("warnings", ()), *file.record.get("fallbacks", ())]
    note = f"  ({'; '.join(notes)})" if notes else ""
    told = f"{file.record['method']} for {file.record['degradation']}"
    pages = file.record.get("pages", ())
    if pages:
        told = f"{sum(page['changed'] for page in pages)} of {len(pages)} pages, the first of them {told}"
    return f"{file.input} -> {file.output}  {told}, {file.seconds:.1f} s{note}"


def tile_bar(name: str) -> Callable[[float], None] | None:
    """A progress line for one file; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        return None
    start = time.monotonic()

    def tell(done: float) -> None:
        seconds = time.monotonic() - start
        left = f", {duration(seconds / done * (1 - done))} left" if done > 0 and seconds > 1 else ""
        end = CLEAR if done >= 1 else ""
        print(f"{CLEAR}{name}: {done:.0%}{left}{end}", end="", file=sys.stderr, flush=True)

    return tell


def duration(seconds: float) -> str:
    """'8 s', '3 min 20 s', '2 h 5 min'."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
