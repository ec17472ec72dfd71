"""One clip in, one clip out, in runs of frames, each finished by itself: it can be stopped anywhere and continued.

The runs wait in a hidden folder beside the output, `.NAME.nonloc`; when all are there they are joined with the sound,
and the whole appears under its name. What a killed run has finished is used again if the input and the task are the
same, and the output is the same bytes as without the kill.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain, islice
from pathlib import Path

from ..engine import Plan, prepare
from ..errors import ImageError, UsageError
from ..image.atomic import atomic
from ..image.clip import Clip, Frame, frames, look
from ..image.clip_write import Encoding, choose_encoding, join, write_run
from ..image.image import Image
from ..verbs.clip import SEEN, plan_clip, reach, restore_planes
from ..verbs.files import Outcome
from ..verbs.task import Task, fingerprint
from .inputs import Input
from .interrupts import Interrupts
from .manifest import lock_file, stamp
from .names import Names, fields_of
from .staging import publish

VERBS = ("denoise", "restore")
RUN = 25  # frames that are finished together: what a kill can cost, and how far apart key frames are
Tell = Callable[[float], None]


def run_clip(
    source: Input,
    task: Task,
    names: Names,
    *,
    overwrite: bool = False,
    resume: bool = True,
    dry_run: bool = False,
    tell: Tell | None = None,
) -> Outcome:
    """Restore a clip: its size, times, bit depth and sound stay; errors are raised.

    dry_run: only the plan. resume: use what a killed run of the same left behind.
    Raises ImageError, UsageError and what the engine raises.
    """
    if task.verb not in VERBS:
        raise UsageError(f"nonloc {task.verb} on a clip", "clips are denoised only", "Use 'nonloc restore'")
    start = time.perf_counter()
    clip = look(source.path)
    first = [frame.planes for frame in islice(frames(clip), SEEN)]
    level = str(task.settings.get("sigma", "auto"))
    given = level not in ("auto", "None") and ":" not in level
    chosen = task.settings.get("method") is not None
    plans, record = plan_clip(first, task.planner, clip.shares, given=given, chosen=chosen)
    plan = next((plan for plan in plans if plan is not None), None)
    target = names.path(source, fields_of(plan, record))
    _free(source.path, target, overwrite, dry_run)
    encoding = choose_encoding(clip, target, task.quality)
    if plan is not None:
        record = prepare(plan, first[0][0])[1]
        record.expected_cpu_seconds = None  # the card's figure is of one picture
    del first
    if dry_run:
        return Outcome(source.path, None, record)
    with Interrupts() as interrupts:
        if plan is None and task.quality is None and target.suffix.lower() == source.path.suffix.lower():
            _copy(source.path, target, overwrite)
            return Outcome(source.path, target, record)
        with _hidden(target) as folder:
            told = {"input": [str(source.path.resolve()), stamp(source.path)], "run": RUN, "plans": _planned(plans)}
            _same_job(folder, {**task.describe(), **told, "encoding": asdict(encoding)}, resume)
            runs = _runs(clip, plans, encoding, folder, tell)
            joined = folder / f"joined{target.suffix}"
            count = sum(json.loads(_head(path))["frames"] for path in runs)
            record.warnings += _short(clip, runs)
            record.fallbacks += [*join(clip, encoding, runs, joined), _in_words(count, encoding)]
            with open(joined, "rb+") as file:
                os.fsync(file.fileno())
            with interrupts.held():
                publish(joined, target, replace=overwrite)
    record.seconds = time.perf_counter() - start
    return Outcome(source.path, target, record)


def _runs(clip: Clip, plans: Sequence[Plan | None], encoding: Encoding, folder: Path, tell: Tell | None) -> list[Path]:
    """Finish the runs that are missing; all of them, in order."""
    done: list[Path] = []
    while (path := _name(folder, len(done))).exists():
        done.append(path)
    if done and json.loads(_head(done[-1]))["frames"] < RUN:
        return done  # the last one was there already
    start = RUN * len(done)
    before = min(start, max(map(reach, plans)))
    todo = max(1, clip.frames - start) if clip.frames else None
    finished = 0
    when: list[tuple[int, int]] = []  # of the frames that are not restored yet

    def pictures() -> Iterator[tuple[Image, ...]]:
        for number, frame in enumerate(frames(clip, start - before)):
            if number >= before:
                when.append((frame.pts, frame.duration))
            yield frame.planes

    def restored() -> Iterator[Frame]:
        nonlocal finished
        for planes in restore_planes(pictures(), plans, before):
            yield Frame(planes, *when.pop(0))
            finished += 1
            if tell is not None and todo:
                tell(min(1.0, finished / todo))

    going = restored()
    while (head := next(going, None)) is not None:
        path = _name(folder, len(done))
        write_run(chain([head], islice(going, RUN - 1)), clip, encoding, path)
        done.append(path)
    if tell is not None:
        tell(1.0)
    return done


def _short(clip: Clip, runs: Sequence[Path]) -> list[str]:
    """A warning where frames end long before the file says: decoders pass over what is damaged."""
    pts, duration, *_ = json.loads(_head(runs[-1]))["packets"][-1]
    end = float((pts + duration) * clip.time_base)
    if clip.lasts is None or end > 0.98 * clip.lasts - 3 / clip.rate:
        return []
    return [f"the frames end at {end:.1f} s, the file says {clip.lasts:.1f} s: the rest is missing or damaged"]


def _in_words(count: int, encoding: Encoding) -> str:
    return f"{count} frames, encoded as {encoding.codec} ({encoding.pix_fmt}); sound and times as they were"


def _planned(plans: Sequence[Plan | None]) -> list[list[str]]:
    """What decides the frames; a plan itself may hold a method that has no text of its own."""
    return [
        [] if plan is None else [*fields_of(plan, None).values(), str(plan.degradation), plan.reason] for plan in plans
    ]


def _name(folder: Path, number: int) -> Path:
    return folder / f"{number:06}.run"


def _head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.readline()


@contextmanager
def _hidden(target: Path) -> Iterator[Path]:
    """The hidden folder of `target`, this process alone in it; it is removed when all went well, kept otherwise."""
    folder = target.with_name(f".{target.name}.nonloc")
    try:
        folder.mkdir(exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageError(f"writing {target}", reason, "Check the folder's rights and space") from error
    try:
        if not lock_file(lock):
            raise UsageError(f"writing {target}", "another run is at it", "Wait for that run, or name another output")
        yield folder
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _same_job(folder: Path, described: dict, resume: bool) -> None:
    """Throw away what another job, or another version of the input, left in the folder."""
    job = fingerprint(json.loads(json.dumps(described, default=str)))
    book = folder / "job"
    if not (resume and book.exists() and book.read_text() == job):
        for path in folder.iterdir():
            if path.name != "lock":
                path.unlink(missing_ok=True)
        with atomic(book) as stream:
            stream.write(job.encode())


def _free(source: Path, target: Path, overwrite: bool, dry_run: bool) -> None:
    if target.exists() and target.samefile(source):
        raise UsageError(f"writing {target}", "it is the input itself", "Give another name with -o")
    if target.exists() and not overwrite and not dry_run:
        raise UsageError(f"writing {target}", "it exists", "Give --overwrite, or another name with -o")
    if not target.parent.is_dir():
        raise ImageError(f"writing {target}", f"there is no folder {target.parent}", "Make the folder first")


def _copy(source: Path, target: Path, overwrite: bool) -> None:
    with open(source, "rb") as old, atomic(target, overwrite=overwrite) as new:
        shutil.copyfileobj(old, new)
