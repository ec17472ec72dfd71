"""A user's own pictures: the recipe of a training on noisy ones, and the weights kept where all verbs find them."""

from __future__ import annotations

from pathlib import Path

from ..errors import WeightsError
from ..methods import registry, user_weights
from ..methods.weights import read_metadata
from .recipe import Data, Noisy, Optimizer, Recipe, Schedule, Validate

MINUTES = 20
ANY = (0.0, 1000.0)  # sigma; a blind network is good for what it learned from, whatever an estimate says


def noisy_recipe(pictures: Path, pairs: Path | None = None, method: str = "nonloc-lab", way: str = "") -> Recipe:
    """The recipe for a folder or file of noisy pictures; channels, black and white are taken from them."""
    return Recipe(
        name=f"noisy-{pictures.resolve().stem}",
        method=method,
        degradation="",
        data=Data(patch=64, batch=8),
        channels=1,
        noisy=Noisy(str(pictures), str(pairs) if pairs else "", way),
        optimizer=Optimizer(rate=1e-3),
        schedule=Schedule(minutes=MINUTES),
        validate=Validate(minutes=2),
    )


def keep_weights(file: Path) -> str:
    """Put weights that a training on noisy pictures wrote into the user's folder; in words, where and how to use them.

    They replace those of the same method and channels. WeightsError for a file that is none of such.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        told, state = read_metadata(file), load_file(file)
        method, network, trained = told["method"], told["network"], told["recipe"].get("noisy")
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise WeightsError(
            f"weights {file.name}", f"no such training wrote them ({error})", "Check the file"
        ) from error
    if not trained:
        raise WeightsError(f"weights {file.name}", "they come from clean pictures", "Use 'nonloc import-weights'")
    card = registry.card(method)
    differing = {name: value for name, value in network.items() if card.network.get(name) != value}
    source = f"{told['data'][0]['pictures']}: {told['data'][0]['terms']}"
    facts = {
        "channels": network["channels"],
        "sigma": card.sigma or ANY,
        "network": differing,
        "data": source,
        "trained": f"here, {told['minutes']:g} minutes, {told['steps']} steps",
    }
    user_weights.add(card, state, facts)
    registry.cards.cache_clear()
    return f"kept in {user_weights.folder()}; use them: nonloc denoise PICTURE -m {card.name}"
