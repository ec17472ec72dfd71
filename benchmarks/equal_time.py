"""Networks trained for the same core minutes and scored picture by picture: what comparisons of designs share."""

from __future__ import annotations

import csv
import dataclasses
import statistics
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from nonloc.benchmark.draws import noisy, parse_tracks
from nonloc.benchmark.protocol import protocol
from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.image.image import Image
from nonloc.methods import registry
from nonloc.metrics import im2uint8, psnr
from nonloc.training.loop import Training
from nonloc.training.recipe import Recipe, Schedule, read_recipe

FIELDS = ("variant", "seed", "set", "sigma", "picture", "psnr", "cpu_s")


def varied(base: str, seed: int, core_minutes: float, network: dict[str, Any], **fields: Any) -> Recipe:
    """The recipe `base` with another seed, length and network; validated at its end only."""
    recipe = read_recipe(base)
    return dataclasses.replace(
        recipe,
        seed=seed,
        network=network,
        schedule=Schedule(core_minutes=core_minutes, warmup=recipe.schedule.warmup),
        validate=dataclasses.replace(recipe.validate, minutes=1e9),
        **fields,
    )


def train(recipe: Recipe, folder: Path) -> Training:
    """Train on one thread to the end, from where an earlier run stopped."""
    torch.set_num_threads(1)
    training = Training(recipe, folder)
    if not training.progress.done:
        training.run()
        print(f"{folder.name}: {training.progress.step} steps, validation {training.scores}", flush=True)
    return training


def score(
    training: Training, set_name: str, sigma: float, every: int = 1, track: str = "matlab4"
) -> list[tuple[str, float, float]]:
    """(picture, PSNR, CPU seconds) of the averaged weights on a set, noise not clipped, gray where the recipe is."""
    method = registry.method_class(training.card)(training.card, module=training.ema)  # type: ignore[call-arg]
    drawn = parse_tracks(track)[0]
    mode = "gray" if training.recipe.channels == 1 else "rgb"
    rows = []
    for picture in protocol(set_name).pictures(every):
        clean = picture.pixels8(mode)
        damaged = noisy(clean, picture.path.name, sigma, drawn)
        start = time.process_time()
        restored, _ = run(Plan(method, GaussianNoise(sigma), tile=None), Image(damaged, scale=1.0))
        seconds = time.process_time() - start
        rows.append((picture.name, psnr(clean, im2uint8(restored.samples), data_range=255), seconds))
    return rows


def read(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        return []
    with open(file, newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def append(file: Path, rows: Iterable[Sequence[Any]], fields: Sequence[str] = FIELDS) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    new = not file.exists()
    with open(file, "a", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        if new:
            writer.writerow(fields)
        writer.writerows(rows)


def spread(values: Sequence[float]) -> float:
    """Standard deviation over seeds; 0 for one."""
    return statistics.stdev(values) if len(values) > 1 else 0.0
