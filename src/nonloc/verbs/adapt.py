"""A method made ready for noise that is not the same everywhere, as most methods know white noise only.

What is done and when: `nonloc.methods.stabilise`, after Makitalo, Foi, IEEE TIP 22(1), 2013, DOI
10.1109/TIP.2012.2202675, and Zhang, Zuo, Zhang, IEEE TIP 27(9), 2018, DOI 10.1109/TIP.2018.2839891 (FFDNet's map);
`nonloc.methods.rician` and `nonloc.methods.mulog` for magnitudes and speckle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..degradation import GaussianMap, PoissonGaussian, Rician, Speckle
from ..engine import separate
from ..errors import SigmaOutOfRange
from ..image.image import Image
from ..methods.base import Method
from ..methods.levelled import levelled, takes_maps
from ..methods.mulog import despeckled, steps
from ..methods.registry import card, create
from ..methods.rician import RicianStabiliser, unbiased
from ..methods.speckle import SpeckleStabiliser
from ..methods.stabilise import Stabiliser, Stabilises, adapted, by_map

# on a card: it needs no help
HANDLES = {
    PoissonGaussian: "poisson-gaussian",
    Rician: "rician",
    Speckle: "speckle",
    GaussianMap: "gaussian-map",
}
EVENED = "the noise differs from place to place, so contrast is changed until it does not, and changed back"
JOINT = "the channels' levels differ, and what restores them together is told one for all"
LOWERED = "the noise is stronger than it knows, so contrast is lowered until it is not, and raised again"
TOLD = "the noise differs from place to place, so the network is told a map of its level"
LOGARITHMS = "speckle is as strong as the signal, so logarithms are restored{}, and the mean of the picture is kept"
MAPPED = "the noise grows with the light, so the network is told a map of its level"
MAGNITUDE = "the picture is a magnitude, so its noise is made white first, and undone after without bias"
STABILISED = "the noise grows with the light, so its variance is made the same everywhere first, and undone after"


Uneven = PoissonGaussian | Rician | Speckle | GaussianMap


@dataclass(frozen=True)
class Adapted:
    """A method for such noise, or the name of one that needs no help; why, in words, empty for the latter."""

    method: str | Method
    why: str = ""


def adapt(
    name: str,
    noise: Uneven,
    picture: Image,
    arguments: Mapping[str, Any],
    licence: str | None = None,
) -> Adapted:
    """The method `name` as it serves best against `noise`.

    Raises what the registry raises for a method that does not fit `picture`, and UsageError for a method that measures
    whole pictures, or knows one level where levels are far apart.
    """
    known = card(name)
    if HANDLES[type(noise)] in known.handles or known.blind:
        return Adapted(name)
    channels = 1 if separate(picture.channels, known) else picture.channels
    levels = known.sigma or (0.0, float("inf"))
    level = noise.noise.sigma if isinstance(noise, GaussianMap) else _stabiliser(noise, levels).sigma
    try:
        method = create(name, channels=channels, sigma=level, licence=licence, arguments=arguments)
    except SigmaOutOfRange:  # it has specialists; any of them, the contrast is made to fit
        method = create(name, channels=channels, licence=licence, arguments=arguments)
    if isinstance(noise, Rician):
        return Adapted(unbiased(method), MAGNITUDE)
    if isinstance(noise, GaussianMap):
        if noise.sigmas.size == 1:
            why = LOWERED
        elif not noise.local and channels == picture.channels:
            why = JOINT
        else:
            why = TOLD if takes_maps(method) else EVENED
        return Adapted(levelled(method, noise), why)
    if isinstance(noise, Speckle):
        times = f" {steps(noise)} times" if steps(noise) > 1 else ""
        return Adapted(despeckled(method, noise), LOGARITHMS.format(times))
    return Adapted(adapted(method, noise), MAPPED if by_map(method, noise) else STABILISED)


def _stabiliser(noise: PoissonGaussian | Rician | Speckle, levels: tuple[float, float]) -> Stabilises:
    if isinstance(noise, Rician):
        return RicianStabiliser(noise, levels)
    return SpeckleStabiliser(noise, levels) if isinstance(noise, Speckle) else Stabiliser(noise, levels)
