"""Weights of other authors, made ours to run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError, WeightsError
from ..methods import registry, user_weights
from ..methods.base import NetworkMethod
from ..methods.card import Weights


@dataclass(frozen=True)
class Kept:
    """What was imported, and where it lies."""

    method: str
    weights: Weights
    folder: Path


def import_weights(file: Path | str, *, sigma: float | None = None) -> Kept:
    """Read the authors' weights of a network that we have, and keep them for this user.

    file: NLRN's TensorFlow bundle, a MATLAB file of DnCNN, FFDNet, CSF, NLNet or BM3D-Net, or a .pth file of ECNDNet.
    sigma: the level that it was trained for (0-255 scale), needed where the file does not tell. Raises WeightsError for
    a file that cannot be read or does not fit, and UsageError when the level is not known.
    """
    from ..importing import import_weights as read

    method, state, facts = read(file, sigma=sigma)
    if facts.sigma is None:
        raise UsageError(
            f"importing {Path(file).name}", f"it is a {method} for one level, and the file does not tell which",
            "Give --sigma",
        )  # fmt: skip
    card = registry.card(method)
    cls = registry.method_class(card)
    assert issubclass(cls, NetworkMethod)
    try:
        cls.network(**{**card.network, **facts.network}).load_state_dict(state)
    except RuntimeError as error:
        name = Path(file).name
        raise WeightsError(f"weights {name}", f"they do not fit {method}: {error}", "Take another file") from error
    differing = {key: value for key, value in facts.network.items() if card.network.get(key) != value}
    data = f"their authors': {facts.source}; source file {facts.sha256[:16]}"
    kept = user_weights.add(
        card, state, {"channels": facts.channels, "sigma": facts.sigma, "network": differing, "data": data}
    )
    registry.cards.cache_clear()
    return Kept(method, kept, user_weights.folder())
