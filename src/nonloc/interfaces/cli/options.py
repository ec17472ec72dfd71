"""Options that several commands share, and how they are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ...errors import UsageError

if TYPE_CHECKING:
    from ...verbs.options import Options

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@Parameter(name="*")
@dataclass(frozen=True)
class Running:
    """How to run; the same for every verb that restores."""

    memory: Annotated[str, Parameter(help="Memory the run may use: 2G, 500M.")] = "2G"
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Parameter(help="Where networks run.")] = "auto"
    precision: Annotated[
        Literal["fp32", "bf16"], Parameter(help="bf16 is twice as fast where the CPU has it, for 0.005 dB.")
    ] = "fp32"
    tile: Annotated[str, Parameter(help="Side of the tiles: auto, whole, or pixels.")] = "auto"
    halo: Annotated[
        Literal["auto", "exact", "fast"],
        Parameter(help="Rim of the tiles: exact, fast (within half an 8-bit level), or auto: exact where it fits."),
    ] = "auto"
    ensemble: Annotated[
        Literal[1, 2, 4, 8], Parameter(help="Average over so many turns and mirrors, so many times slower.")
    ] = 1
    licence: Annotated[
        Literal["any", "open"], Parameter(help="open takes only weights that anyone may use for anything.")
    ] = "any"
    forecast: Annotated[
        bool, Parameter(negative="", help="Tell the PSNR to be expected, where it can be known; five times the work.")
    ] = False
    budget: Annotated[
        float | None,
        Parameter(help="Seconds of one core a megapixel that the method may take where none is named; default: any."),
    ] = None


@Parameter(name="*")
@dataclass(frozen=True)
class Writing:
    """Which files are worked on, what is written, and what is told."""

    output: Annotated[
        str | None,
        Parameter(
            name=["--output", "-o"],
            allow_leading_hyphen=True,
            help="File, folder, '-' for standard output, or a name such as '{dir}/{stem}-{method}-{sigma}{ext}'; "
            "default: beside the input.",
        ),
    ] = None
    recursive: Annotated[
        bool, Parameter(name=["--recursive", "-r"], negative="", help="Sub-folders of folders, too.")
    ] = False
    files0_from: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="Also the files whose names, each ended by NUL, stand in this file; '-': stdin.",
        ),
    ] = None
    jobs: Annotated[
        int | None,
        Parameter(
            name=["--jobs", "-j"],
            help="Pictures worked on at a time, 1 unless given; --memory holds for each. With --cluster the number of "
            "workers: all that fit unless given.",
        ),
    ] = None
    cluster: Annotated[
        str | None,
        Parameter(help="ray: workers of Ray on this machine; ray:HOST:PORT: on a cluster. INPUTS and -o may be URLs."),
    ] = None
    overwrite: Annotated[
        bool, Parameter(negative="", help="Do all anew and replace existing outputs, never an input.")
    ] = False
    resume: Annotated[
        bool, Parameter(negative="--no-resume", help="Leave out what an earlier run of the same command has done.")
    ] = True
    manifest: Annotated[
        Path | None, Parameter(help="What is done; default: nonloc-job.jsonl in the output folder.")
    ] = None
    compare: Annotated[bool, Parameter(negative="", help="Write a picture of before and after beside each output.")] = (
        False
    )
    provenance: Annotated[
        bool, Parameter(negative="--no-provenance", help="Let each output tell how it was made: see 'nonloc verify'.")
    ] = True
    quality: Annotated[int | None, Parameter(help="1-100 for lossy formats; default: as the input.")] = None
    dry_run: Annotated[bool, Parameter(negative="", help="Tell the plan, memory and names; write nothing.")] = False
    report: Annotated[bool, Parameter(negative="", help="Write a JSON report beside each output.")] = False
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object at the end.")] = False
    jsonl: Annotated[bool, Parameter(negative="", help="Print one line of JSON for each file as it ends.")] = False
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative="", help="Print errors only.")] = False


def running(given: Running | None) -> Options:
    """The options of the verbs."""
    from ...verbs.options import Options

    given = given or Running()
    return Options(
        memory=read_size(given.memory),
        device=given.device,
        precision=given.precision,
        tile=read_tile(given.tile),
        halo=given.halo,
        ensemble=given.ensemble,
        licence=None if given.licence == "any" else given.licence,
        forecast=given.forecast,
        budget=given.budget,
    )


def read_size(text: str) -> int:
    """'2G', '500M' or plain bytes as bytes; UsageError otherwise."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", text, re.IGNORECASE)
    if not found:
        raise UsageError(f"--memory {text}", "it is no size", "Write 2G or 500M")
    return int(float(found[1]) * UNITS[found[2].upper()])


def read_tile(text: str) -> int | str | None:
    """'auto', 'whole' (None) or a number of pixels; UsageError otherwise."""
    if text == "auto":
        return text
    if text == "whole":
        return None
    if text.isdigit() and int(text) > 0:
        return int(text)
    raise UsageError(f"--tile {text}", "it is no size", "Write auto, whole, or a number of pixels")


def read_arguments(pairs: list[str] | None) -> dict[str, str]:
    """['size=5'] as {'size': '5'}; UsageError for what is no pair."""
    found = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--set {pair}", "it has no '='", "Write --set size=5")
        found[name.strip()] = value.strip()
    return found
