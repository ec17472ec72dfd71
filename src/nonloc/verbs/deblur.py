"""Sharpen a picture whose blur is known, or can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..degradation import Blur, GaussianNoise, Sequence
from ..engine import Plan, Record
from ..engine.progress import Cancel, Listener
from ..errors import UsageError
from ..image.image import Image
from ..methods.registry import card, cards
from .estimate import blur_of, estimate_picture
from .kernel import read_kernel
from .levels import read_sigma, warn_if_far
from .options import Options, blank, carry_out
from .task import Task

# Best first, as measured (docs/deblurring.md); the first that is there is taken.
SHARPENERS = ("pnp", "tv-deconvolution")
AUTO = "auto"
LEAST = 0.5  # sigma, 0-255 scale: files are rounded, and a kernel is never known better


def deblur(
    image: Any,
    kernel: Any = AUTO,
    *,
    sigma: float | str | None = None,
    method: str | None = None,
    strength: float = 1.0,
    arguments: Mapping[str, Any] | None = None,
    channel_axis: int | None = None,
    data_range: tuple[float, float] | None = None,
    options: Options | None = None,
    return_report: bool = False,
    progress: Listener | None = None,
    cancel: Cancel | None = None,
) -> Any:
    """Undo a blur whose kernel is known, or a motion, a Gaussian or a lens out of focus that is found in the picture.

    Parameters
    ----------
    image : array (H, W) or (H, W, C), path, Image or PIL image
        Integers use their whole range; floats are in [0, 1] and may exceed it.
    kernel : text, array, path or Blur
        'motion:15,30' (length in pixels, degrees counter-clockwise), 'gaussian:1.6' and 'defocus:3' (pixels), an array
        (k, l) of the picture of a point, or a file with one. 'auto' looks for a blur that is the same in all of the
        picture; where none is certain, the picture stays as it is and the report says so.
    sigma : number, text or None
        Level of the noise on the 0-255 scale; None estimates it.
    method : str or None
        A name from ``nonloc.methods(task="deblur")``; None takes the best.
    strength, arguments, channel_axis, data_range, options, return_report, progress, cancel
        As for `nonloc.denoise`.

    Returns
    -------
    Same kind, dtype and shape as `image` (path and PIL image: an Image); with ``return_report=True`` a pair.

    Raises
    ------
    ImageError, UnknownMethod, UsageError, CardError, SigmaUnitError, MemoryLimit, Cancelled
    """
    return carry_out(
        image,
        Task(
            "deblur",
            settings={"kernel": kernel, "sigma": sigma, "method": method, "strength": strength, "arguments": arguments},
            options=options,
        ),
        channel_axis=channel_axis,
        data_range=data_range,
        return_report=return_report,
        progress=progress,
        cancel=cancel,
    )


def plan_deblur(
    picture: Image,
    kernel: Any = AUTO,
    sigma: float | str | None = None,
    method: str | None = None,
    *,
    strength: float = 1.0,
    arguments: Mapping[str, Any] | None = None,
    options: Options | None = None,
) -> tuple[Plan | None, Record]:
    """What `deblur` would do: a Plan, or None with a record that says why nothing is done."""
    options = options or Options()
    blur = None if _is_auto(kernel) else read_kernel(kernel)
    if method is not None and "blur" not in card(method).handles:
        found = f"it is there to {card(method).task}"
        raise UsageError(f"{method} to sharpen a picture", found, "See 'nonloc methods --task deblur'")
    given = read_sigma(sigma, picture)
    estimate = estimate_picture(picture)
    if blur is None:
        seen = blur_of(picture, estimate.sigma if given is None else given)
        record = blank(picture, f"{seen}; {estimate}")
        if seen.blur is None:
            record.reason = f"{seen}; give --kernel if you know it"
            return None, record
        blur = seen.blur
    else:
        record = blank(picture, f"{blur} given, estimated {estimate}")
    if strength == 0 or len(blur.kernel) == 1 or _is_point(blur):
        record.reason = "strength 0 asks for no change" if strength == 0 else f"{blur} moves nothing"
        return None, record
    if 2 * blur.radius + 1 > min(picture.height, picture.width):
        size = f"{picture.width} x {picture.height} pixels"
        raise UsageError(f"{blur} on {size}", "the kernel is larger than the picture", "Give the kernel in its pixels")
    if given is not None:
        record.warnings = warn_if_far(given, estimate)
    level = max(LEAST, estimate.sigma if given is None else given)
    reason = "asked for"
    if method is None:
        method, reason = next(name for name in SHARPENERS if name in cards()), "the default against blur"
    told = Sequence((blur, GaussianNoise(round(level, 2))))
    return options.plan(method, told, arguments, record, reason=reason, strength=strength), record


def _is_auto(kernel: Any) -> bool:
    return isinstance(kernel, str) and kernel.strip() == AUTO


def _is_point(blur: Blur) -> bool:
    return bool(blur.kernel[blur.radius, blur.radius] > 0.999)
