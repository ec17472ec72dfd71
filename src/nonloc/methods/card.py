"""A method's data, read from the TOML file beside its code, without importing that code."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import CardError

TASKS = ("denoise", "upscale", "deblur", "repair")
FIDELITIES = ("faithful", "re-creation", "ours")
SAID = ("family", "fidelity", "fidelity_why", "handles", "channels", "advice")  # by every file; defaults serve code


@dataclass(frozen=True)
class Weights:
    """One trained file of a method.

    file: name under `nonloc/weights` (or beside a plug-in's card). channels: 1 gray, 3 colour. sigma: (low, high), the
    levels it was trained for, equal for a specialist. licence: 'open' when anyone may use the weights for anything,
    'research' when the training pictures' terms allow research only. data: which pictures, with their terms. trained:
    how long, and where. factor: how many times larger they make a picture.
    """

    file: str
    sha256: str
    channels: int
    sigma: tuple[float, float]
    licence: str
    data: str
    network: Mapping[str, Any] = field(default_factory=dict)
    factor: int = 1
    trained: str = ""
    scores: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Argument:
    """One thing a user may set: its default (None: a rule of the method decides), and what is allowed."""

    default: Any
    meaning: str
    choices: tuple[Any, ...] = ()
    range: tuple[float, float] | None = None

    def check(self, method: str, name: str, value: Any) -> Any:
        """`value` as the kind of the default; CardError when it is not allowed."""
        asked = f"{method}: {name}={value!r}"
        if isinstance(value, str) and self.kind is not str:
            try:
                value = self.kind(value)
            except ValueError:
                raise CardError(asked, "it is no number", f"Give {self.allowed}") from None
        if (self.choices and value not in self.choices) or (self.range and not self.range[0] <= value <= self.range[1]):
            raise CardError(asked, "the value is not allowed", f"Give {self.allowed}")
        return value

    @property
    def kind(self) -> type:
        known = next((v for v in (self.default, *self.choices, *(self.range or ())) if v is not None), "")
        return type(known)

    @property
    def allowed(self) -> str:
        if self.choices:
            return "one of " + ", ".join(map(str, self.choices))
        return f"{self.range[0]:g} to {self.range[1]:g}" if self.range else self.meaning


@dataclass(frozen=True)
class Card:
    """What is known of a method before it is imported. DESIGN of the fields: docs/architecture.md."""

    name: str
    title: str
    task: str
    family: str = "own"
    fidelity: str = "ours"
    fidelity_why: str = ""
    cls: str = ""
    handles: tuple[str, ...] = ("gaussian",)
    channels: tuple[int, ...] = (1, 3)
    advice: str = ""
    path: Path = Path()
    sigma: tuple[float, float] | None = None
    halo_exact: int | None = None
    halo_8bit: int | None = None
    grid: int = 1
    multiple: int = 1
    minimum: int = 1
    tiles: bool = True
    tiles_why: str = ""
    recurrent: bool = False
    blind: bool = False
    asked_sigma: float = 0
    bytes_per_pixel: float = 64
    seconds_per_mp: float | None = None
    table2: str | None = None
    factors: tuple[int, ...] = ()
    luma: bool = False
    volume: bool = False
    needs: tuple[str, ...] = ()
    reference: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    weights: tuple[Weights, ...] = ()
    scores: tuple[Mapping[str, Any], ...] = ()

    @property
    def trained(self) -> bool:
        """Whether the method is nothing without weights."""
        return bool(self.network) or bool(self.weights)

    @property
    def runnable(self) -> bool:
        """Whether all it needs is in the package."""
        return not self.trained or bool(self.weights)

    @property
    def licences(self) -> tuple[str, ...]:
        """The licences of its weights; ('open',) for a method without any."""
        return tuple(sorted({w.licence for w in self.weights})) or (() if self.trained else ("open",))

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All arguments of the method: the given ones checked, the rest by default."""
        unknown = set(given) - set(self.arguments)
        if unknown:
            raise CardError(
                f"{self.name}: argument {sorted(unknown)[0]!r}",
                "the method has no such argument",
                f"It has: {', '.join(self.arguments) or 'none'}",
            )
        return {
            name: argument.check(self.name, name, given[name]) if name in given else argument.default
            for name, argument in self.arguments.items()
        }


def read_card(path: Path) -> Card:
    """The card in the TOML file `path`; CardError that names the file and the field when it is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise CardError(f"card {path.name}", str(error), "Mend the file") from error
    try:
        for name in SAID:
            raw[name]
        raw["cls"] = raw.pop("class")
        raw["arguments"] = {name: _argument(value) for name, value in raw.get("arguments", {}).items()}
        raw["weights"] = tuple(_weights(entry) for entry in raw.get("weights", ()))
        for name in ("handles", "channels", "factors", "needs", "scores"):
            if name in raw:
                raw[name] = tuple(raw[name])
        if "sigma" in raw:
            raw["sigma"] = (min(raw["sigma"]), max(raw["sigma"]))
        card = Card(path=path, **raw)
    except (KeyError, TypeError) as error:
        raise CardError(f"card {path.name}", f"field {error}", "See docs/architecture.md for the fields") from error
    for field_name, known in (("task", TASKS), ("fidelity", FIDELITIES)):
        if getattr(card, field_name) not in known:
            raise CardError(
                f"card {path.name}",
                f"{field_name} is {getattr(card, field_name)!r}",
                f"Use one of {', '.join(known)}",
            )
    if card.tiles and card.halo_exact is None:
        raise CardError(f"card {path.name}", "it has no halo_exact", "Give it, or tiles = false with tiles_why")
    if not card.tiles and not card.tiles_why:
        raise CardError(f"card {path.name}", "tiles = false stands without a reason", "Give tiles_why")
    return card


def _argument(raw: Mapping[str, Any]) -> Argument:
    limits = raw.get("range")
    return Argument(
        default=raw.get("default"),
        meaning=raw["meaning"],
        choices=tuple(raw.get("choices", ())),
        range=(limits[0], limits[1]) if limits else None,
    )


def _weights(raw: Mapping[str, Any]) -> Weights:
    known = dict(raw)
    known["sigma"] = (min(raw["sigma"]), max(raw["sigma"]))
    known["scores"] = tuple(raw.get("scores", ()))
    return Weights(**known)
