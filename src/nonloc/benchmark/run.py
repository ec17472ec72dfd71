"""Methods over sets: every picture made noisy, restored by the one engine, scored, and kept as a row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets import DatasetPicture
from ..degradation import Degradation, Downscale, GaussianNoise
from ..engine import run as engine_run
from ..errors import Cancelled, CardError, MemoryLimit, SigmaOutOfRange, UsageError, WeightsError
from ..estimation.noise import CLEAN, estimate_any_noise
from ..image.image import Image
from ..image.resize import resize
from ..metrics import im2uint8, psnr, ssim
from ..version import __version__
from . import resolution
from .draws import REAL, REGIMES, SMALLER, Track, degradation, noisy, parse_tracks
from .entry import Entry, parse_entry
from .protocol import Protocol, protocol
from .results import Results, Row, append_row, read_rows

# What a method may refuse, so that the others still run.
REFUSALS = (SigmaOutOfRange, CardError, WeightsError, MemoryLimit)
WARM_UP = 64  # side of the crop on which a method compiles and loads before the clock runs


@dataclass(frozen=True)
class Event:
    """`done` of `total` pictures; the row that was measured, or the text of what was refused."""

    done: int
    total: int
    row: Row | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Job:
    """One method at one level on one set under one track."""

    protocol: Protocol
    entry: Entry
    sigma: float | None
    track: Track
    regime: str
    pictures: tuple[DatasetPicture, ...]


def bench(
    sets: Sequence[str],
    methods: Sequence[str],
    sigmas: Iterable[float] | None = None,
    track: str = "matlab4",
    regime: str = "float",
    *,
    every: int = 1,
    results: Path | str = "results",
    threads: int | None = None,
    fresh: bool = False,
    progress: Callable[[Event], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    root: Path | str | None = None,
    run: Callable[..., tuple[Image, Any]] = engine_run,
) -> Results:
    """Measure methods on sets; rows that stand in `results` already are not measured again.

    sets: names of protocols ('bsd68'). methods: names, or 'name:argument=value'. sigmas: on the 0-255 scale, or, of
    a set for resolution, how many times larger the method is to make its pictures;
    the protocol's own by default; on real pairs the level that the methods are told, by default the one
    estimated from the picture. track: 'matlab4', 'numpy:S', 'numpy:0..4', 'numpy-legacy', 'truncated'.
    regime: 'float' (noise not clipped) or 'clip8' (the noisy picture is an 8-bit file). every: each n-th
    picture only. threads: of torch and numba, unchanged by default. fresh: measure everything again.
    progress: called with an Event after every picture. cancel: asked after every picture. root: instead of
    NONLOC_DATA. run: instead of the engine's.

    A method that cannot do a set or a level is listed under `refused` and the others go on. Raises
    UsageError, UnknownMethod and DataMissing before anything runs; the first refusal when nothing could be
    run; Cancelled.
    """
    jobs = _jobs(sets, methods, sigmas, track, regime, every, root)
    total = sum(len(job.pictures) for job in jobs)
    found, errors, done = Results(), [], 0
    with _threads(threads):
        for job in jobs:
            file = Path(results) / f"{job.protocol.name}.csv"
            try:
                for row, new in _rows(job, [] if fresh else read_rows(file), run):
                    if new:
                        append_row(file, row)
                    done += 1
                    found.rows.append(row)
                    found.reused += not new
                    if progress:
                        progress(Event(done, total, row))
                    if cancel and cancel() and done < total:
                        raise Cancelled(
                            "the benchmark",
                            f"it was stopped after {done} of {total} pictures",
                            "Start it again to go on",
                        )
            except REFUSALS as error:
                errors.append(error)
                found.refused.append(f"{job.protocol.name}, {job.entry.label}: {error}")
                total -= sum(picture.name not in {r.picture for r in _of(job, found.rows)} for picture in job.pictures)
                if progress:
                    progress(Event(done, total, refused=found.refused[-1]))
    if errors and not found.rows:
        raise errors[0]
    return found


def _jobs(sets, methods, sigmas, track, regime, every, root) -> list[Job]:
    """All that is asked, checked before the first picture is read."""
    entries = [parse_entry(text) for text in dict.fromkeys(methods)]
    protocols = [protocol(name) for name in dict.fromkeys(sets)]
    if not entries or not protocols:
        raise UsageError("a benchmark", "no method or no set is named", "Give at least one of each")
    if regime not in REGIMES:
        raise UsageError(f"regime {regime!r}", "there is no such input regime", f"Use {' or '.join(REGIMES)}")
    levels = None if sigmas is None else tuple(dict.fromkeys(map(float, sigmas)))
    tracks = parse_tracks(track)
    jobs = []
    for found in protocols:
        pictures = tuple(found.pictures(every, root))
        asked = found.sigmas if levels is None else levels
        drawn, form = (tracks, regime)
        if found.real or found.task == "upscale":
            drawn, form = ((REAL if found.real else SMALLER,), "clip8")
        for sigma, entry, draw in product(asked or (None,), entries, drawn):
            jobs.append(Job(found, entry, sigma, draw, form, pictures))
    return jobs


def _rows(job: Job, known: list[Row], run) -> Iterator[tuple[Row, bool]]:
    """Each picture's row, and whether it is a new one."""
    channels = 3 if job.protocol.channels == "colour" else 1
    larger = job.protocol.task == "upscale"
    code, weights = job.entry.identity(channels, None if larger else job.sigma, int(job.sigma or 1) if larger else 1)
    ready = {row.picture: row for row in _of(job, known) if row.identity == (code, weights)}
    warm = False
    for picture in job.pictures:
        if picture.name in ready:
            yield ready[picture.name], False
            continue
        clean = picture.pixels8(None if larger else job.protocol.colour)  # a gray file among colour ones stays gray
        if larger:
            assert job.sigma is not None
            clean = resolution.cut(clean, job.sigma)
        damaged = _damaged(job, picture, clean)
        told = _told(job, damaged)
        if not warm:
            run(job.entry.plan(told), Image(samples=damaged[:WARM_UP, :WARM_UP].copy(), scale=1.0))
            warm = True
        yield _measure(job, picture, clean, damaged, told, (code, weights), run), True


