"""The main verb: find out what is wrong with a picture and repair it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from ..degradation import SaltAndPepper
from ..engine import Plan, Record
from ..engine.progress import Cancel, Listener
from ..errors import NonlocError
from ..estimation.forecast import best_of, unfit
from ..estimation.impulses import estimate_impulses
from ..estimation.jpeg_quality import jpeg_quality
from ..image.image import Image
from .denoise import plan_denoise
from .estimate import blur_of, sampled
from .options import Options, blank, carry_out
from .task import Task

# What `best` compares the usual method with: methods that are best on other pictures, texture and repetition
RIVALS = ("nonloc-s", "nlrn-fast", "bm3d", "wnnm", "nl-means")
# Said with every diagnosis, until more is looked for.
SCOPE = (
    "looked for: white noise, noise that grows with the light, what a camera leaves of noise, impulses, blur; blur and "
    "compression are told, not repaired; other damage is not looked for: see repair"
)


def restore(
    image: Any,
    *,
    strength: float = 1.0,
    best: bool = False,
    channel_axis: int | None = None,
    data_range: tuple[float, float] | None = None,
    options: Options | None = None,
    return_report: bool = False,
    progress: Listener | None = None,
    cancel: Cancel | None = None,
) -> Any:
    """Find out what is wrong with a picture and repair it with the best method for the case.

    best: of several methods take the one whose forecast is best on this very picture, for some thirty times the work.
    Other parameters, returns and errors as for `nonloc.denoise`; a picture with nothing wrong comes back as it was. At
    present noise is diagnosed and removed, the quality of a JPEG told, and nothing else; the report says so.
    """
    return carry_out(
        image,
        Task(
            "restore",
            settings={"strength": strength, "best": best},
            options=options,
        ),
        channel_axis=channel_axis,
        data_range=data_range,
        return_report=return_report,
        progress=progress,
        cancel=cancel,
    )


def plan_restore(
    picture: Image, *, strength: float = 1.0, best: bool = False, options: Options | None = None
) -> tuple[Plan | None, Record]:
    """What `restore` would do: a Plan, or None with a record that says why nothing is done."""
    impulses = estimate_impulses(sampled(picture))
    if impulses.fraction and strength:  # they would be taken for strong noise
        options = options or Options()
        record = blank(picture, str(impulses))
        record.warnings.append(SCOPE)
        told = SaltAndPepper(round(impulses.fraction, 3))
        reason = "they are taken out first; what noise is left can be seen after that"
        return options.plan("adaptive-median", told, None, record, reason=reason, strength=strength), record
    plan, record = plan_denoise(picture, strength=strength, options=options)
    if best and plan is not None:
        plan = _best(plan, picture, strength, options or Options())
    if (jpeg := jpeg_quality(picture)) is not None:
        record.diagnosis = f"{record.diagnosis}; {jpeg}"
    blur = blur_of(picture, plan.degradation.noise.sigma if plan is not None and plan.degradation is not None else 1.0)
    if blur.blur is not None:
        record.diagnosis = f"{record.diagnosis}; {blur}"
        record.warnings.append(f"'nonloc deblur --kernel {blur.blur}' undoes the blur; it is not done here unasked")
    record.warnings.append(SCOPE)
    return plan and replace(plan, diagnosis=record.diagnosis, warnings=tuple(record.warnings)), record


def _best(usual: Plan, picture: Image, strength: float, options: Options) -> Plan:
    """Of the usual plan and those of other methods the one with the best forecast; the usual where there is none."""
    if why := unfit(usual.degradation):
        return replace(usual, warnings=(*usual.warnings, f"the usual method was taken: {why}"))
    plans, quiet = [usual], replace(options, forecast=False)
    for name in RIVALS:
        with suppress(NonlocError):  # it does not fit the picture or the level
            plan, _ = plan_denoise(picture, method=name, strength=strength, options=quiet)
            if plan is not None and name != usual.method:
                plans.append(plan)
    chosen, found = best_of(plans, picture)
    told = [f"{_name(plan)}: {one}" for plan, one in zip(plans, found, strict=True)]
    psnr, error = found[chosen].psnr, found[chosen].error
    return replace(
        plans[chosen],
        reason=f"the best forecast of {len(plans)} methods",
        considered=tuple(told),
        forecast=None if psnr is None else (round(psnr, 2), round(error, 2)),
    )


def _name(plan: Plan) -> str:
    return plan.method if isinstance(plan.method, str) else plan.method.card.name
