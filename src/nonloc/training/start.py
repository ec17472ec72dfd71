"""What a training begins with: a network as it is drawn, or with what fits of other weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torch import nn

from ..errors import RecipeError
from ..methods import registry
from ..methods import weights as weights_files
from ..methods.base import NetworkMethod
from ..methods.card import Card
from .recipe import Recipe


def module_of(card: Card, recipe: Recipe) -> nn.Module:
    """The untrained module, or the one that the recipe starts from."""
    made = network_method(card).network(**{**card.network, "channels": recipe.channels, **recipe.network})
    if recipe.start != "scratch":
        _warm_up(made, card, recipe)
    return made


def network_method(card: Card) -> type[NetworkMethod]:
    """The class of a method that can be trained; RecipeError for one that has no network."""
    found = registry.method_class(card)
    if not issubclass(found, NetworkMethod):
        raise RecipeError(f"training {card.name}", "it has no weights to train", "Name a network; see 'nonloc methods'")
    return found


def check_blind(card: Card) -> None:
    """Raise RecipeError for a network that must be told the noise."""
    if network_method(card).condition is not NetworkMethod.condition:
        found = "it must be told the noise, which nobody knows here"
        raise RecipeError(f"training {card.name} on noisy pictures", found, "Take nonloc-lab, or dncnn")


def _warm_up(module: nn.Module, card: Card, recipe: Recipe) -> None:
    """Copy what fits by name and shape; the rest stays as it was drawn (gray from colour keeps its ends)."""
    from safetensors.torch import load_file

    own = module.state_dict()
    for part, start in parts(recipe.start):
        if start.startswith("shipped"):
            _, name, licence = (*start.split(":"), "", "")[:3]
            source = registry.card(name or card.name)
            factor = recipe.network.get("factor", 1) if source.factors else 1
            chosen = registry.choose_weights(source, recipe.channels, None, licence or None, factor)
            if chosen is None:
                raise RecipeError(f"start = {start!r}", f"{source.name} has no weights", "Start from scratch")
            path = weights_files.locate(source, chosen)
        else:
            path = Path(start)
        theirs = {f"{part}.{name}" if part else name: t for name, t in load_file(path).items()}
        own |= {name: t.float() for name, t in theirs.items() if name in own and own[name].shape == t.shape}
    module.load_state_dict(own)


def parts(start: str) -> list[tuple[str, str]]:
    """'a=FILE + b=shipped:NAME' as (module, start) of each; of a start for the whole network the module is ''."""
    found = [one.partition("=") for one in start.split(" + ")]
    return [(left, right) if equals else ("", left) for left, equals, right in found]


def started(start: str) -> str:
    """What a weights file says of its start: of a file the training that made it and its checksum, but no folder."""
    path = Path(start)
    if start == "scratch" or "shipped" in start:
        return start
    if not path.is_file():
        return path.name
    name = weights_files.read_metadata(path).get("recipe", {}).get("name", path.stem)
    return f"{name}, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
