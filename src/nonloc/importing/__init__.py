"""Weights that others trained, read from their own files and turned into ours; nothing of theirs is shipped."""

from importlib import import_module
from typing import Any

_HOME = {"Facts": "imported", "Imported": "imported", "import_weights": "read"}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
