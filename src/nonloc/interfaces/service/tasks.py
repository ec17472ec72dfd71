"""From what a request asks to what a verb does: the same task as the command line's, so that the bytes are the same."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ...degradation import Blur, parse_fixed
from ...errors import DegradationError, UsageError
from .schema import Asked

if TYPE_CHECKING:
    from ...verbs.options import Options
    from ...verbs.task import Task

# how a result beside its input is called
SUFFIXES = {
    "restore": "restored", "denoise": "denoised", "upscale": "larger", "deblur": "sharpened", "repair": "repaired",
}  # fmt: skip
WIDEST = 256  # pixels; a kernel's array grows with the square, and 256 is far beyond any shake that can be undone
FINEST = 16  # parts of one that a factor may have beside an ensemble
RUNNING = ("ensemble", "precision", "halo", "licence", "forecast", "budget")
SHORT = {"gaussian": "gaussian-blur"}  # as the command line has it
GIVE = "Give auto, motion:15,30, gaussian:1.6 or defocus:3"


def task_of(verb: str, asked: Asked, options: Options) -> Task:
    """The checked task. Raises what the verb would raise for any picture: names, levels, arguments.

    options: what the service was started with, which a request may change in part.
    """
    from ...verbs.task import Task

    given = asked.model_dump(exclude={"format", "quality"})
    known = {one.name for one in fields(options)}
    running = {name: given.pop(name) for name in RUNNING if name in given and name in known}
    if "set" in given:
        given["arguments"] = _arguments(given.pop("set"))
    if given.get("kernel") not in (None, "auto"):
        _check_kernel(given["kernel"])
    if running.get("ensemble") not in (None, "1") and Fraction(str(given.get("factor", 1))).denominator > FINEST:
        found = "turned views are brought to a grid on which it is whole, and that would be far larger than the picture"
        raise UsageError(f"factor {given['factor']:g} with an ensemble", found, "Leave the ensemble out, or give 1.5")
    task = Task(verb, SUFFIXES[verb], given, _changed(options, running), asked.quality)
    task.check()
    return task


def _changed(options: Options, running: dict[str, Any]) -> Options:
    changes = {name: value for name, value in running.items() if value not in (None, False)}
    if "ensemble" in changes:
        changes["ensemble"] = int(changes["ensemble"])
    if changes.get("licence") == "any":
        changes["licence"] = None
    return replace(options, **changes)


def _arguments(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"set={pair}", "it has no '='", "Write set=size=5")
        found[name.strip()] = value.strip()
    return found


def _check_kernel(text: str) -> None:
    """Words and numbers only, as the verb would take anything else for the name of a file; and no giant."""
    name, _, value = text.partition(":")
    if not re.fullmatch(r"[a-z-]+:[0-9.,e+-]+", text):
        raise UsageError(f"kernel {text!r}", "it is no blur in words", GIVE)
    try:
        blur = parse_fixed(f"{SHORT.get(name, name)}:{value}")
    except DegradationError as error:
        raise UsageError(f"kernel {text!r}", error.args[1], GIVE) from error
    if not isinstance(blur, Blur):
        raise UsageError(f"kernel {text!r}", "it is no blur", GIVE)
    size = float(value.partition(",")[0])
    if size > WIDEST:
        raise UsageError(f"kernel {text!r}", f"{size:g} pixels are more than {WIDEST}", GIVE)
