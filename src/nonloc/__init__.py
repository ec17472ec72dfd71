"""Image restoration that is true to the literature.

    import nonloc
    clean = nonloc.denoise(image)                     # level estimated, default method
    clean = nonloc.denoise(image, sigma=25, method="nl-means")
    larger = nonloc.upscale(image, 2)
    sharp = nonloc.deblur(image, "motion:15,30")
    whole = nonloc.repair(image, "scratches")
    best, report = nonloc.restore("scan.tif", return_report=True)
    nonloc.estimate(image)
    nonloc.methods(task="denoise", runnable=True)
    nonloc.verify("clean.tif", "scan.tif")            # how it was made; made anew and compared

Importing this package loads nothing else: each name brings its module when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from . import methods
    from .image.image import Image
    from .image.read import read
    from .image.write import write
    from .methods.registry import card, create
    from .verbs.calibrate import calibrate
    from .verbs.compare import compare
    from .verbs.deblur import deblur
    from .verbs.denoise import denoise
    from .verbs.estimate import estimate
    from .verbs.repair import repair
    from .verbs.restore import restore
    from .verbs.upscale import upscale
    from .verbs.verify import verify

_HOME = {
    "Image": "image.image",
    "calibrate": "verbs.calibrate",
    "card": "methods.registry",
    "compare": "verbs.compare",
    "create": "methods.registry",
    "deblur": "verbs.deblur",
    "denoise": "verbs.denoise",
    "estimate": "verbs.estimate",
    "read": "image.read",
    "repair": "verbs.repair",
    "restore": "verbs.restore",
    "upscale": "verbs.upscale",
    "verify": "verbs.verify",
    "write": "image.write",
}
__all__ = [
    "Image",
    "__version__",
    "calibrate",
    "card",
    "compare",
    "create",
    "deblur",
    "denoise",
    "estimate",
    "methods",
    "read",
    "repair",
    "restore",
    "upscale",
    "verify",
    "write",
]


def __getattr__(name: str) -> Any:
    if name == "methods":  # the subpackage, which can be called
        return import_module(".methods", __name__)
    if name not in _HOME:
        raise AttributeError(f"module 'nonloc' has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
