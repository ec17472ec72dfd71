"""What the training pictures' owners allow, as the weights' metadata tells it."""

from __future__ import annotations

from ..datasets import dataset


def terms(names: tuple[str, ...]) -> list[dict[str, str]]:
    """For each set of pictures: its name, its terms in words, and its licence class, 'open' or 'research'."""
    return [{"pictures": name, "terms": dataset(name).terms, "licence": dataset(name).licence} for name in names]


def licence(names: tuple[str, ...]) -> str:
    """'open' when every set is, else 'research'."""
    return "open" if all(dataset(name).licence == "open" for name in names) else "research"
