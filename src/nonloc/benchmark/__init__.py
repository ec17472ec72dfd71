"""Methods measured on named sets, by rules that make the figures comparable with those of papers."""

from importlib import import_module
from typing import Any

_HOME = {
    "Event": "run",
    "FORMATS": "forms",
    "Matlab4": "matlab4",
    "Results": "results",
    "Row": "results",
    "bench": "run",
    "noisy": "draws",
    "parse_tracks": "draws",
    "plot": "plots",
    "protocols": "protocol",
    "render": "forms",
    "render_table2": "forms",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
