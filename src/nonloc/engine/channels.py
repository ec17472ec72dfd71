"""Which pictures are restored channel by channel."""

from __future__ import annotations

from ..methods.card import Card


def separate(channels: int, card: Card | None = None) -> bool:
    """Whether the channels are restored one by one, as gray pictures.

    So are pictures that are neither gray nor colour, such as CMYK, and colour pictures where the method of `card` knows
    gray only. To a method for volumes the channels are slices, which it sees together.
    """
    if card is not None and card.volume:
        return False
    return channels not in (1, 3) or (card is not None and channels not in card.channels and 1 in card.channels)
