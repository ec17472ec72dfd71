"""How much memory a run will take, told before it starts, and the tile that keeps it below a bound."""

from __future__ import annotations

import ctypes
import math
import sys

from ..errors import MemoryLimit
from ..image.image import Image
from ..image.layout import is_mapped
from ..methods.base import Method
from .canvas import enlargement
from .plan import Plan
from .tiles import round_up

# Resident memory of a process that has read a picture and loaded what it needs, before it restores: measured on Linux
# with torch 2.13 and numba 0.68.
INTERPRETER = {"array": 150 << 20, "network": 280 << 20}
HALF = 0.55  # of the working memory of a network in bf16, beside fp32
# Likewise in small tiles: their blocks come from the heap, where many sizes leave gaps; larger ones are mapped singly.
PIECES, PIECES_BELOW = 1.35, 700_000  # pixels
# Tiles are planned for this part of the bound: other processors and C libraries were seen to take 8 % more than told.
PLANNED = 0.9
SMALLEST = 64  # no tile is smaller: below it the halo is nearly all of the work


def predict(method: Method, image: Image, plan: Plan, side: int | None, halo: int) -> int:
    """Predicted peak of the process in bytes: interpreter, picture in and out, and the working set of one batch."""
    height, width = image.height, image.width
    if side is not None:
        height, width = min(height, side + 2 * halo), min(width, side + 2 * halo)
    factor = 1.0
    if method.kind == "network":
        small = side is not None and height * width < PIECES_BELOW
        factor = (HALF if plan.precision == "bf16" else 1) * (PIECES if small else 1)
    # samples that come out for one that goes in; the card of a method that enlarges counts those
    larger = float(enlargement(method.card, plan.degradation)) ** 2
    # in and out as float32 beside what the method itself needs
    floats = 4 * image.channels * (1 + larger) * (2 if plan.ensemble > 1 else 1)
    slices = image.channels if method.card.volume else 1
    per_pixel = method.card.bytes_per_pixel * slices * factor * larger + floats
    copies = (not is_mapped(image.samples)) + larger  # the pages of a mapped file are given back as we go
    stored = copies * image.samples.nbytes + (image.alpha.nbytes * larger if image.alpha is not None else 0)
    return int(INTERPRETER[method.kind] + stored + height * width * per_pixel * plan.batch)


def choose_tile(method: Method, image: Image, plan: Plan, halo: int, grid: int) -> int | None:
    """The side of the largest tile that keeps the peak well below `plan.memory`; None for the whole picture.

    A function of method, size and plan alone, never of the memory that happens to be free.
    Raises MemoryLimit, with the figure needed, when not even the smallest tile fits.
    """

    def peak(side: int | None) -> int:
        return predict(method, image, plan, side, halo)

    bound = PLANNED * plan.memory
    if peak(None) <= bound:
        return None
    if not method.card.tiles and peak(None) <= plan.memory:
        return None
    needed = peak(round_up(SMALLEST, grid) if method.card.tiles else None)
    if needed > plan.memory:
        faster = method.card.tiles and method.card.halo_8bit is not None and method.card.halo_8bit < halo
        why = f" ({method.card.name} must see the whole picture: {method.card.tiles_why})"
        raise MemoryLimit(
            f"{image.width} x {image.height} pixels in {plan.memory / 2**20:.0f} MiB",
            f"{needed / 2**20:.0f} MiB are needed{why if not method.card.tiles else ''}",
            f"Give --memory {math.ceil(needed / 2**20)}M, {'--halo fast, ' if faster else ''}or a smaller picture",
        )
    fits, too_large = round_up(SMALLEST, grid), round_up(max(image.height, image.width), grid)
    while too_large - fits > grid:
        middle = (fits + too_large) // 2 // grid * grid
        fits, too_large = (middle, too_large) if peak(middle) <= bound else (fits, middle)
    # equal tiles rather than large ones and a sliver
    longest = max(image.height, image.width)
    return min(fits, round_up(math.ceil(longest / math.ceil(longest / fits)), grid))


def give_back() -> None:
    """Hand freed memory back to the system, so that the gaps that one tile leaves do not add up over all of them."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; other C libraries do it by themselves
        if trim is not None:
            trim(0)
