"""How long a run will take, told before it starts."""

from __future__ import annotations

from ..image.image import Image
from ..methods.base import Method
from .canvas import enlargement
from .channels import separate
from .plan import Plan
from .tiles import tiles

HALF = 0.55  # of the time of a network in bf16 beside fp32, on a CPU that has instructions for it


def expect(method: Method, image: Image, plan: Plan, side: int | None, halo: int, grid: int) -> float | None:
    """Expected CPU seconds on a machine like the one that the card's figure was measured on; None without a figure.

    The pixels of all halos count; array methods take a channel's time for each channel, networks the same for all that
    they restore together.
    """
    each = method.card.seconds_per_mp
    if each is None:
        return None
    pixels = sum(tile.shape[0] * tile.shape[1] for tile in tiles(image.height, image.width, side, halo, grid))
    if method.kind == "array" or separate(image.channels, method.card):
        each *= image.channels
    if method.kind == "network" and plan.precision == "bf16":
        each *= HALF
    larger = float(enlargement(method.card, plan.degradation)) ** 2  # its card counts the pixels that come out
    return each * pixels * larger / 1e6 * plan.ensemble
