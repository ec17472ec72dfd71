"""Running a verb over what a command line names: one file, a stream, or a job over many."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from ...errors import NonlocError, UsageError
from .options import Writing
from .run_cluster import check_cluster, ended, run_cluster

if TYPE_CHECKING:
    from ...engine import Record
    from ...jobs.inputs import Gathered
    from ...jobs.names import Names
    from ...verbs.files import Outcome
    from ...verbs.options import Options
    from ...verbs.task import Task


def run_files(
    verb: str, suffix: str, settings: dict[str, Any], inputs: list[str], writing: Writing, options: Options
) -> int:
    """Each input through the verb; returns the exit code."""
    from ...image.clip import is_clip
    from ...jobs.folder import look
    from ...jobs.inputs import STREAM
    from ...verbs.task import Task

    _check(verb, inputs, writing)
    task = Task(verb, suffix, settings, options, writing.quality, writing.report, writing.compare, writing.provenance)
    task.check()
    if STREAM in (*inputs, writing.output):
        return _stream(inputs, task, writing)
    if writing.cluster is not None:
        return run_cluster(inputs, task, writing)
    words: Iterable[str] = inputs
    found, names = look(words, task, writing.output, recursive=writing.recursive, files0_from=writing.files0_from)
    if any(is_clip(one.path) for one in found.inputs):
        return _clip(found, names, task, writing)
    if found.single and writing.manifest is None:
        return _single(found, names, task, writing)
    if writing.dry_run:
        return _preview(found, names, task, writing)
    return _job(found, names, task, writing)


def _check(verb: str, inputs: list[str], writing: Writing) -> None:
    """Options that contradict each other."""
    from ...jobs.inputs import STREAM

    asked = f"nonloc {verb}"
    # '-' had to be let through, and with it what is no option
    for word in (*inputs, writing.output or ""):
        if word.startswith("-") and word != STREAM:
            raise UsageError(f"{asked} {word}", "there is no such option", f"See '{asked} --help'; a file is ./{word}")
    if not inputs and writing.files0_from is None:
        raise UsageError(asked, "it needs INPUTS, and none were given", "Name pictures or folders, or '-' for stdin")
    if writing.json and writing.jsonl:
        raise UsageError(asked, "--json and --jsonl exclude each other", "Give one of them")
    check_cluster(asked, inputs, writing)
    if STREAM not in (*inputs, writing.output):
        return
    if STREAM in inputs and (len(inputs) > 1 or writing.files0_from is not None):
        raise UsageError(asked, "'-' is one picture, and cannot stand among others", "Run it alone")
    if writing.output == STREAM and (len(inputs) > 1 or writing.files0_from is not None):
        raise UsageError("-o -", "several pictures cannot go to standard output", "Give a folder with -o")
    if writing.output in (STREAM, None) and (writing.report or writing.compare):
        raise UsageError(asked, "--report and --compare need a file to lie beside", "Name one with -o")
    if writing.dry_run:
        raise UsageError(asked, "--dry-run tells nothing of a stream", "Name a file")


def _stream(inputs: list[str], task: Task, writing: Writing) -> int:
    """Standard input, standard output, or both; whatever is told goes to stderr when the picture goes to stdout."""
    from ...jobs.inputs import STREAM
    from ...jobs.single import run_stream

    out = writing.output in (None, STREAM)
    if out and sys.stdout.isatty():
        raise UsageError("-o -", "a terminal cannot show a picture", "Send it to a file: > restored.png, or -o FILE")
    outcome = run_stream(
        inputs[0],
        task,
        writing.output,
        sys.stdin.buffer,
        sys.stdout.buffer,
        overwrite=writing.overwrite,
        tell=_bar(inputs[0], writing),
    )
    _told(outcome, writing, sys.stderr if out else sys.stdout)
    return 0


def _single(found: Gathered, names: Names, task: Task, writing: Writing) -> int:
    """One file named by itself: no manifest, and its error is the command's."""
    from ...jobs.single import preview, run_one
    from ...jobs.work import Item

    if found.failed:
        return _failed(*found.failed[0], writing)
    source = found.inputs[0]
    try:
        if writing.dry_run:
            outcome, target = preview(Item(0, source, names, source.path.parent, overwrite=writing.overwrite), task)
            _told(outcome, writing, sys.stdout, str(target))
        else:
            tell = _bar(source.path.name, writing)
            _told(run_one(source, task, names, overwrite=writing.overwrite, tell=tell), writing, sys.stdout)
    except NonlocError as error:
        return _failed(str(source.path), error, writing)
    return 0


