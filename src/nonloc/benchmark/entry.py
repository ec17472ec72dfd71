"""What a benchmark runs: a method by name, with arguments where they are not the default.

bm3d                        by name
nl-means:patch=7            with an argument of its card
nonloc-s:ensemble=8         with a field of the plan: ensemble, precision, halo, tile, strength, device, licence
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..degradation import Degradation
from ..engine import Plan
from ..errors import UsageError
from ..methods.card import Card
from ..methods.registry import card, choose_weights
from .identity import code

_PLAN = {"ensemble": int, "precision": str, "halo": str, "tile": int, "strength": float, "device": str, "licence": str}


@dataclass(frozen=True)
class Entry:
    """A method in a benchmark. label: the text that it was asked by, also its name in the tables."""

    label: str
    card: Card
    arguments: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def plan(self, degradation: Degradation | None) -> Plan:
        return Plan(self.card.name, degradation, self.arguments, **self.settings)

    def identity(self, channels: int, sigma: float | None, factor: int = 1) -> tuple[str, str]:
        """Fingerprint of the code, checksum of the weights; raises where the card does not allow the run."""
        weights = choose_weights(self.card, channels, sigma, self.settings.get("licence"), factor)
        return code(self.card), weights.sha256 if weights else ""


def parse_entry(text: str) -> Entry:
    """The entry that `text` names; UnknownMethod, CardError or UsageError where it names none."""
    name, *pairs = text.strip().split(":")
    found = card(name)
    arguments, settings = {}, {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"method {text!r}", f"{pair!r} gives no value", "Write NAME:argument=value")
        if key in _PLAN and key not in found.arguments:
            try:
                settings[key] = _PLAN[key](value)
            except ValueError:
                raise UsageError(f"method {text!r}", f"{value!r} is no value of {key}", "Give a number") from None
        else:
            arguments[key] = value
    found.settings(arguments)  # a wrong argument is told before anything runs
    return Entry(text.strip(), found, arguments, settings)
