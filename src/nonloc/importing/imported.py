"""What an import gives: the method, its state dict, and what is known of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Facts:
    """channels: 1 gray, 3 colour. sigma: (low, high) of the levels it was trained for, None where the file does not
    tell. network: arguments of the method's network class. source: who trained it and where the file comes from, as
    far as it is known. sha256: of the file that holds the numbers."""

    channels: int
    sigma: tuple[float, float] | None
    network: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    sha256: str = ""


class Imported(NamedTuple):
    """method: the card's name. state: fits `load_state_dict` of the network made with `facts.network`."""

    method: str
    state: dict[str, torch.Tensor]
    facts: Facts
