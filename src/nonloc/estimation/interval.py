"""How far the true noise level may be from the estimate, from errors on training pictures.

Source: errors of `estimate_noise` on 20 pictures of bsd398 (every 20th by name), whole and cut to 128, 48 and 24
pixels, gray and colour, sigma 0 1 2 5 10 25 50 75, as they are and clipped to 8 bits; the constants follow the 5 % and
95 % points of the errors by eye. Texture that passes for noise widens the interval downwards by a number of levels, the
finite sample by a share of sigma, and clipping mostly upwards, by a share of sigma for each clipped sample.
"""

from __future__ import annotations

from dataclasses import dataclass

WHOLE = 321 * 481  # pixels of the training pictures: more would be no surer, since texture does not average out
HIDDEN = 0.6  # below this level, what is left of an 8-bit picture's texture and noise cannot be told apart
UP_AT_LEAST = 0.05
CLIPPED_DOWN, CLIPPED_UP = 0.03, 0.25


@dataclass(frozen=True)
class Reach:
    """Reach of the interval for a whole picture, and the power with which each grows as the picture gets smaller."""

    texture: tuple[float, float]  # levels
    down: tuple[float, float]  # share of sigma
    up: tuple[float, float]  # share of sigma


GRAY = Reach(texture=(0.25, 0.6), down=(0.011, 0.42), up=(0.0073, 0.5))
COLOUR = Reach(texture=(0.1, 0.3), down=(0.006, 0.45), up=(0.008, 0.45))


def interval(sigma: float, area: float, colour: bool, clipped: float) -> tuple[float, float]:
    """Lowest and highest level of the 90 % interval.

    sigma: the estimate, 0-255 scale. area: pixels that the estimate could use. clipped: fraction of clipped samples.
    """
    reach = COLOUR if colour else GRAY
    few = WHOLE / min(max(area, 1.0), WHOLE)
    texture, down, up = (size * few**power for size, power in (reach.texture, reach.down, reach.up))
    below = (texture**2 + ((down + CLIPPED_DOWN * clipped) * sigma) ** 2) ** 0.5
    above = UP_AT_LEAST + (up + CLIPPED_UP * clipped) * sigma
    low = max(0.0, sigma - below) if sigma > HIDDEN else 0.0
    return low, sigma + above
