"""The main verb: find out what is wrong with a picture and repair it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ..degradation import SaltAndPepper
from ..engine import Plan, Record, separate
from ..engine.progress import Cancel, Listener
from ..errors import NonlocError
from ..estimation.forecast import best_of, unfit
from ..estimation.impulses import estimate_impulses
from ..estimation.jpeg_quality import jpeg_quality
from ..image.image import Image
from ..methods.registry import card
from .choose import check_fits
from .denoise import made_fit, plan_denoise
from .estimate import blur_of, sampled
from .levels import Noise, level_to_know
from .options import Options, blank, carry_out
from .repair import MILD, plan_repair
from .task import Task

# What `best` compares the usual method with: methods that are best on other pictures, texture and repetition
RIVALS = ("nonloc-s", "nlrn-fast", "bm3d", "wnnm", "nl-means", "wavelet", "bilateral", "total-variation")
# What it is compared with unasked, in a tenth of a second: better where nothing is like a photograph
SIMPLE = ("nl-means", "bilateral")
GLANCE, CLEARLY = 128, 0.5  # side of the windows, pixels; dB by which they must be better
# Said with every diagnosis, until more is looked for.
SCOPE = (
    "looked for: white noise, noise that grows with the light, what a camera leaves of noise, impulses, JPEG "
    "compression, blur; blur is told, not undone; other damage is not looked for: see repair"
)

HIDDEN = "compression hides noise from the estimate: where grain is left, name its level to 'nonloc denoise'"


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

    Flat drawings, pages and the like, on which a simple method is better by half a decibel and more, are told apart by
    a short look at windows of the picture.

    best: of several methods take the one whose forecast is best on this very picture, for some thirty times the work.
    With `options.budget` that is done among the methods that take no more than so many seconds a megapixel.
    Other parameters, returns and errors as for `nonloc.denoise`; a picture with nothing wrong comes back as it was. At
    present noise, impulses, or where there is no noise the blocks of a JPEG are removed; the report says so.
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
    options = options or Options()
    if plan is not None:
        thorough = best or options.budget is not None
        plan = (_best if thorough else _quick)(plan, picture, strength, options)
    if (jpeg := jpeg_quality(picture)) is not None:
        if plan is None and jpeg.quality <= MILD and strength:
            plan, record = _compressed(record, picture, strength, options)
        else:
            record.diagnosis = f"{record.diagnosis}; {jpeg}"
        if jpeg.quality <= MILD:
            record.warnings.append(HIDDEN)
    noise = plan.degradation.noise if plan is not None and plan.degradation is not None else None
    blur = blur_of(picture, 1.0 if noise is None else noise.sigma)
    if blur.blur is not None:
        record.diagnosis = f"{record.diagnosis}; {blur}"
        record.warnings.append(f"'nonloc deblur --kernel {blur.blur}' undoes the blur; it is not done here unasked")
    record.warnings.append(SCOPE)
    return plan and replace(plan, diagnosis=record.diagnosis, warnings=tuple(record.warnings)), record


def _compressed(seen: Record, picture: Image, strength: float, options: Options) -> tuple[Plan | None, Record]:
    """What is done about a JPEG in which no noise is seen."""
    plan, record = plan_repair(picture, "jpeg", strength=strength, options=options)
    record.diagnosis = f"{seen.diagnosis}; {record.diagnosis}"
    return plan, record


def _quick(usual: Plan, picture: Image, strength: float, options: Options) -> Plan:
    """The usual plan, or that of a fast method where a short look says that it is better by far: pages, drawings."""
    if unfit(usual.degradation) or min(picture.height, picture.width) < GLANCE:
        return usual
    quiet = replace(options, forecast=False, ensemble=1)
    plans = [replace(usual, ensemble=1), *_rivals(usual, SIMPLE, picture, strength, quiet)]
    if len(plans) == 1:
        return usual
    chosen, found = best_of(plans, picture, probes=1, side=GLANCE)
    mine, other = found[0].psnr, found[chosen].psnr
    if mine is None or other is None or other - mine < CLEARLY:
        return usual
    return replace(
        plans[chosen],
        ensemble=usual.ensemble,
        reason=f"by a short look {other - mine:.1f} dB better than {_name(usual)} on this picture",
        considered=tuple(f"{_name(plan)}: {one}" for plan, one in zip(plans, found, strict=True)),
        forecast=usual.forecast,
    )


def _rivals(usual: Plan, names: Iterable[str], picture: Image, strength: float, options: Options) -> list[Plan]:
    """The plans of those of the methods that fit the picture and the level, without the usual one."""
    plans, noise = [], usual.degradation
    channels = 1 if separate(picture.channels) else picture.channels
    level = level_to_know(noise) if isinstance(noise, Noise) else None
    for name in names:
        with suppress(NonlocError):
            if name != _name(usual):
                check_fits(name, channels, level, options.licence)
                plan = options.plan(name, noise, None, blank(picture), reason=usual.reason, strength=strength)
                told = replace(plan, diagnosis=usual.diagnosis, warnings=usual.warnings)
                plans.append(made_fit(told, picture))
    return plans


def _best(usual: Plan, picture: Image, strength: float, options: Options) -> Plan:
    """Of the usual plan and those of other methods the one with the best forecast; the usual where there is none."""
    if why := unfit(usual.degradation):
        return replace(usual, warnings=(*usual.warnings, f"the usual method was taken: {why}"))
    most = math.inf if options.budget is None else options.budget
    names = (name for name in RIVALS if (card(name).seconds_per_mp or 0) <= most)
    plans = [usual, *_rivals(usual, names, picture, strength, replace(options, forecast=False))]
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
