"""How many numbers a network has to learn."""

from __future__ import annotations

from .card import Card
from .registry import method_class


def parameters(card: Card) -> int | None:
    """Learnable numbers of the network of `card`, in the form that its weights have, gray where it has several.

    None for a method that is no network. Nothing is trained or read: the network is built and counted.
    """
    from .base import NetworkMethod

    kind = method_class(card)
    if not issubclass(kind, NetworkMethod):
        return None
    gray = sorted(card.weights, key=lambda weights: weights.channels)
    settings = {**card.network, **(gray[0].network if gray else {"channels": card.channels[0]})}
    return sum(parameter.numel() for parameter in kind.network(**settings).parameters())
