"""Independent pieces of work on several threads, with results that do not depend on how many threads there are.

numba's own parallel loops end the process when two Python threads enter them at once (its workqueue layer) or after a
fork (GNU OpenMP). Compiled functions that release the lock, called from plain threads, have neither trouble.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numba

Piece = TypeVar("Piece")
Result = TypeVar("Result")


_inside = threading.local()


def each(work: Callable[[Piece], Result], pieces: Iterable[Piece]) -> list[Result]:
    """`work` of every piece, in the order of the pieces, on as many threads as numba is allowed.

    `work` must leave what other pieces read alone, and should spend its time in functions compiled with nogil. Called
    inside another `each`, it keeps to its thread.
    """
    pieces = list(pieces)
    threads = 1 if getattr(_inside, "pool", False) else min(numba.get_num_threads(), len(pieces))
    if threads < 2:
        return [work(piece) for piece in pieces]
    with ThreadPoolExecutor(threads, initializer=setattr, initargs=(_inside, "pool", True)) as pool:
        return list(pool.map(work, pieces))
