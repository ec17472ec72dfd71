"""A clip through a verb: one plan for each of its planes, and each frame restored by it through the one engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import tee
from operator import itemgetter
from typing import Any

import numpy as np

from ..degradation import Degradation, GaussianNoise
from ..engine import Plan, Record, prepare, run
from ..image.image import Image
from ..methods.registry import card

SEEN = 5  # frames that are diagnosed
CLIPS, PICTURES = "temporal", "nonloc-s"  # the default for clips, where that of pictures would run

Planner = Callable[[Image], tuple[Plan | None, Record]]


def plan_clip(
    first: Sequence[tuple[Image, ...]], planner: Planner, shares: Sequence[float], *, given: bool, chosen: bool
) -> tuple[list[Plan | None], Record]:
    """A plan for each plane of the whole clip, and the record of the first plane, which is gray or brightness.

    first: planes of some frames. Of what `planner` plans for each the one in the middle is taken, by level of noise.
    shares: how much of white noise in R, G and B there is in each plane; a level that was `given` is of R, G and B.
    chosen: whether the user named the method. If not, white noise is removed by the method for clips.
    """
    plans: list[Plan | None] = []
    records: list[Record] = []
    for planes, share in zip(zip(*first, strict=True), shares, strict=True):
        plan, record = _middle([planner(plane) for plane in planes[: 1 if given else None]])
        if plan is not None and isinstance(plan.degradation, GaussianNoise):
            if given:
                plan = replace(plan, degradation=GaussianNoise(plan.degradation.sigma * share))
            if not chosen and plan.method == PICTURES and plan.ensemble == 1:
                plan = replace(plan, method=CLIPS, reason="the default denoiser for clips")
        plans.append(plan)
        records.append(record)
    record = records[0]
    if len(plans) > 1:
        levels = ", ".join(f"{_level(plan):.1f}" for plan in plans)
        same = f"; sigma {_level(plans[0]) / shares[0]:.1f} in red, green and blue gives that in brightness"
        record.diagnosis = f"{record.diagnosis}; brightness and two differences of colour have sigma {levels}{same}"
    plans = [plan and replace(plan, diagnosis=record.diagnosis) for plan in plans]
    return plans, record


def _middle(planned: list[tuple[Plan | None, Record]]) -> tuple[Plan | None, Record]:
    planned = sorted(planned, key=lambda one: _level(one[0]))
    plan, record = planned[len(planned) // 2]
    if len(planned) > 1:
        low, high = (_level(planned[at][0]) for at in (0, -1))
        record.diagnosis += f"; of the first {len(planned)} frames, {low:.1f} to {high:.1f}, the middle one"
    return plan, record


def reach(plan: Plan | None) -> int:
    """How many frames before and behind a frame its restoration looks at."""
    if plan is None or not isinstance(plan.method, str) or card(plan.method).family != "video":
        return 0
    from ..methods.registry import method_class

    return getattr(method_class(card(plan.method)), "reach", 0)


def restore_planes(
    frames: Iterable[tuple[Image, ...]], plans: Sequence[Plan | None], lead: int = 0
) -> Iterator[tuple[Image, ...]]:
    """Each frame restored, each plane as `restore_frames` does by its own plan."""
    copies = enumerate(tee(frames, len(plans)))
    alone = [restore_frames(map(itemgetter(i), copy), plans[i], lead) for i, copy in copies]
    yield from zip(*alone, strict=True)


def restore_frames(pictures: Iterable[Image], plan: Plan | None, lead: int = 0) -> Iterator[Image]:
    """Each picture restored, in order; at most 2 `reach(plan)` + 3 are held.

    lead: how many at the beginning are only looked at by those behind them. Errors as for `engine.run`.
    """
    before = reach(plan)
    if plan is None or not before:
        for number, picture in enumerate(pictures):
            if number >= lead:
                yield picture if plan is None else run(plan, picture)[0]
        return
    pictures = iter(pictures)
    first = next(pictures, None)
    if first is None:
        return
    whole = replace(plan, method=prepare(plan, first)[0], strength=1.0)

    def once(picture: Image, degradation: Degradation) -> Image:
        return run(replace(whole, degradation=degradation), picture)[0]

    noise = plan.degradation.noise if plan.degradation is not None else None
    method: Any = whole.method
    originals: list[Image] = []  # those that are not given back yet

    def noted() -> Iterator[Image]:
        for number, picture in enumerate(_with(first, pictures)):
            if number >= lead:
                originals.append(picture)
            yield picture

    for restored in method.sequence(noted(), noise, once, lead):
        yield _blend(originals.pop(0), restored, plan.strength)


def _with(first: Image, others: Iterator[Image]) -> Iterator[Image]:
    yield first
    yield from others


def _blend(original: Image, restored: Image, strength: float) -> Image:
    if strength == 1:
        return restored
    blend = original.pixels() + np.float32(strength) * (restored.pixels() - original.pixels())
    return original.with_samples(original.stored(blend))


def _level(plan: Plan | None) -> float:
    noise = plan.degradation.noise if plan is not None and plan.degradation is not None else None
    return 0.0 if noise is None else float(noise.sigma)
