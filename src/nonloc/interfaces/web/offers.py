"""The methods that a picture may be restored with, and about how long each takes."""

from __future__ import annotations

from typing import Any

from ...errors import NonlocError
from ...methods.registry import card, choose_weights, methods
from ...verbs.choose import DENOISERS
from .picture import Picture


def offers(picture: Picture) -> list[dict[str, Any]]:
    """Each runnable denoiser: name, title, advice, expected CPU seconds, and why it does not fit, where it does not."""
    names = methods(task="denoise", runnable=True)
    usual = [name for name in DENOISERS if name in names]
    return [_offer(name, name in usual, picture) for name in usual + [n for n in names if n not in usual]]


def _offer(name: str, usual: bool, picture: Picture) -> dict[str, Any]:
    known, facts = card(name), picture.facts
    channels = facts.get("channels", 3)
    alone = channels not in known.channels and 1 in known.channels
    seconds = None
    if known.seconds_per_mp is not None:
        each = channels if alone or not known.trained else 1
        seconds = known.seconds_per_mp * each * facts["width"] * facts["height"] * facts["pages"] / 1e6
    unfit = None
    try:
        choose_weights(known, 1 if alone else channels, _sigma(picture))
    except NonlocError as error:
        unfit = error.args[1]
    if known.volume and facts["pages"] < 2:
        unfit = "it restores volumes"
    return {
        "name": name,
        "title": known.title,
        "advice": known.advice,
        "fidelity": known.fidelity,
        "usual": usual,
        "seconds": seconds,
        "unfit": unfit,
    }


def _sigma(picture: Picture) -> float | None:
    """The level that the plan tells, where a method has to know it."""
    from ...degradation import PoissonGaussian, parse_fixed

    told = (picture.plan or {}).get("degradation")
    try:
        degradation = parse_fixed(told) if told else None
    except NonlocError:
        return None
    if degradation is None or isinstance(degradation, PoissonGaussian):  # whose variance is brought to any level
        return None
    return degradation.noise.sigma if degradation.noise is not None else None
