"""What the training pictures' owners allow, as the weights' metadata tells it."""

from __future__ import annotations

from pathlib import Path

from ..datasets import dataset
from .recipe import Noisy


def terms(names: tuple[str, ...]) -> list[dict[str, str]]:
    """For each set of pictures: its name, its terms in words, and its licence class, 'open' or 'research'."""
    return [{"pictures": name, "terms": dataset(name).terms, "licence": dataset(name).licence} for name in names]


def licence(names: tuple[str, ...]) -> str:
    """'open' when every set is, else 'research'."""
    return "open" if all(dataset(name).licence == "open" for name in names) else "research"


def own_terms(noisy: Noisy, count: int) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The same for a user's own noisy pictures, and what the recipe says of them: names, but no folder of a machine."""
    name, pairs = Path(noisy.pictures).name, Path(noisy.pairs).name
    words = f"{count} noisy {'pairs' if pairs else 'pictures'} of whoever trained; nothing is known of their terms"
    told = {"pictures": name, "pairs": pairs, "way": noisy.way}
    return [{"pictures": name, "terms": words, "licence": "research"}], told