def _measure(job: Job, picture: DatasetPicture, clean, damaged, told: Degradation, identity, run) -> Row:
    plan, image = job.entry.plan(told), Image(samples=damaged, scale=1.0)
    noise = told.noise
    seen = noise is None or noise.sigma >= CLEAN or job.entry.card.blind
    if job.protocol.real and job.sigma is None and not seen:
        plan = replace(plan, strength=0.0)  # as `nonloc denoise` leaves such a picture alone
    wall, cpu = time.perf_counter(), time.process_time()
    restored, record = run(plan, image)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    pixels = np.asarray(restored.samples)
    scores = _scores(job, clean, pixels)
    return Row(
        version=__version__,
        code=identity[0],
        method=job.entry.label,
        weights=identity[1],
        track=str(job.track),
        regime=job.regime,
        set=job.protocol.name,
        sigma=job.sigma,
        told=noise.sigma if noise is not None else None,
        picture=picture.name,
        pixels=clean.shape[0] * clean.shape[1],
        psnr=scores.psnr,
        psnr_float=scores.psnr_float,
        ssim=scores.ssim,
        psnr_input=_input(job, clean, damaged),
        cpu_s=cpu,
        wall_s=wall,
        threads=record.threads,
        device=record.device,
    ).rounded()  # the same digits, whether measured now or read back


def _scores(job: Job, clean: np.ndarray, pixels: np.ndarray) -> resolution.Scores:
    if job.protocol.task == "upscale":
        assert job.sigma is not None
        return resolution.score(clean, pixels, job.sigma)
    output = im2uint8(pixels)
    return resolution.Scores(
        psnr(clean, output, data_range=255),
        psnr(clean / 255, pixels, data_range=1),
        ssim(clean, output, data_range=255),
    )


def _input(job: Job, clean: np.ndarray, damaged: np.ndarray) -> float:
    """PSNR of what the method is given; of a small picture that of its bicubic enlargement."""
    if job.protocol.task == "upscale":
        assert job.sigma is not None
        return resolution.score(clean, resize(im2uint8(damaged), job.sigma) / 255, job.sigma).psnr
    return psnr(clean, im2uint8(damaged), data_range=255)


def _damaged(job: Job, picture: DatasetPicture, clean: np.ndarray) -> np.ndarray:
    """What the method is given, float32 with white 1."""
    if job.protocol.task == "upscale":
        assert job.sigma is not None
        return (resolution.small(clean, job.sigma) / 255).astype(np.float32)
    if job.protocol.real:
        return (picture.noisy8(job.protocol.colour) / 255).astype(np.float32)
    assert job.sigma is not None  # only real noise has no level
    return noisy(clean, picture.path.name, job.sigma, job.track, job.regime)


def _told(job: Job, damaged: np.ndarray) -> Degradation:
    """What the method is told: the noise that was added; on real pairs the given or estimated level."""
    if job.sigma is None:
        return _estimated(damaged, job.entry.card.asked_sigma)
    if job.protocol.task == "upscale":
        return Downscale(job.sigma if job.sigma % 1 else int(job.sigma))
    return GaussianNoise(job.sigma) if job.protocol.real else degradation(job.sigma, job.regime)


def _estimated(damaged: np.ndarray, asked_sigma: float) -> GaussianNoise:
    """What `nonloc denoise` would tell a method, asked for by name, of the 8-bit file."""
    planes = np.ascontiguousarray(np.moveaxis(np.atleast_3d(damaged), -1, 0))
    found = estimate_any_noise(planes, step=1 / 255).at_least(asked_sigma)
    return found.at(round(found.sigma, 2))


def _of(job: Job, rows: Iterable[Row]) -> list[Row]:
    group = (job.protocol.name, job.entry.label, str(job.track), job.regime, job.sigma)
    return [row for row in rows if row.group == group]


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """That many threads for torch and numba, and the old number again afterwards."""
    if count is None:
        yield
        return
    import numba
    import torch

    most = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    if not 1 <= count <= most:
        raise UsageError(
            f"{count} threads", f"this process can use 1 to {most}", "Set NUMBA_NUM_THREADS before the start"
        )
    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(count)
    numba.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        numba.set_num_threads(before[1])
