"""Putting trained weights where they are shipped: the file, and its entry on the card."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ..errors import UsageError
from ..methods import registry
from ..methods.card import Card
from ..methods.weights import CHECKOUT, LARGE, PACKAGE, read_metadata
from .terms import licence

SCALING = ("bm3d-net",)  # trained at one level, serve every other by bringing the picture to it


def ship(trained: Path, *, title: str) -> str:
    """Copy a weights file to where it is shipped under `title` and rewrite its `[[weights]]` entry on the card.

    trained: what a training wrote; its metadata says method, network, data and steps. title: the new file's stem, such
    as 'nonloc-s-color'; that of a re-creation says so at its end. Returns the file's SHA-256. The entry replaces one of
    the same file name; the others stay.
    Files of more than two megabytes belong to `nonloc-weights`, a folder of the source: UsageError where there is none.
    """
    import hashlib

    metadata = read_metadata(trained)
    card = registry.card(metadata["method"])
    if card.fidelity == "re-creation" and card.fidelity not in title:
        title = f"{title}-{card.fidelity}"
    data = trained.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    large = len(data) > LARGE
    if large and not CHECKOUT.is_dir():
        raise UsageError(f"shipping {title}", "nonloc is installed without its source", "Work in a checkout")
    target, other = (
        folder / f"{title}.safetensors" for folder in ((CHECKOUT, PACKAGE) if large else (PACKAGE, CHECKOUT))
    )
    target.write_bytes(data)
    other.unlink(missing_ok=True)  # a network that has grown or shrunk
    network = {key: value for key, value in metadata["network"].items() if card.network.get(key) != value}
    entry = "\n".join(
        [
            "[[weights]]",
            f'file = "{target.name}"',
            f'sha256 = "{digest}"',
            f"channels = {metadata['network']['channels']}",
            *([f"factor = {metadata['network']['factor']}"] if "factor" in metadata["network"] else []),
            f"sigma = {_toml(levels(metadata, card))}",
            f'licence = "{licence(metadata["recipe"]["data"]["pictures"])}"',
            f'data = "{_data(metadata)}"',
            f"network = {{ {', '.join(f'{key} = {_toml(value)}' for key, value in network.items())} }}",
            f'trained = "{_trained(metadata, card, target.name)}"',
            "",
        ]
    )
    card.path.write_text(replace_entry(card.path.read_text(encoding="utf-8"), target.name, entry), encoding="utf-8")
    registry.cards.cache_clear()
    registry.card(card.name)  # fails here, not at the user's, when the card no longer reads
    return digest


def replace_entry(text: str, file: str, entry: str) -> str:
    """The card's text with that file's `[[weights]]` table replaced where it stands, or appended."""
    tables = re.split(r"(?m)^(?=\[)", text)
    for i, table in enumerate(tables):
        if table.startswith("[[weights]]") and f'file = "{file}"' in table:
            tables[i] = entry if i == len(tables) - 1 else f"{entry}\n"
            return "".join(tables)
    return f"{text.rstrip()}\n\n{entry}"


def levels(metadata: dict, card: Card) -> tuple[float, float]:
    """The levels that the recipe draws from: one for a specialist, else those of the card."""
    one = re.fullmatch(r"gaussian:(\d+(?:\.\d+)?)", metadata["recipe"]["degradation"])
    return (float(one[1]), float(one[1])) if one and card.name not in SCALING else card.sigma or (0, 0)


def _trained(metadata: dict, card: Card, file: str) -> str:
    """How long and where, behind what the weights that it started from say."""
    own = f"{metadata['minutes']:g} minutes, {metadata['steps']} steps, {metadata['device']}"
    start = metadata["recipe"]["start"]
    if start == "shipped":
        before = next((weights.trained for weights in card.weights if weights.file == file), "")
        return f"{before}; then {own}" if before else own
    return own if start == "scratch" else f"from {start.replace('shipped:', '')}; {own}"


def _data(metadata: dict) -> str:
    return "; ".join(f"{entry['pictures']}: {entry['terms']}" for entry in metadata["data"])


def _toml(value: object) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value)
