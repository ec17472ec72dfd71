"""A volume through a verb: one plan for all of its slices, and slabs of them restored together by the one engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from ..degradation import GaussianMap
from ..engine import Plan, Record, prepare, run
from ..engine.memory import PLANNED, predict
from ..engine.progress import Cancel, Listener, Progress
from ..engine.tiles import round_up
from ..errors import UsageError
from ..image.image import Image
from ..image.read import read_pages
from ..methods.base import Method
from ..methods.card import Card
from ..methods.registry import card
from .clip import _level as level
from .task import Task

SEEN = 9  # slices that are diagnosed, spread evenly
CORE = 3  # halos: no slab finishes fewer slices at a time, else it would be nearly all rim

Planner = Callable[[Image], tuple[Plan | None, Record]]


def card_of(plan: Plan) -> Card:
    """The card of the method that is planned."""
    return plan.method.card if isinstance(plan.method, Method) else card(plan.method)


def restores_volumes(plan: Plan | None) -> bool:
    """Whether what is planned looks at several slices together."""
    return plan is not None and card_of(plan).volume


def sees_volumes(path: Path, planner: Planner, task: Task | None) -> bool:
    """Whether the pages of a file are one volume to the method that is asked for, or planned for the first of them."""
    method = None if task is None else task.settings.get("method")
    if task is not None:
        return isinstance(method, str) and card(method).volume
    return restores_volumes(planner(next(read_pages(path)))[0])


def plan_volume(pages: Iterable[Image], planner: Planner) -> tuple[Plan | None, Record]:
    """One plan for all `pages`: of what `planner` plans for slices spread evenly, the one in the middle, by level.

    Slices that nothing can be told of, as of one without background for 'rician:auto', are passed over, unless all are.
    """
    planned: list[tuple[Plan | None, Record]] = []
    untold: list[UsageError] = []
    for number, page in enumerate(pages):
        count = page.metadata.tags.get("pages", 1)
        some = min(count, SEEN)
        # in the middle of equal parts, as the ends of a volume are often empty
        if number in {(2 * i + 1) * count // (2 * some) for i in range(some)}:
            try:
                planned.append(planner(page))
            except UsageError as error:
                untold.append(error)
            if len(planned) + len(untold) == some:
                break
    if not planned:
        raise untold[0]
    plan, record = sorted(planned, key=lambda one: level(one[0]))[len(planned) // 2]
    if len(planned) > 1:
        low, high = (f(level(one) for one, _ in planned) for f in (min, max))
        told = f"; of {len(planned)} slices spread evenly, {low:.1f} to {high:.1f}, the middle one for all"
        record.diagnosis += told if low < high else ""
    if plan is None:
        return None, record
    if isinstance(plan.degradation, GaussianMap):
        name = card_of(plan).name
        raise UsageError(f"{name} with {plan.degradation.name}", "a volume has one level", "Give one, or take bm3d")
    return replace(plan, diagnosis=record.diagnosis, forecast=None), record


def restore_volume(
    pages: Iterable[Image], plan: Plan, *, progress: Listener | None = None, cancel: Cancel | None = None
) -> Iterator[tuple[Image, Image, Record]]:
    """Each of `pages` as it was, as it is restored with its neighbours, and the record of the slab that it was in.

    pages: gray slices of one size, dtype and range, in order. Where a file holds several volumes one after the other
    (metadata tag 'slices'), each is restored by itself. At most a slab and its result are held, as much as fits into
    the plan's memory; a slab gives what the whole volume gives, to rounding.

    Raises UsageError for slices that differ, or have colour, and what `engine.run` raises.
    """
    for _, volume in groupby(enumerate(pages), lambda numbered: _volume_of(*numbered)):
        yield from _one((page for _, page in volume), plan, progress, cancel)


def _volume_of(number: int, page: Image) -> int:
    return number // page.metadata.tags["slices"] if "slices" in page.metadata.tags else 0


def _one(pages: Iterator[Image], plan: Plan, progress, cancel) -> Iterator[tuple[Image, Image, Record]]:
    """The slices of one volume."""
    first = next(pages)
    grid = card_of(plan).grid
    halo = round_up(card_of(plan).halo_exact or 0, grid)
    core = thickness(plan, first, halo, grid)
    held: deque[Image] = deque([first])
    taken, start, done = 1, 0, False  # slices that were read; the first that is not restored yet
    while not done:
        while taken < start + core + halo and (page := next(pages, None)) is not None:
            _check_alike(first, page, plan)
            held.append(page)
            taken += 1
        done = taken < start + core + halo
        stop = taken if done else start + core
        while taken - len(held) < max(0, start - halo):
            held.popleft()
        top = taken - len(held)
        within = _within(progress, start, stop, first)
        restored, record = run(plan, stacked(held), progress=within, cancel=cancel)
        for z in range(start, stop):
            after = np.ascontiguousarray(restored.samples[..., z - top])
            yield held[z - top], held[z - top].with_samples(after), record
        start = stop
        done = done or start >= taken


def stacked(pages: Iterable[Image]) -> Image:
    """Slices as one picture, whose channels they are: as an engine sees a volume."""
    pages = list(pages)
    return Image(np.stack([page.samples for page in pages], -1), pages[0].scale, pages[0].offset)


def thickness(plan: Plan, page: Image, halo: int, grid: int) -> int:
    """How many slices a slab finishes: as many as fit into the plan's memory, a multiple of `grid`.

    A function of method, size and plan alone. Not fewer than `CORE` halos; the engine cuts such a slab in tiles.
    """
    method, _ = prepare(plan, stacked([page]))

    def peak(core: int) -> int:
        shape = (page.height, page.width, core + 2 * halo)
        slab = Image(np.broadcast_to(np.zeros((), page.dtype), shape), 1.0)
        return predict(method, slab, plan, None, halo) + slab.samples.nbytes  # and the slices that it was made of

    core = least = round_up(max(CORE * halo, 16), grid)
    while peak(2 * core) <= PLANNED * plan.memory and core < 1 << 16:
        core *= 2
    while core > least and peak(core) > PLANNED * plan.memory:
        core = max(least, core // 2 // grid * grid)
    return core


def _check_alike(first: Image, page: Image, plan: Plan) -> None:
    said = [(p.samples.shape, p.dtype, p.scale, p.offset) for p in (first, page)]
    if said[0] == said[1] and page.samples.ndim == 2:
        return
    found = "its pages differ in size or range" if said[0] != said[1] else "its pages have colour"
    do = "Save each channel as a stack of its own, or take a method that restores pages one by one, such as bm3d"
    raise UsageError(f"{card_of(plan).name} on {page.path or 'a stack'}", f"{found}, so they are no volume", do)


def _within(progress: Listener | None, start: int, stop: int, page: Image) -> Listener | None:
    """Progress of one slab as that of the file, in hundredths of a slice."""
    if progress is None:
        return None
    before = page.metadata.tags.get("page", 0) + start
    whole = max(page.metadata.tags.get("pages", 1), before + stop - start) * 100

    def told(p: Progress) -> None:
        done = 100 * (stop - start) * p.done // max(p.total, 1)
        progress(Progress(before * 100 + done, whole, p.seconds))

    return told
