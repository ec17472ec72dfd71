"""Enlarge a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from ..degradation import Degradation, Downscale, GaussianNoise, Sequence
from ..engine import Plan, Record, separate
from ..engine.progress import Cancel, Listener
from ..errors import NonlocError, UsageError
from ..estimation.noise import CLEAN
from ..image.image import Image
from ..methods.base import Method, NetworkMethod
from ..methods.card import Weights
from ..methods.registry import card, cards, choose_weights, create
from ..methods.weights import locate
from .estimate import estimate_picture
from .kernel import read_kernel
from .levels import read_sigma
from .options import Options, blank, carry_out
from .task import Task

# Best first, as measured on Set5 and Set14 (docs/resolution.md); the first that fits is taken.
ENLARGERS = ("sr-fast", "bicubic")
NOISY = ("sr-noisy",)  # where noise is told: better than one after the other
JOINT = "pnp-upscale"  # the default where a blur is given, too
LARGEST = 64  # times; more is a slip of the pen


def upscale(
    image: Any,
    factor: float = 2,
    *,
    method: str | None = None,
    kernel: Any = None,
    sigma: float | str | None = None,
    arguments: Mapping[str, Any] | None = None,
    channel_axis: int | None = None,
    data_range: tuple[float, float] | None = None,
    options: Options | None = None,
    return_report: bool = False,
    progress: Listener | None = None,
    cancel: Cancel | None = None,
) -> Any:
    """Make a picture `factor` times as large; sides are rounded up.

    Parameters
    ----------
    image : array (H, W) or (H, W, C), path, Image or PIL image
        Integers use their whole range; floats are in [0, 1] and may exceed it.
    factor : float
        Above 0; below 1 makes it smaller, by interpolation, without aliasing.
    method : str or None
        A name from ``nonloc.methods(task="upscale")``; None takes the best that fits. A network that was trained for
        some factors serves any other, too: it enlarges by the next one above, and the result is brought to size.
    kernel, sigma : as for `nonloc.deblur`, or None
        The blur before the picture became small, and the noise after, for methods that undo them, too.
    arguments, channel_axis, data_range, options, return_report, progress, cancel
        As for `nonloc.denoise`.

    Returns
    -------
    Same kind and dtype as `image` (path and PIL image: an Image); with ``return_report=True`` a pair.

    Raises
    ------
    ImageError, UnknownMethod, UsageError, CardError, WeightsError, MemoryLimit, Cancelled
    """
    return carry_out(
        image,
        Task(
            "upscale",
            settings={"factor": factor, "method": method, "kernel": kernel, "sigma": sigma, "arguments": arguments},
            options=options,
        ),
        channel_axis=channel_axis,
        data_range=data_range,
        return_report=return_report,
        progress=progress,
        cancel=cancel,
    )


def plan_upscale(
    picture: Image,
    factor: float = 2,
    method: str | None = None,
    *,
    kernel: Any = None,
    sigma: float | str | None = None,
    arguments: Mapping[str, Any] | None = None,
    options: Options | None = None,
) -> tuple[Plan | None, Record]:
    """What `upscale` would do: a Plan, or None with a record that says why nothing is done."""
    options = options or Options()
    factor = read_factor(factor)
    if method is not None and "downscale" not in card(method).handles:
        found = f"it is there to {card(method).task}"
        raise UsageError(f"{method} to enlarge a picture", found, "See 'nonloc methods --task upscale'")
    record = blank(picture, f"{picture.width} x {picture.height} pixels to be {factor:g} times as large")
    if factor == 1:
        record.reason = "factor 1 asks for no change"
        return None, record
    told = _told(picture, factor, kernel, sigma)
    noise = estimate_picture(picture)
    if noise.sigma >= CLEAN and factor > 1 and told.noise is None:
        record.warnings.append(f"the picture has noise ({noise}), which is enlarged with it: denoise it first")
    channels = 1 if separate(picture.channels) else picture.channels
    if method is None and told.blur is not None and JOINT in cards():
        method = JOINT
    if method is not None:
        _check_told(method, told)
    reason, considered = "asked for", tuple[str, ...]()
    if method is None:
        level = told.noise.sigma if told.noise is not None else None
        method, reason, considered = _choose(channels, factor, options.licence, level)
        if level is not None and "gaussian" not in card(method).handles:
            record.warnings.append(f"{method} enlarges the noise with the picture: denoise it first")
    chosen = _at(method, channels, factor, arguments, options.licence)
    plan = options.plan(chosen, told, arguments, record, reason=reason, considered=considered)
    return plan, record


def _told(picture: Image, factor: float, kernel: Any, sigma: float | str | None) -> Degradation:
    """What happened to the picture, in its order: blur, loss of resolution, noise."""
    level = read_sigma(sigma, picture)
    steps: list[Degradation] = [] if kernel is None else [read_kernel(kernel)]
    steps.append(Downscale(factor))
    if level:
        steps.append(GaussianNoise(level))
    return steps[0] if len(steps) == 1 else Sequence(tuple(steps))


def _check_told(method: str, told: Degradation) -> None:
    """Raise UsageError where the method would leave out some of what it is told."""
    for kind, there in (("blur", told.blur), ("gaussian", told.noise)):
        if there is not None and kind not in card(method).handles:
            found = f"it undoes {', '.join(card(method).handles)} only"
            do = "Leave it out, or take a method whose card says it does; see 'nonloc methods --task upscale'"
            raise UsageError(f"{method} for {there}", found, do)


def read_factor(factor: float) -> float:
    """The factor as a number that is one; UsageError otherwise."""
    if not (math.isfinite(factor) and 1 / LARGEST <= factor <= LARGEST):
        raise UsageError(f"factor {factor:g}", "it is no size", f"Give how many times as large, up to {LARGEST}")
    return int(factor) if factor == int(factor) else factor


def _choose(channels: int, factor: float, licence: str | None, level: float | None) -> tuple[str, str, tuple[str, ...]]:
    """Method, reason, and why those before it were passed over; level: of noise that is told."""
    passed: list[str] = []
    order = (*NOISY, *ENLARGERS) if level is not None else ENLARGERS
    for name in order if factor > 1 else ENLARGERS[-1:]:
        if name not in cards():
            continue
        try:
            if name in NOISY:  # its level is that of the factor which it was trained for
                chosen = choose_weights(card(name), channels, level, licence, cast(int, factor))
                locate(card(name), cast(Weights, chosen))
                return name, "the default for larger pictures with noise", ()
            _weights(name, channels, factor, licence)
        except NonlocError as error:
            passed.append(f"{name}: {error.args[1]}")
            continue
        return name, "the default for larger pictures" if not passed else "the best that fits", tuple(passed)
    return "bicubic", "without aliasing", ()


def _at(
    name: str, channels: int, factor: float, arguments: Mapping[str, Any] | None, licence: str | None
) -> str | Method:
    """The method by its name, or made to serve a factor that it was not trained for."""
    found = card(name)
    if not found.factors or factor in found.factors:
        return name
    if factor < 1:
        raise UsageError(f"{name} at factor {factor:g}", "it makes pictures larger", "Take bicubic to make one smaller")
    from ..methods.resolution.any_factor import AnyFactor, nearest_factor

    trained = nearest_factor([w.factor for w in found.weights] or found.factors, factor)
    inside = create(name, channels=channels, licence=licence, arguments=arguments, factor=trained)
    return AnyFactor(cast(NetworkMethod, inside), trained)


def _weights(name: str, channels: int, factor: float, licence: str | None) -> None:
    """Raise what stands against the method."""
    found = card(name)
    if found.factors:
        from ..methods.resolution.any_factor import nearest_factor

        choose_weights(found, channels, None, licence, nearest_factor(found.factors, factor))
