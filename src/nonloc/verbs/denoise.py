"""Remove noise from a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..degradation import CameraNoise, GaussianMap, GaussianNoise, PoissonGaussian, Rician, Speckle
from ..engine import Plan, Record, separate
from ..engine.progress import Cancel, Listener
from ..errors import UsageError
from ..estimation.noise import NoiseEstimate
from ..image.image import Image
from ..methods.registry import card
from .adapt import adapt
from .choose import choose_denoiser, known_level, least, measured, shines
from .estimate import estimate_picture
from .levels import AUTOMATIC, level_to_know, read_noise, read_sigma, warn_if_far
from .options import Options, blank, carry_out, foretold
from .task import Task


def denoise(
    image: Any,
    *,
    sigma: Any = None,
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
    """Remove noise from a picture; sigma is on the 8-bit scale (25 = 25/255 of white), whatever the dtype.

    Parameters
    ----------
    image : array (H, W) or (H, W, C), path, Image or PIL image
        Integers use their whole range; floats are in [0, 1] and may exceed it.
    sigma : number, text, sequence, array or None
        Standard deviation of the noise on the 0-255 scale; '0.1u' where white is 1, '120dn' in stored numbers; or the
        noise itself, as an object or as text: PoissonGaussian(0.02, 5), 'poisson-gaussian:0.02,5', 'speckle:4'. One
        for each channel as a sequence, (10, 20, 15), or '10,20,15'; for each place as an array (H, W) or the file of
        one. None estimates kind and level, and leaves a picture as it is that has less than 1.5.
    method : str or None
        A name from ``nonloc.methods(task="denoise")``; None takes the best that fits.
    strength : float
        0 gives the picture back, 1 the restored one, between them a blend.
    arguments : mapping or None
        Arguments of the method, as its card lists them.
    channel_axis : int or None
        Where the channels of an array are. None: a last axis of 3 or 4 on a 3-D array is colour.
    data_range : (low, high) or None
        What black and white are, for float data far outside [0, 1].
    options : Options or None
        Memory, device, precision, tiles.
    return_report : bool
        Also return the Record of what was done.
    progress, cancel : callables or None
        Told after each tile; asked whether to stop.

    Returns
    -------
    Same kind, dtype and shape as `image` (path and PIL image: an Image); with ``return_report=True`` a pair.

    Raises
    ------
    ImageError, UnknownMethod, SigmaOutOfRange, SigmaUnitError, UsageError, CardError, MemoryLimit, Cancelled
    """
    return carry_out(
        image,
        Task(
            "denoise",
            settings={"sigma": sigma, "method": method, "strength": strength, "arguments": arguments},
            options=options,
        ),
        channel_axis=channel_axis,
        data_range=data_range,
        return_report=return_report,
        progress=progress,
        cancel=cancel,
    )


def plan_denoise(
    picture: Image,
    sigma: Any = None,
    method: str | None = None,
    *,
    strength: float = 1.0,
    arguments: Mapping[str, Any] | None = None,
    options: Options | None = None,
) -> tuple[Plan | None, Record]:
    """What `denoise` would do: a Plan, or None with a record that says why nothing is done."""
    options = options or Options()
    if method is not None:
        check_denoises(method)  # before the work of estimating
        if card(method).volume and picture.metadata.tags.get("pages", 1) < 2:
            raise UsageError(f"{method} on a single picture", "it restores volumes", "Take bm3d or nl-means")
    given = read_sigma(sigma, picture)
    estimate = estimate_picture(picture)
    diagnosis = f"estimated {estimate}"
    record = blank(picture, diagnosis)
    blind = method is not None and card(method).blind  # it judges by itself
    if method is not None and sigma is None and not measured(picture):
        seen, estimate = estimate, estimate.at_least(card(method).asked_sigma)
        if estimate is not seen:
            record.warnings.append(f"{method} is told sigma {estimate.sigma:g}, since it was asked for by name")
    if strength == 0 or given == 0 or (given is None and estimate.sigma < least(picture) and not blind):
        record.reason = _nothing_to_do(strength, given, estimate, least(picture))
        return None, record
    noise = read_noise(sigma, picture) or (estimate.told if given is None else estimate.at(given))
    if isinstance(noise, Rician | Speckle) and not noise.zero:
        noise = replace(noise, zero=picture.offset)  # no signal is a stored 0, wherever black is
    if given is not None:
        record.warnings += [] if isinstance(noise, Speckle) else warn_if_far(given, estimate)
        told = f"sigma {given:g}" if isinstance(noise, GaussianNoise) else str(noise)
        how = "seen" if isinstance(sigma, str) and sigma.strip() in AUTOMATIC else "given"
        record.diagnosis = f"{told} {how} ({diagnosis})"
    considered: tuple[str, ...] = ()
    reason, level = "asked for", level_to_know(noise)
    asked = method is not None and given is not None  # both: what does not fit is an error
    if method is None:
        channels = 1 if separate(picture.channels) else picture.channels
        camera = isinstance(noise, CameraNoise)
        shining = shines(picture, level)
        choice = choose_denoiser(
            channels, level, options.licence, camera=camera, shining=shining, budget=options.budget
        )
        method, reason, considered = choice.method, choice.reason, choice.considered
    if not asked and known_level(card(method), level) != level:
        noise = GaussianMap(np.full((1, 1, 1), noise.noise.sigma, np.float32), f"{noise.noise.sigma:.4g}")
    plan = options.plan(method, noise, arguments, record, reason=reason, strength=strength, considered=considered)
    plan = made_fit(plan, picture)
    return (foretold(plan, picture) if options.forecast else plan), record


def made_fit(plan: Plan, picture: Image) -> Plan:
    """`plan` with its method, a name, adapted to noise that is not the same everywhere."""
    if not isinstance(plan.degradation, PoissonGaussian | Rician | Speckle | GaussianMap):
        return plan
    found = adapt(str(plan.method), plan.degradation, picture, plan.arguments, plan.licence)
    return replace(plan, method=found.method, reason=f"{plan.reason}; {found.why}" if found.why else plan.reason)


def check_denoises(method: str) -> None:
    """Raise UnknownMethod for a name that no method has, UsageError for a method that is there for something else."""
    task = card(method).task
    if task in ("upscale", "deblur"):
        raise UsageError(f"{method} to remove noise", f"it is there to {task}", f"Use 'nonloc {task}'")


def _nothing_to_do(strength: float, given: float | None, estimate: NoiseEstimate, least: float) -> str:
    if strength == 0:
        return "strength 0 asks for no change"
    if given == 0:
        return "sigma 0 asks for no change"
    return f"noise below {least:.2g} is not seen, and removing it could only take detail ({estimate})"
