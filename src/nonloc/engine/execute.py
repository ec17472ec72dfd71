"""Any method on any picture: the one way through."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..degradation import Degradation
from ..errors import MemoryLimit, UsageError
from ..image.image import Image
from ..image.layout import let_go
from ..methods import registry
from ..methods.base import Method, NetworkMethod
from ..version import __version__
from .anchor import REACH, anchor, anchors
from .canvas import Canvas, enlargement
from .channels import separate
from .device import check_precision, choose_device, forward, place, threads
from .duration import expect
from .ensemble import SIZES, self_ensemble
from .memory import SMALLEST, choose_tile, give_back, predict
from .plan import Plan
from .progress import Cancel, Listener, Meter
from .record import Record
from .tiles import Tile, count, pad, round_up, tiles

TOO_MUCH = 2.5  # times the picture's own pixels: more, and 'auto' takes the fast halo
FINEST = 64  # largest denominator of a factor by which turned views are made


def prepare(plan: Plan, image: Image) -> tuple[Method, Record]:
    """The method, and the record of what `run` will do: tiles, device, predicted peak. Nothing is computed."""
    method = _method(plan, image)
    card = method.card
    times, grid = enlargement(card, plan.degradation), _grid(plan, method)
    if times != 1 and plan.strength != 1:
        raise UsageError(f"strength {plan.strength:g}", "an enlarged picture has none to blend with", "Leave it out")
    if plan.ensemble > 1 and times.denominator > FINEST:
        found = f"turned views do not meet again at a factor of {float(times):g}"
        raise UsageError(f"ensemble {plan.ensemble}", found, "Leave it out, or take a rounder factor, such as 1.5")
    side, halo, fallbacks = _tiling(plan, method, image, grid)
    if side is not None and not card.tiles:
        raise UsageError(f"{card.name} in tiles", card.tiles_why, "Run it on the whole picture, with more --memory")
    if side is not None and side >= max(image.height, image.width):
        side = None
    side = None if side is None else round_up(side, grid)
    record = Record(
        method=card.name,
        title=card.title,
        fidelity=card.fidelity,
        degradation=str(plan.degradation) if plan.degradation is not None else None,
        arguments={name: value for name, value in plan.arguments.items()},
        diagnosis=plan.diagnosis,
        reason=plan.reason,
        considered=list(plan.considered),
        warnings=list(plan.warnings),
        forecast=plan.forecast,
        fallbacks=fallbacks,
        weights=method.weights.file if method.weights else None,
        weights_sha256=method.weights.sha256 if method.weights else None,
        weights_licence=method.weights.licence if method.weights else None,
        size=(image.height, image.width, image.channels),
        factor=float(times),
        device=choose_device(plan.device) if method.kind == "network" else "cpu",
        precision=check_precision(plan.precision) if method.kind == "network" else "fp32",
        tile=side,
        halo=0 if side is None else round_up(halo, grid),
        tiles=count(image.height, image.width, side, grid),
        batch=plan.batch,
        ensemble=plan.ensemble,
        strength=plan.strength,
        threads=threads(method.kind),
        peak=predict(method, image, plan, side, halo),
        expected_cpu_seconds=expect(method, image, plan, side, halo, grid),
        version=__version__,
    )
    return method, record


def run(
    plan: Plan, image: Image, *, progress: Listener | None = None, cancel: Cancel | None = None
) -> tuple[Image, Record]:
    """Carry out `plan` on `image`: the restored picture, dtype and all as before, and the record.

    Raises what the registry raises for a method that does not fit, MemoryLimit, and Cancelled.
    """
    method, record = prepare(plan, image)
    if separate(image.channels, method.card):
        why = "neither gray nor RGB" if separate(image.channels) else f"{method.card.name} restores gray pictures"
        record.fallbacks.append(f"{why}: each of the {image.channels} channels was restored alone")
    wall, cpu = time.perf_counter(), time.process_time()
    while True:
        try:
            canvas = _run_tiles(plan, method, image, record, progress, cancel)
            break
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, MemoryLimit) or not _is_memory(error):
                raise
            _shrink(record, method, image, _grid(plan, method), record.halo or _halo(plan, method))
    record.seconds = time.perf_counter() - wall
    record.cpu_seconds = time.process_time() - cpu
    record.found = canvas.found
    return image.with_samples(canvas.samples), record


def _run_tiles(plan, method, image, record, progress, cancel) -> Canvas:
    """What comes out, tile by tile; each core is written once, by its own tile."""
    if isinstance(method, NetworkMethod):
        place(method.module, record.device)
    grid = _grid(plan, method)
    told = plan.degradation
    if type(method).measure is not Method.measure:
        told = method.measure(image.pixels()[np.newaxis], told)
    local = isinstance(told, Degradation) and told.local
    if local and plan.ensemble > 1:
        raise UsageError(f"ensemble {plan.ensemble}", "what is told of single places cannot be turned", "Leave it out")
    canvas = Canvas(image, enlargement(method.card, plan.degradation))
    meter = Meter(record.tiles, progress, cancel)
    pieces = tiles(image.height, image.width, record.tile, record.halo, grid)
    for group in _groups(pieces, 1 if local else record.batch):
        padded = pad(_read(image, group), _multiple(plan, method), method.card.minimum)
        let_go(image.samples)
        extras: list[dict[str, Any]] = []
        restore = partial(_restore, method, told.part(*group[0].read) if local else told, record, extras)
        if anchors(method.card, plan.degradation):
            restore = partial(_anchored, restore)
        restored = self_ensemble(restore, padded, plan.ensemble) if plan.ensemble > 1 else restore(padded)
        del padded
        for i, tile in enumerate(group):
            canvas.put(tile, restored[i], _of_sample(extras, i) if plan.ensemble == 1 else [], plan.strength)
        del restored
        if record.tile is not None:
            give_back()
        meter.tell(len(group))
    return canvas


def _of_sample(extras: list[dict[str, Any]], i: int) -> list[dict[str, Any]]:
    return [{name: places[i] for name, places in extra.items()} for extra in extras]


def _read(image: Image, group: list[Tile]) -> np.ndarray:
    """The pixels of the tiles, (B, C, h, w)."""
    if len(group) == 1:
        return image.pixels(*group[0].read)[np.newaxis]  # without the copy that stacking makes
    return np.stack([image.pixels(*tile.read) for tile in group])


def _anchored(restore: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray) -> np.ndarray:
    return anchor(restore(pixels), pixels)


def _restore(method: Method, told, record: Record, extras: list, pixels: np.ndarray) -> np.ndarray:
    if separate(pixels.shape[1], method.card):
        alone = (pixels[:, c : c + 1] for c in range(pixels.shape[1]))
        return np.concatenate([_restore(method, told, record, extras, channel) for channel in alone], 1)
    call = partial(_pixels_alone, method, told, extras)
    if method.kind == "network":
        return forward(call, pixels, record.device, record.precision)
    return call(pixels)


def _pixels_alone(method: Method, told, extras: list, pixels):
    """What the method restored; what it gives beside the pixels goes into `extras`."""
    restored = method.restore(pixels, told)
    if isinstance(restored, tuple):
        restored, found = restored
        extras.append(found)
    return restored


def _method(plan: Plan, image: Image) -> Method:
    if plan.ensemble not in SIZES:
        raise UsageError(f"ensemble {plan.ensemble}", "there are eight views of a square", "Use 1, 2, 4 or 8")
    if isinstance(plan.method, Method):
        return plan.method
    noise = plan.degradation.noise if plan.degradation is not None else None
    known = registry.card(plan.method)
    return registry.create(
        plan.method,
        channels=1 if known.volume or separate(image.channels, known) else image.channels,
        sigma=noise.sigma if noise is not None else None,
        licence=plan.licence,
        arguments=plan.arguments,
        factor=math.ceil(enlargement(known, plan.degradation)),
    )


def _halo(plan: Plan, method: Method) -> int:
    further = REACH if anchors(method.card, plan.degradation) else 0
    fast = plan.halo == "fast" and method.card.halo_8bit is not None
    halo = (method.card.halo_8bit if fast else method.card.halo_exact) or 0
    # what makes a picture smaller looks the further the smaller it makes it
    return math.ceil(halo / min(1.0, float(enlargement(method.card, plan.degradation)))) + further


def _tiling(plan: Plan, method: Method, image: Image, grid: int) -> tuple[int | None, int, list[str]]:
    """Side of the tiles (None: the whole picture), their halo, and what to say where 'auto' could not be exact."""
    if plan.halo not in ("auto", "exact", "fast"):
        raise UsageError(f"halo {plan.halo!r}", "no such halo", "Use 'auto', 'exact' or 'fast'")
    halo = _halo(plan, method)
    fast = None if method.card.halo_8bit is None else _halo(replace(plan, halo="fast"), method)
    if plan.tile is None or (isinstance(plan.tile, int) and plan.tile > 0):
        return plan.tile, halo, []
    if plan.tile != "auto":
        raise UsageError(f"tile {plan.tile!r}", "it is no size", "Give pixels, 'auto' or None for the whole picture")
    why = ""
    try:
        side = choose_tile(method, image, plan, halo, grid)
        work = sum(math.prod(t.shape) for t in tiles(image.height, image.width, side, halo, grid))
        if work > TOO_MUCH * image.height * image.width:
            why = f"would cost {work / (image.height * image.width):.1f} times the work"
    except MemoryLimit as error:
        if plan.halo != "auto" or fast is None:
            raise
        why = f"do not fit: {error.args[1]}"
    if plan.halo != "auto" or fast is None or not why:
        return side, halo, []
    side = choose_tile(method, image, plan, fast, grid)
    told = f"tiles with a rim of {fast} pixels, within half an 8-bit level; exact ones, with {halo}, {why}"
    return side, fast, [told]


def _grid(plan: Plan, method: Method) -> int:
    """What cores begin at multiples of: also such that they begin at whole samples of the enlarged picture."""
    parts = enlargement(method.card, plan.degradation).denominator
    return math.lcm(method.card.grid, method.card.multiple, parts)


def _multiple(plan: Plan, method: Method) -> int:
    # turned views keep the grid only when both ends of the picture lie on it
    return _grid(plan, method) if plan.ensemble > 1 else method.card.multiple


def _groups(pieces: Iterable[Tile], size: int) -> Iterator[list[Tile]]:
    """Runs of up to `size` neighbouring tiles of the same shape."""
    pending: list[Tile] = []
    for tile in pieces:
        if pending and (len(pending) == size or tile.shape != pending[0].shape):
            yield pending
            pending = []
        pending.append(tile)
    if pending:
        yield pending


def _is_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "out of memory" in str(error).lower() or "alloc" in str(error).lower()


def _shrink(record: Record, method: Method, image: Image, grid: int, halo: int) -> None:
    """Half the tile after memory ran out; MemoryLimit when it cannot be halved."""
    side = record.tile or max(image.height, image.width)
    smaller = round_up(side // 2, grid)
    if not method.card.tiles or smaller < SMALLEST or smaller >= side:
        raise MemoryLimit(
            f"{image.width} x {image.height} pixels with {method.card.name}",
            "the machine's memory ran out at the smallest tile",
            "Close other programs, or take a smaller picture",
        )
    record.fallbacks.append(f"memory ran out with tiles of {side}; {smaller} were taken")
    record.tile, record.halo = smaller, round_up(halo, grid)
    record.tiles = count(image.height, image.width, smaller, grid)
