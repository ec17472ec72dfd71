"""Named sets of pictures, found under the folder that NONLOC_DATA names; nothing is downloaded."""

from importlib import import_module
from typing import Any

_HOME = {
    "Dataset": "catalogue",
    "DatasetPicture": "pictures",
    "dataset": "catalogue",
    "fingerprint": "checksums",
    "load": "folder",
    "names": "catalogue",
    "rgb2gray": "gray",
    "verify": "checksums",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
