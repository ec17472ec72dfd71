"""The command line: `nonloc VERB ...`. One file a verb; this one only collects them and turns errors into exit codes.

Exit codes: 0 all done; 1 some files failed; 2 wrong use; 3 nothing could be done; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

OK, SOME_FAILED, WRONG_USE, NOTHING_DONE, INTERRUPTED = 0, 1, 2, 3, 130


def main(tokens: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. `tokens` None takes those of the process."""
    # Threads that wait for each other without sleeping take ten times as long where another program has a core. Read
    # by OpenMP when torch is loaded, so it must stand before.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    tokens = list(sys.argv[1:] if tokens is None else tokens)
    debug = "--debug" in tokens
    tokens = [token for token in tokens if token != "--debug"]
    try:
        return _run(tokens)
    except KeyboardInterrupt:
        print("interrupted; nothing half-written is left", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        if debug:
            raise
        return _tell(error)


def _run(tokens: list[str]) -> int:
    from cyclopts import CycloptsError

    from .app import build

    app = build()
    try:
        result = app(tokens or ["--help"], exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        print(f"nonloc: {' '.join(str(error).split())} See 'nonloc --help'.", file=sys.stderr)
        return WRONG_USE
    return result if isinstance(result, int) else OK


def _tell(error: Exception) -> int:
    from ...errors import Cancelled, NonlocError, RecipeError, SigmaUnitError, UnknownMethod, UsageError

    if not isinstance(error, NonlocError):
        print(
            f"nonloc: {type(error).__name__}: {error} (run again with --debug for the traceback)",
            file=sys.stderr,
        )
        return NOTHING_DONE
    print(f"nonloc: {error}", file=sys.stderr)
    if isinstance(error, Cancelled):
        return INTERRUPTED
    wrong = (UsageError, UnknownMethod, SigmaUnitError, RecipeError)
    return WRONG_USE if isinstance(error, wrong) else NOTHING_DONE
