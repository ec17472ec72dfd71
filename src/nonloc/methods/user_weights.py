"""Weights of other authors that a user imported: files in a folder of the user's, each with a note of what it is.

The folder is NONLOC_WEIGHTS, or `nonloc/weights` where the system keeps a user's data. Beside `NAME.safetensors` lies
`NAME.toml`: the method's name and the fields of a card's `[[weights]]`. A card takes them in behind its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import WeightsError
from .card import Card, Weights

if TYPE_CHECKING:
    import torch


def folder() -> Path:
    """Where imported weights lie on this machine; it need not exist."""
    if given := os.environ.get("NONLOC_WEIGHTS"):
        return Path(given)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "nonloc" / "weights"


def imported() -> Iterator[tuple[str, Weights]]:
    """(method, weights) of each file; WeightsError that names a note which cannot be read."""
    for path in sorted(folder().glob("*.toml")):
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
            method = raw.pop("method")
            yield method, Weights(**{**raw, "sigma": tuple(raw["sigma"])})
        except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise WeightsError(f"imported weights {path}", f"field {error}", "Delete it and import again") from error


def add(card: Card, state: Mapping[str, torch.Tensor], weights: Mapping[str, Any]) -> Weights:
    """Keep a state dict in the user's folder, in full precision, as weights of `card`.

    weights: `channels`, `sigma`, `network` and `data` of a card's entry, and `trained` where its user did it. What the
    folder holds of the same method, channels and levels is replaced. Raises WeightsError when it cannot be written.
    """
    from safetensors.torch import save

    low, high = weights["sigma"]
    levels = f"{low:g}" if low == high else f"{low:g}-{high:g}"
    stem = f"{card.name}-{'color' if weights['channels'] == 3 else 'gray'}-{levels}"
    data = save({name: tensor.detach().float().contiguous() for name, tensor in state.items()})
    kept = Weights(
        file=f"{stem}.safetensors",
        sha256=hashlib.sha256(data).hexdigest(),
        channels=weights["channels"],
        sigma=(low, high),
        licence="research",  # what an author grants is not written in the file: the careful reading
        data=weights["data"],
        network=dict(weights["network"]),
        trained=weights.get("trained", "by its authors; imported"),
    )
    place = folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        for path, content in ((place / kept.file, data), (place / f"{stem}.toml", _note(card, kept).encode())):
            temporary = path.with_name(path.name + ".tmp")
            temporary.write_bytes(content)
            temporary.replace(path)
    except OSError as error:
        raise WeightsError(
            f"keeping {stem}", f"{place} cannot be written ({error.strerror})", "Set NONLOC_WEIGHTS to another folder"
        ) from error
    return kept


def _note(card: Card, weights: Weights) -> str:
    """JSON texts, lists and numbers are TOML too."""
    fields = ("file", "sha256", "channels", "sigma", "licence", "data", "trained")
    lines = [f"method = {json.dumps(card.name)}"]
    lines += [f"{name} = {json.dumps(getattr(weights, name))}" for name in fields]
    lines.append("[network]")
    lines += [f"{name} = {json.dumps(value)}" for name, value in weights.network.items()]
    return "\n".join(lines) + "\n"
