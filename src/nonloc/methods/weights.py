"""Trained weights: half-precision safetensors, in the package, in `nonloc-weights` or imported, checked before use."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import WeightsError
from . import user_weights
from .card import Card, Weights

if TYPE_CHECKING:
    import torch

PACKAGE = Path(__file__).parent.parent / "weights"
CHECKOUT = Path(__file__).parents[3] / "weights" / "nonloc_weights"
LARGE = 2_000_000  # bytes; larger files are shipped by the distribution `nonloc-weights`


def locate(card: Card, weights: Weights) -> Path:
    """Where the file lies: shipped, in a folder `weights` beside a plug-in's card, or among the imported."""
    for folder in (PACKAGE, companion(), card.path.parent / "weights", card.path.parent, user_weights.folder()):
        if (folder / weights.file).is_file():
            return folder / weights.file
    raise WeightsError(
        f"weights {weights.file} of {card.name}",
        "the file is not there",
        "Install 'nonloc-weights' (folder weights of the source), or train them",
    )


@lru_cache(1)
def companion() -> Path:
    """The folder of `nonloc-weights`: beside this source, or where it is installed."""
    if CHECKOUT.is_dir():
        return CHECKOUT
    found = find_spec("nonloc_weights")
    return Path(found.origin).parent if found and found.origin else CHECKOUT


def load(network: type, card: Card, weights: Weights | None) -> torch.nn.Module:
    """The module with its weights, in float32, ready to run; WeightsError when they are not what the card says."""
    import torch
    from safetensors.torch import load as parse

    if weights is None:
        raise WeightsError(f"method {card.name}", "it has no weights", "Train or import some")
    path = locate(card, weights)
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != weights.sha256:
        raise WeightsError(
            f"weights {path.name}", f"their checksum is {found[:12]}, the card says {weights.sha256[:12]}",
            "The file is damaged or another version; install nonloc again",
        )  # fmt: skip
    module = network(**{**card.network, **weights.network})
    try:
        module.load_state_dict({name: _as(torch.float32, tensor) for name, tensor in parse(data).items()})
    except RuntimeError as error:
        raise WeightsError(f"weights {path.name}", f"they do not fit the network: {error}", "Mend the card") from error
    return module.eval().requires_grad_(False)


def save(module: torch.nn.Module, path: Path, metadata: dict[str, Any]) -> str:
    """Write the module in half precision with its metadata (as JSON text per field); returns the file's SHA-256."""
    import torch
    from safetensors.torch import save as encode

    tensors = {
        name: _as(torch.float16, tensor.detach().cpu()).contiguous() for name, tensor in module.state_dict().items()
    }
    data = encode(tensors, metadata={key: json.dumps(value) for key, value in metadata.items()})
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
    return hashlib.sha256(data).hexdigest()


def _as(dtype: torch.dtype, tensor: torch.Tensor) -> torch.Tensor:
    """In that precision; counters stay the integers they are."""
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def read_metadata(path: Path) -> dict[str, Any]:
    """What a weights file says of itself: recipe, data and its terms, steps, minutes, scores."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        return {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