def _clip(found: Gathered, names: Names, task: Task, writing: Writing) -> int:
    """One clip named by itself; it is resumed by itself, too."""
    from ...jobs.clip import run_clip

    asked = f"nonloc {task.verb} on a clip"
    if not found.single:
        raise UsageError(asked, "clips are restored one at a time", "Name the clip alone")
    if writing.jobs not in (None, 1) or writing.compare or writing.manifest is not None:
        found_ = "--jobs, --compare and --manifest are for pictures"
        raise UsageError(asked, found_, "Leave them out")
    source = found.inputs[0]
    tell = _bar(source.path.name, writing)
    try:
        outcome = run_clip(
            source,
            task,
            names,
            overwrite=writing.overwrite,
            resume=writing.resume,
            dry_run=writing.dry_run,
            tell=tell,
        )
    except NonlocError as error:
        return _failed(str(source.path), error, writing)
    except KeyboardInterrupt:
        print("nonloc: give the same command again to continue", file=sys.stderr)
        raise
    _told(outcome, writing, sys.stdout, "" if outcome.output else str(names.path(source)))
    if writing.report and outcome.output is not None:
        from ...image.atomic import atomic
        from ...jobs.work import beside

        with atomic(beside(outcome.output, "report"), overwrite=True) as stream:
            stream.write(json.dumps(outcome.as_dict(), indent=2).encode())
    return 0


def _failed(name: str, error: NonlocError, writing: Writing) -> int:
    from . import NOTHING_DONE

    if not (writing.json or writing.jsonl):
        raise error
    print(f"nonloc: {error}", file=sys.stderr)
    _print_json({"input": name, "error": str(error)}, writing, sys.stdout)
    return NOTHING_DONE


def _preview(found: Gathered, names: Names, task: Task, writing: Writing) -> int:
    """What a job would do; nothing is written, not even a manifest."""
    from ...jobs.manifest import Manifest
    from ...jobs.prepare import manifest_path, prepare
    from ...jobs.single import preview
    from ...jobs.summary import Summary
    from .telling import about_inputs

    book = Manifest(manifest_path(names, found, writing.manifest), write=False)
    job = prepare(found, task, names, book, resume=writing.resume, overwrite=writing.overwrite, clean=False)
    told: list[dict[str, Any]] = []
    failed = [text for _, text in job.failed]
    for item in job.items:
        try:
            outcome, target = preview(item, task)
        except NonlocError as error:
            failed.append(str(error))
            continue
        told.append({**outcome.as_dict(), "output": str(target)})
        if not writing.json:
            _told(outcome, writing, sys.stdout, str(target))
    if writing.json:
        print(json.dumps({"would_do": told, "done_before": len(job.already), "errors": failed}, indent=2))
    elif not (writing.quiet or writing.jsonl):
        print(f"{len(told)} to do, {len(job.already)} done before, {len(failed)} cannot be done")
    seen = Summary(skipped=found.skipped, results=job.results, subfolders=found.subfolders)
    for line in [*failed, *([] if writing.quiet else about_inputs(seen))]:
        print(f"nonloc: {line}", file=sys.stderr)
    return 0 if not failed else 1 if told or job.already else 3


def _job(found: Gathered, names: Names, task: Task, writing: Writing) -> int:
    from ...jobs.folder import carry_out
    from .telling import Teller

    teller = Teller(quiet=writing.quiet, jsonl=writing.jsonl, json=writing.json)
    summary = carry_out(
        found,
        names,
        task,
        jobs=1 if writing.jobs is None else writing.jobs,
        resume=writing.resume,
        overwrite=writing.overwrite,
        manifest=writing.manifest,
        listener=teller,
    )
    return ended(summary, teller, names)


def _bar(name: str, writing: Writing):
    """A progress line on a terminal; nothing where stderr is no terminal."""
    from .telling import tile_bar

    return None if writing.quiet or writing.json or writing.jsonl else tile_bar(name)


def _told(outcome: Outcome, writing: Writing, stream: TextIO, target: str = "") -> None:
    if writing.json or writing.jsonl:
        _print_json(outcome.as_dict(), writing, stream)
    elif not writing.quiet:
        print(_in_words(outcome, target), file=stream)


def _print_json(told: dict[str, Any], writing: Writing, stream: TextIO) -> None:
    print(json.dumps(told, indent=2 if writing.json else None), file=stream)


def _in_words(outcome: Outcome, target: str) -> str:
    record = outcome.record
    lines = [str(outcome.input), *(f"  {line}" for line in str(record).splitlines())]
    if len(outcome.pages) > 1:
        changed = sum(page.changed for page in outcome.pages)
        lines.append(f"  {len(outcome.pages)} pages, {changed} of them restored; told above: the first of these")
    if outcome.output is None:
        peak = f"would need {needs(record)} and " if record.changed else ""
        lines.append(f"  {peak}would be written to {target}")
    elif str(outcome.output) != "-":
        lines.append(f"  written to {outcome.output}")
    return "\n".join(lines)


def needs(record: Record) -> str:
    """Memory and, where the card has a figure, time."""
    memory = f"{record.peak / 2**20:.0f} MiB"
    seconds = record.expected_cpu_seconds
    return memory if seconds is None else f"{memory}, about {max(seconds, 0.1):.2g} CPU seconds,"
