"""nonloc bench"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ...errors import UsageError

if TYPE_CHECKING:
    from ...benchmark.run import Event

NAME = "bench"


def command(
    *sets: str,
    methods: str | None = None,
    sigma: str | None = None,
    track: str = "matlab4",
    regime: Literal["float", "clip8"] = "float",
    every: int = 1,
    threads: int | None = None,
    results: Path = Path("results"),
    format: Literal["text", "markdown", "latex", "json"] = "text",
    plot: Path | None = None,
    fresh: Annotated[bool, Parameter(negative="")] = False,
    table2: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Measure methods on sets of pictures, as the literature does, and print the published figures beside ours.

    Parameters
    ----------
    sets
        bsd68, set12, cbsd68, kodak24, mcmaster, polyu40; for resolution set5, set14. Default: bsd68.
    methods
        Names with commas between; 'name:argument=value' sets an argument. Default: the default denoiser.
    sigma
        Levels with commas between, 0-255 scale; default: the set's own, 15,25,50. For resolution the factors, 2,3,4.
    track
        How noise is drawn: matlab4, numpy:S, numpy:0..4, numpy-legacy, truncated.
    regime
        float: noise as it is; clip8: the noisy picture is an 8-bit file.
    every
        Each n-th picture only.
    threads
        Threads of torch and numba; default: as they are.
    results
        Folder of the CSV files; rows that stand there are not measured again.
    format
        How tables are printed.
    plot
        Also draw PSNR against time, one SVG a set and level, into this folder.
    fresh
        Measure everything again.
    table2
        Print the article's Table 2 from what --results holds, and measure nothing.
    """
    from ...benchmark import bench, render
    from ...benchmark import plot as draw

    if table2:
        from ...benchmark import Results, render_table2

        if sets or methods:
            raise UsageError("--table2", "sets or methods are named beside it", "Measure first, then ask for the table")
        measured = Results.read(results, ["bsd68"])
        print(render_table2(measured, format), end="")
        if plot is not None:
            for path in draw(Results(measured.only(track="matlab4", regime="float")), plot):
                print(f"plot: {path}", file=sys.stderr)
        return 0
    levels = None if sigma is None else [_number(text) for text in sigma.split(",")]
    names = [name.strip() for name in (methods or "nonloc-s").split(",") if name.strip()]
    found = bench(
        list(sets) or ["bsd68"],
        names,
        levels,
        track,
        regime,
        every=every,
        results=results,
        threads=threads,
        fresh=fresh,
        progress=_tell if sys.stderr.isatty() else None,
    )
    print(render(found, format))
    if plot is not None:
        for path in draw(found, plot):
            print(f"plot: {path}", file=sys.stderr)
    for text in found.refused:
        print(f"nonloc: {text}", file=sys.stderr)
    return 1 if found.refused else 0


def _tell(event: Event) -> None:
    end = "\r\033[K" if event.done == event.total else ""
    print(f"\r\033[K{event.done} of {event.total} pictures", end=end, file=sys.stderr, flush=True)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"--sigma {text}", "it is no number", "Write --sigma 15,25,50") from None
