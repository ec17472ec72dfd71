"""Which method, when the user names none."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NonlocError, UnknownMethod
from ..methods.registry import card, cards, choose_weights

# Best first, as measured on BSD68 and CBSD68 (results/); the first one that fits is taken.
DENOISERS = ("nonloc-s", "bm3d", "nl-means", "gaussian")


@dataclass(frozen=True)
class Choice:
    """The method, and for those before it in the order why they were passed over."""

    method: str
    reason: str
    considered: tuple[str, ...]


def choose_denoiser(channels: int, sigma: float, licence: str | None = None) -> Choice:
    """The best denoiser in the package for that many channels and that level (0-255 scale)."""
    passed: list[str] = []
    for name in DENOISERS:
        if name not in cards():
            continue
        try:
            choose_weights(card(name), channels, sigma, licence)
        except NonlocError as error:
            passed.append(f"{name}: {error.args[1]}")
            continue
        reason = "the default denoiser" if name == DENOISERS[0] else f"the best that fits ({'; '.join(passed)})"
        return Choice(name, reason, tuple(passed))
    raise UnknownMethod(
        f"a denoiser for {channels} channels at sigma {sigma:g}", "; ".join(passed), "Name one with --method"
    )
