"""Methods: one file and one card each.

The package can be called, so that `nonloc.methods(task="denoise")` lists names although the folder has that name too.
"""

import sys
from types import ModuleType
from typing import Any


class _Listing(ModuleType):
    def __call__(self, filter: str = "*", **fields: Any) -> list[str]:
        """Names of methods; see `nonloc.methods.registry.methods`."""
        from .registry import methods

        return methods(filter, **fields)


sys.modules[__name__].__class__ = _Listing
