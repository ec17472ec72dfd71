"""All methods there are: cards found in the package and in plug-ins, methods made from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from fnmatch import fnmatch
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CardError, SigmaOutOfRange, UnknownMethod, WeightsError
from .card import Card, Weights, read_card
from .user_weights import imported

if TYPE_CHECKING:
    from .base import Method

GROUP = "nonloc.methods"
KEPT = 32  # methods that stay loaded, each with its weights


def _folders() -> Iterator[Path]:
    """Our own folder, then those that plug-ins name; no plug-in code is imported."""
    ours = Path(__file__).parent
    yield ours
    for point in entry_points(group=GROUP):
        if point.value == __package__ or point.dist is None:
            continue
        package = Path(str(point.dist.locate_file(point.value.replace(".", "/"))))
        if package.is_dir():
            yield package
        else:  # an editable installation: ask the import system where the package lies, without running it
            from importlib.util import find_spec

            spec = find_spec(point.value)
            for place in (spec.submodule_search_locations or []) if spec else []:
                yield Path(place)


@cache
def cards() -> Mapping[str, Card]:
    """Every card by name, sorted; CardError when two have the same name."""
    found: dict[str, Card] = {}
    for folder in _folders():
        for path in sorted(folder.rglob("*.toml")):
            card = read_card(path)
            if card.name in found:
                raise CardError(
                    f"card {path}",
                    f"the name {card.name!r} is taken by {found[card.name].path}",
                    "Choose another",
                )
            found[card.name] = card
    for name, weights in imported():
        if name in found:
            found[name] = replace(found[name], weights=(*found[name].weights, weights))
    return dict(sorted(found.items()))


def card(name: str) -> Card:
    """The card of that name; UnknownMethod that names the nearest."""
    known = cards()
    if name not in known:
        near = get_close_matches(name.lower(), known, 1)
        hint = f"; the nearest is {near[0]!r}" if near else ""
        raise UnknownMethod(
            f"method {name!r}", f"no method has that name{hint}", "See 'nonloc methods' for all of them"
        )
    return known[name]


def methods(
    filter: str = "*", *, task: str | None = None, runnable: bool | None = None, licence: str | None = None
) -> list[str]:
    """Names of methods, sorted. `filter` is a pattern such as '*nlrn*'; the rest are fields of the card."""
    return [
        name
        for name, card in cards().items()
        if fnmatch(name, filter)
        and (task is None or card.task == task)
        and (runnable is None or card.runnable == runnable)
        and (licence is None or licence in card.licences)
    ]


def choose_weights(
    card: Card, channels: int, sigma: float | None, licence: str | None = None, factor: int = 1
) -> Weights | None:
    """The weights of `card` for a picture, None for a method without any.

    SigmaOutOfRange when the level, CardError when the channel count or the factor is outside what the card allows; all
    name methods that fit.
    """
    if channels not in card.channels:
        fitting = [c.name for c in cards().values() if channels in c.channels and c.task == card.task and c.runnable]
        raise CardError(
            f"{card.name} on a picture of {channels} channels",
            f"it was made for {' or '.join(map(str, card.channels))}",
            f"Take {', '.join(fitting[:4]) or 'another method'}",
        )
    if sigma is not None and card.sigma is not None and not card.sigma[0] <= sigma <= card.sigma[1]:
        raise _out_of_range(card, sigma, f"it was made for {card.sigma[0]:g} to {card.sigma[1]:g}")
    if card.factors and factor not in card.factors:
        raise CardError(
            f"{card.name} for {factor} times larger",
            f"it was made for {', '.join(map(str, card.factors))}",
            "Take one of these, or a method for any factor: bicubic",
        )
    if not card.trained:
        return None
    fitting_weights = [
        w
        for w in card.weights
        if w.channels == (1 if card.luma else channels)
        and w.factor == factor
        and (licence is None or w.licence == licence)
    ]
    if not fitting_weights:
        wanted = f" with the licence {licence!r}" if licence else ""
        larger = f" {factor} times larger" if factor != 1 else ""
        raise WeightsError(
            f"weights of {card.name} for {channels} channels{larger}{wanted}",
            "the package has none",
            "Train them with 'nonloc train', bring the authors' with 'nonloc import-weights', or take another method",
        )
    # the narrowest that fits: a specialist before a blind one; and the widest where no level is known; of equals the
    # first on the card
    if sigma is None:
        return max(fitting_weights, key=_range)
    for weights in sorted(fitting_weights, key=_range):
        if weights.sigma[0] <= sigma <= weights.sigma[1]:
            return weights
    levels = ", ".join(sorted({_levels(w) for w in fitting_weights}, key=_by_number))
    raise _out_of_range(card, sigma, f"it was trained for {levels}")


def _out_of_range(card: Card, sigma: float, found: str) -> SigmaOutOfRange:
    fitting = [
        c.name
        for c in cards().values()
        if c.runnable and c.task == card.task and c.sigma and c.sigma[0] <= sigma <= c.sigma[1] and c.name != card.name
    ]
    return SigmaOutOfRange(
        f"{card.name} at sigma {sigma:g}",
        found,
        f"Take {', '.join(fitting[:4]) or 'a level inside its range'}",
    )


def _range(weights: Weights) -> float:
    return weights.sigma[1] - weights.sigma[0]


def _levels(weights: Weights) -> str:
    low, high = weights.sigma
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _by_number(text: str) -> float:
    return float(re.match(r"[\d.]+", text).group())  # type: ignore[union-attr]


def create(
    name: str,
    *,
    channels: int = 3,
    sigma: float | None = None,
    licence: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    factor: int = 1,
) -> Method:
    """The method `name`, ready for pictures of that many channels and that level of noise (0-255 scale).

    factor: how many times larger a trained method is to make them.
    """
    chosen = card(name)
    weights = choose_weights(chosen, channels, sigma, licence, factor)
    settings = tuple(sorted(chosen.settings(arguments or {}).items()))
    entry = next(((i, w.sha256) for i, w in enumerate(chosen.weights) if w is weights), None)
    return _create(name, entry, channels, settings)


def method_class(card: Card) -> type[Method]:
    """The class that the card names; imports its module."""
    module, _, cls = card.cls.partition(":")
    return getattr(import_module(module), cls)


@lru_cache(KEPT)
def _create(name: str, entry: tuple[int, str] | None, channels: int, settings: tuple[tuple[str, Any], ...]) -> Method:
    """entry: which of the card's weights, and their checksum, as imported ones may change."""
    chosen = card(name)
    weights = None if entry is None else chosen.weights[entry[0]]
    return method_class(chosen)(chosen, weights, **dict(settings))
