"""A method made ready for noise that grows with the light, as most methods know white noise only.

What is done and when: `nonloc.methods.stabilise`, after Makitalo, Foi, IEEE TIP 22(1), 2013, DOI
10.1109/TIP.2012.2202675, and Zhang, Zuo, Zhang, IEEE TIP 27(9), 2018, DOI 10.1109/TIP.2018.2839891 (FFDNet's map).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..degradation import PoissonGaussian, Rician
from ..engine import separate
from ..errors import SigmaOutOfRange
from ..image.image import Image
from ..methods.base import Method
from ..methods.registry import card, create
from ..methods.rician import RicianStabiliser, unbiased
from ..methods.stabilise import Stabiliser, adapted, by_map

HANDLES = "poisson-gaussian"  # on the card of a method that needs no help
MAPPED = "the noise grows with the light, so the network is told a map of its level"
MAGNITUDE = "the picture is a magnitude, so its noise is made white first, and undone after without bias"
STABILISED = "the noise grows with the light, so its variance is made the same everywhere first, and undone after"


@dataclass(frozen=True)
class Adapted:
    """A method for such noise, or the name of one that needs no help; why, in words, empty for the latter."""

    method: str | Method
    why: str = ""


def adapt(
    name: str, noise: PoissonGaussian | Rician, picture: Image, arguments: Mapping[str, Any], licence: str | None = None
) -> Adapted:
    """The method `name` as it serves best against `noise`.

    Raises what the registry raises for a method that does not fit `picture`, and UsageError for a method that measures
    whole pictures.
    """
    known = card(name)
    if HANDLES in known.handles or known.blind:
        return Adapted(name)
    channels = 1 if separate(picture.channels, known) else picture.channels
    levels = known.sigma or (0.0, float("inf"))
    level = (RicianStabiliser(noise, levels) if isinstance(noise, Rician) else Stabiliser(noise, levels)).sigma
    try:
        method = create(name, channels=channels, sigma=level, licence=licence, arguments=arguments)
    except SigmaOutOfRange:  # it has specialists; any of them, the contrast is made to fit
        method = create(name, channels=channels, licence=licence, arguments=arguments)
    if isinstance(noise, Rician):
        return Adapted(unbiased(method), MAGNITUDE)
    return Adapted(adapted(method, noise), MAPPED if by_map(method, noise) else STABILISED)
