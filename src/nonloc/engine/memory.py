"""How much memory a run will take, told before it starts, and the tile that keeps it below a bound."""

from __future__ import annotations

import math

from ..errors import MemoryLimit
from ..image.image import Image
from ..methods.base import Method
from .tiles import round_up

# Resident memory of a process before it has touched a picture, measured on Linux with torch 2.13 and numba 0.68.
INTERPRETER = {"array": 150 << 20, "network": 330 << 20}
SMALLEST = 64  # no tile is smaller: below it the halo is nearly all of the work


def predict(
    method: Method, image: Image, side: int | None, halo: int, ensemble: int = 1, batch: int = 1
) -> int:
    """Predicted peak of the process in bytes: interpreter, picture in and out, and the working set of one batch."""
    height, width = image.height, image.width
    if side is not None:
        height, width = min(height, side + 2 * halo), min(width, side + 2 * halo)
    channels = max(image.channels, 1)
    # in and out as float32 beside what the method itself needs
    working = (
        height * width * (method.card.bytes_per_pixel + 8 * channels * (2 if ensemble > 1 else 1)) * batch
    )
    stored = 2 * image.samples.nbytes + (image.alpha.nbytes if image.alpha is not None else 0)
    return int(INTERPRETER[method.kind] + stored + working)


def choose_tile(
    method: Method, image: Image, halo: int, memory: int, ensemble: int = 1, batch: int = 1
) -> int | None:
    """The side of the largest tile that keeps the peak below `memory`; None for the whole picture.

    A function of method, size and `memory` alone, never of the memory that happens to be free.
    Raises MemoryLimit, with the figure needed, when not even the smallest tile fits.
    """
    if predict(method, image, None, 0, ensemble, batch) <= memory:
        return None
    grid = method.card.grid
    fixed = predict(method, image, 0, 0, ensemble, batch)
    per_pixel = (
        (predict(method, image, 256, 0, ensemble, batch) - fixed)
        / min(image.height, 256)
        / min(image.width, 256)
    )
    needed = predict(method, image, round_up(SMALLEST, grid), halo, ensemble, batch)
    if not method.card.tiles:
        needed = predict(method, image, None, 0, ensemble, batch)
    if needed > memory:
        why = (
            f" ({method.card.name} must see the whole picture: {method.card.tiles_why})"
            if not method.card.tiles
            else ""
        )
        raise MemoryLimit(
            f"{image.width} x {image.height} pixels in {memory / 2**20:.0f} MiB",
            f"{needed / 2**20:.0f} MiB are needed{why}",
            f"Give --memory {math.ceil(needed / 2**20)}M, or a smaller picture",
        )
    side = int(math.sqrt((memory - fixed) / per_pixel)) - 2 * halo
    side = max(side // grid * grid, round_up(SMALLEST, grid))
    # equal tiles rather than large ones and a sliver
    pieces = math.ceil(max(image.height, image.width) / side)
    return min(side, round_up(math.ceil(max(image.height, image.width) / pieces), grid))
