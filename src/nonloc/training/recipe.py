"""A recipe: one TOML file that is the whole experiment."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

from ..errors import RecipeError

FOLDER = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Data:
    """Which pictures, and how crops are taken from them. patch: side in pixels; batch: crops a step."""

    pictures: tuple[str, ...] = ()
    patch: int = 96
    batch: int = 4
    licence: str = "research"


@dataclass(frozen=True)
class Optimizer:
    """AdamW. rate: the highest. clip: largest gradient norm. ema: decay of the averaged weights. noise_floor: each
    sample's squared error is divided by sigma + noise_floor, so that low noise counts."""

    rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 1e-4
    clip: float = 1.0
    ema: float = 0.999
    noise_floor: float = 6.0


@dataclass(frozen=True)
class Schedule:
    """Exactly one of steps (repeatable to the bit), minutes (a clock) and core_minutes (the process's own time, the
    same work on an idle machine and a busy one; for comparisons). warmup: fraction of the way."""

    steps: int | None = None
    minutes: float | None = None
    core_minutes: float | None = None
    warmup: float = 0.05

    @property
    def given(self) -> int:
        """How many ends it has."""
        return sum(end is not None for end in (self.steps, self.minutes, self.core_minutes))


@dataclass(frozen=True)
class Stages:
    """For a network of stages. greedy: the first part of the way, in which each learns alone behind those before it."""

    greedy: float


@dataclass(frozen=True)
class Validate:
    """When (minutes or steps between), on what, at which levels (0-255 scale) of which degradation."""

    minutes: float = 10.0
    steps: int | None = None
    pictures: str = "bsd32val"
    count: int = 32
    degradation: str = "gaussian"
    sigma: tuple[float, ...] = (15, 25, 50)


@dataclass(frozen=True)
class Noisy:
    """For learning without clean pictures. pictures: a folder or file of noisy ones; pairs: another, of the same scenes
    with other noise. way: 'neighbours', 'masked', or 'pairs' where there are; '' takes what fits, see `noisy.WAYS`."""

    pictures: str
    pairs: str = ""
    way: str = ""


@dataclass(frozen=True)
class Recipe:
    """method: the card's name. start: 'scratch', 'shipped' for the package's own weights, 'shipped:NAME' for those of
    another method, 'shipped:NAME:open' for those of a licence, or a file; what fits by name and shape is taken over.
    'a=... + b=...' starts the network's modules a and b from one each."""

    name: str
    method: str
    degradation: str
    data: Data
    channels: int = 3
    seed: int = 0
    start: str = "scratch"
    precision: str = "auto"
    network: dict[str, Any] = field(default_factory=dict)
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    validate: Validate = field(default_factory=Validate)
    stages: Stages | None = None
    noisy: Noisy | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_recipe(path: str | Path) -> Recipe:
    """The recipe in a file, or of that name among the package's own; RecipeError that names the wrong field."""
    file = Path(path)
    if not file.is_file() and (FOLDER / f"{path}.toml").is_file():
        file = FOLDER / f"{path}.toml"
    if not file.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.toml")))
        raise RecipeError(f"recipe {path}", "there is no such file", f"Give a file, or one of ours: {known}")
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"recipe {file.name}", str(error), "Mend the file") from error
    if "noisy" in raw:  # the noise is what the pictures have
        raw = {"degradation": "", "data": {}, **raw}
    recipe = _build(Recipe, {"name": file.stem, **raw}, file.name)
    if (given := recipe.schedule.given) != 1:
        raise RecipeError(
            f"recipe {file.name}", f"its schedule has {given} ends", "Give exactly one of steps, minutes, core_minutes"
        )
    return recipe


def changed(recipe: Recipe, start: str | None, minutes: float | None, rate: float | None) -> Recipe:
    """The recipe with another start, length or highest rate; None leaves what it says."""
    if start is not None:
        recipe = replace(recipe, start=start)
    if minutes is not None:
        recipe = replace(recipe, schedule=Schedule(minutes=minutes, warmup=recipe.schedule.warmup))
    if rate is not None:
        recipe = replace(recipe, optimizer=replace(recipe.optimizer, rate=rate))
    return recipe


def _build(cls: type, raw: dict[str, Any], file: str) -> Any:
    hints = get_type_hints(cls)
    unknown = set(raw) - {f.name for f in fields(cls)}
    if unknown:
        raise RecipeError(
            f"recipe {file}",
            f"unknown field {sorted(unknown)[0]!r}",
            f"{cls.__name__} has {', '.join(hints)}",
        )
    values = {}
    for name, value in raw.items():
        hint = next((part for part in get_args(hints[name]) if is_dataclass(part)), hints[name])
        if is_dataclass(hint):
            value = _build(hint, value, file)  # type: ignore[arg-type]
        elif isinstance(value, list):
            value = tuple(value)
        values[name] = value
    try:
        return cls(**values)
    except TypeError as error:
        raise RecipeError(f"recipe {file}", str(error), "Add what is missing") from error
