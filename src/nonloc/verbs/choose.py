"""Which method, when the user names none."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NonlocError, UnknownMethod
from ..methods.registry import card, cards, choose_weights

# Best first, as measured on BSD68 and CBSD68 (results/); the first one that fits is taken.
DENOISERS = ("nonloc-s", "bm3d", "nl-means", "gaussian")
PHOTOGRAPHS = ("nonloc-photo", *DENOISERS)  # for noise as cameras leave it, as measured on polyu40


@dataclass(frozen=True)
class Choice:
    """The method, and for those before it in the order why they were passed over."""

    method: str
    reason: str
    considered: tuple[str, ...]


def choose_denoiser(channels: int, sigma: float | None, licence: str | None = None, *, camera: bool = False) -> Choice:
    """The best denoiser in the package for that many channels and that level (0-255 scale; None: any).

    camera: whether the noise is as a camera leaves it.
    """
    passed: list[str] = []
    order = PHOTOGRAPHS if camera else DENOISERS
    for name in order:
        if name not in cards():
            continue
        try:
            choose_weights(card(name), channels, sigma, licence)
        except NonlocError as error:
            passed.append(f"{name}: {error.args[1]}")
            continue
        reason = f"the default denoiser{' for camera noise' * camera}" if name == order[0] else best(passed)
        return Choice(name, reason, tuple(passed))
    at = "" if sigma is None else f" at sigma {sigma:g}"
    raise UnknownMethod(
        f"a denoiser for {channels} channels{at}",
        "; ".join(passed),
        "Name one with --method",
    )


def best(passed: list[str]) -> str:
    return f"the best that fits ({'; '.join(passed)})"
