"""The smallest contract that serves a median filter and NLRN alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ..degradation import Degradation
from .card import Card, Weights

if TYPE_CHECKING:
    import torch


class Method:
    """Restores pixels. Pure: no files, no devices, no tiles; those are the engine's.

    A method is made from its card, the weights chosen for the picture (None for most), and its card's arguments as
    keywords.
    """

    kind: ClassVar[str]
    card: Card
    weights: Weights | None

    def __init__(self, card: Card, weights: Weights | None = None):
        self.card = card
        self.weights = weights

    def restore(self, pixels: Any, degradation: Degradation | None) -> Any:
        """Restored `pixels`, (B, C, H, W) in, the same kind out; black 0, white 1, neither clipped."""
        raise TypeError(f"{type(self).__name__} does not restore anything")

    def measure(self, pixels: Any, degradation: Degradation | None) -> Degradation | None:
        """Once over the whole picture, before any tile: what `restore` shall be told instead of `degradation`."""
        return degradation


class ArrayMethod(Method):
    """A method on NumPy float32 arrays."""

    kind = "array"


class NetworkMethod(Method):
    """A method that is a torch module with weights.

    network: the class of the module, a plain nn.Module that anyone can take out and use alone. Its constructor's
    arguments stand under `network` in the card, those that differ between gray and colour under its weights.
    """

    kind = "network"
    network: ClassVar[type]
    module: torch.nn.Module

    def __init__(self, card: Card, weights: Weights | None = None, module: torch.nn.Module | None = None):
        super().__init__(card, weights)
        if module is not None:
            self.module = module
        else:
            from .weights import load

            self.module = load(type(self).network, card, weights)

    def restore(self, pixels: torch.Tensor, degradation: Degradation | None) -> torch.Tensor:
        return self.module(pixels, *self.condition(pixels, degradation))

    def condition(self, pixels: torch.Tensor, degradation: Degradation | None) -> tuple[Any, ...]:
        """What the module is told beside the pixels; nothing, unless a method says otherwise."""
        return ()

    @classmethod
    def conditions(cls, degradations: Sequence[Degradation]) -> tuple[torch.Tensor, ...]:
        """The same for a batch in training, one sample after the other, (B, ...) each."""
        return ()
