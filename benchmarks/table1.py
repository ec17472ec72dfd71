"""The review article's Table 1, measured: perceptron, convolutional, recurrent networks at equal time and equal cost.

Five denoisers of one cost (table1_networks.py) and two for sequences (sequences.py) train for the same core minutes on
one thread, then every probe (probes.py, by_memory) is taken of each. A claim is confirmed or refuted by a difference of
more than twice the spread of the seeds, and undecided otherwise (table1_page.py).

    NONLOC_DATA=... python benchmarks/table1.py [--minutes 20] [--seeds 3] [--only cnn rnn-nl] [--print-only]

Trains what is missing, and goes on where it was stopped: trainings live in runs/table1, a row of a measured network in
results/table1.csv is never measured again. Ends by writing the tables and plots of docs/table1.md from that file.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import probes
import sequences
import table1_networks
import table1_page
import torch
from equal_time import append, read, varied
from noise_kinds import KINDS, MIXTURE
from table1_networks import Steps

from nonloc.datasets import load
from nonloc.training.data import as_planes
from nonloc.training.loop import Training
from nonloc.training.recipe import Data, Recipe

FIELDS = ("network", "seed", "minutes", "probe", "at", "value")
Row = tuple[str, str, float]  # probe, at, value


@dataclass(frozen=True)
class Scale:
    """How large the experiment is. The suite runs a small one, with the same code.

    designs, sequences: the networks. precision: of all trainings. patch, batch: of a step of training; clip, frames,
    clips: the same for sequences. pictures: how many of bsd32val the probes see; validated: how many the learning
    curve. side: of the squares for gradients and attention. strip: height and width of those for copies. sizes,
    distances, radii: of the probes.
    """

    designs: dict[str, dict[str, Any]] = field(default_factory=lambda: table1_networks.DESIGNS)
    sequences: dict[str, dict[str, Any]] = field(default_factory=lambda: sequences.DESIGNS)
    precision: str = "bf16"
    patch: int = 64
    batch: int = 8
    clip: int = 48
    frames: int = 10
    clips: int = 2
    pictures: int = 16
    validated: int = 4
    side: int = 192
    strip: tuple[int, int] = (64, 192)
    sizes: tuple[int, ...] = (32, 48, 64, 96)
    distances: tuple[int, ...] = (8, 16, 32, 64, 128)
    radii: tuple[int, ...] = (2, 4, 8, 16, 32, 64)


class NoisyTraining(Training):
    """The one training loop on the mixture of noises; a recipe's text knows white noise alone."""

    def __init__(self, recipe: Recipe, folder: Path):
        table1_networks.enlist()
        super().__init__(dataclasses.replace(recipe, method=table1_networks.METHOD), folder)
        self.degradation = MIXTURE

    def metadata(self) -> dict[str, Any]:
        found = super().metadata()
        return found | {"recipe": found["recipe"] | {"degradation": str(MIXTURE)}}


def trained(name: str, seed: int, minutes: float, scale: Scale, runs: Path) -> Training:
    """The network trained to its end on one thread, from where an earlier run stopped."""
    torch.set_num_threads(1)
    moving = name in scale.sequences
    network = scale.sequences[name] if moving else scale.designs[name]
    patch, batch = (scale.clip, scale.clips) if moving else (scale.patch, scale.batch)
    recipe = varied("dncnn-s-25", seed, minutes, network, data=Data(("bsd398",), patch, batch))
    validate = dataclasses.replace(
        recipe.validate, minutes=minutes / 10, count=0 if moving else scale.validated, sigma=() if moving else (25,)
    )
    # one precision for all: which is the faster may differ, and a busy machine misjudges
    recipe = dataclasses.replace(recipe, name=f"table1-{name}", validate=validate, precision=scale.precision)
    folder = runs / f"{name}-{seed}"
    training = sequences.ClipTraining(recipe, folder, scale.frames) if moving else NoisyTraining(recipe, folder)
    if not training.progress.done:
        training.run()
    print(f"{folder.name}: {training.progress.step} steps, {training.scores}", flush=True)
    return training


def measured(name: str, training: Training, scale: Scale) -> Iterator[Row]:
    """All that is asked of one trained network."""
    module = training.ema
    yield "train", "steps", training.progress.step
    pictures = [as_planes(p, 1)[0] for p in load("bsd32val")]
    if name in scale.sequences:
        for what, value in sequences.counted(module).items():
            yield "cost", what, value
        stills = [torch.from_numpy(p[None]) for p in pictures]
        clips, noise = sequences.held_out_clips(stills, scale.clip)
        for memory, value in sequences.by_memory(module, clips, noise).items():
            yield "memory", str(memory), value
        return
    pictures = [p[: p.shape[0] // 4 * 4, : p.shape[1] // 4 * 4] for p in pictures[: scale.pictures]]
    # by tenths of the time, so that seeds can be averaged
    curve = {f"{float(line['fraction']):.1f}": float(line["psnr_25"]) for line in read(training.folder / "log.csv")}
    for fraction, value in curve.items():
        yield "curve", fraction, value
    yield from costs(module, scale.designs[name], pictures[0])
    for kind, noise_of_kind in KINDS.items():
        pairs = [(p, noise_of_kind.apply(p / 255, _rng(p, kind))) for p in pictures]
        yield "noise", kind, probes.quality(module, pairs)
    yield from steps(module, pictures, scale)
    yield from context(module, pictures, scale)
    yield from copies(module, pictures, scale)
    yield from sizes(module, pictures, scale)


def costs(module: torch.nn.Module, design: dict[str, Any], picture: np.ndarray) -> Iterator[Row]:
    # windows span a square of 4 q exactly, see probes.kflop_per_pixel
    side = 4 * design["window"] if design.get("window") else 480
    yield "cost", "parameters", probes.parameters(module)
    yield "cost", "kflop", probes.kflop_per_pixel(module, side)
    yield "cost", "uses", probes.uses_per_pixel(module, 480)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        probes.restored(module, picture / 255)
        seconds.append(time.process_time() - start)
    yield "cost", "seconds", min(seconds) / picture.size * 1e6


def steps(module: torch.nn.Module, pictures: list[np.ndarray], scale: Scale) -> Iterator[Row]:
    if not isinstance(module, Steps):
        return
    squares = [_middle(p, scale.side) for p in pictures]
    pairs = [(p, KINDS["white"].apply(p / 255, _rng(p, "steps"))) for p in squares]
    for t, value in enumerate(probes.by_step(module, pairs, module.steps), start=1):
        yield "step", str(t), value


def context(module: torch.nn.Module, pictures: list[np.ndarray], scale: Scale) -> Iterator[Row]:
    """Where the gradient of a pixel near the middle lies, and how wide attention is."""
    shares, found = [], []
    for i, p in enumerate(pictures):
        noisy = KINDS["white"].apply(_middle(p, scale.side) / 255, _rng(p, "context"))
        middle = scale.side // 2
        at = (middle + i % 4, middle + i // 4 % 4)  # all 16 places on the coarse grid
        share = probes.gradient(module, noisy, at)
        y, x = np.mgrid[: scale.side, : scale.side]
        distance = np.hypot(y - at[0], x - at[1])
        shares.append([probes.radius_of(share, at), *(float(share[distance <= r].sum()) for r in scale.radii)])
        if isinstance(module, Steps) and module.window:
            logits, sides = probes.logits_by_step(module, noisy)
            window = module.window
            found.append([probes.spread_of_attention(S, sides, window, scale.side // sides[0]) for S in logits])
    radius, *within = np.mean(shares, axis=0)
    yield "gradient", "radius", float(radius)
    for r, value in zip(scale.radii, within, strict=True):
        yield "gradient", str(r), float(value)
    if found:
        for t, (entropy, away) in enumerate(np.mean(found, axis=0), start=1):
            yield "entropy", str(t), float(entropy)
            yield "distance", str(t), float(away)


def copies(module: torch.nn.Module, pictures: list[np.ndarray], scale: Scale) -> Iterator[Row]:
    """What a copy of the liveliest 32 x 8 pixels of each strip brings: decibels over the same pixels turned around."""
    height, width = scale.strip
    errors = []
    for p in pictures:
        for top in range(0, p.shape[0] - height + 1, 2 * height):
            strip = p[top : top + height, :width] / 255
            last = (width - max(scale.distances) - 8) // 4
            y = (height - 32) // 8 * 4
            x = 4 * int(np.argmax([strip[y : y + 32, 4 * c : 4 * c + 8].std() for c in range(last + 1)]))
            noise = KINDS["white"].apply(np.zeros_like(strip), _rng(p, f"copy {top}"))
            errors.append(probes.copy_errors(module, strip, noise, (y, x), (32, 8), scale.distances))
    for distance, column in zip(scale.distances, zip(*errors, strict=True), strict=True):
        turned, alike = (probes.decibels(e) for e in zip(*column, strict=True))
        yield "copy", str(distance), alike - turned


def sizes(module: torch.nn.Module, pictures: list[np.ndarray], scale: Scale) -> Iterator[Row]:
    """The same pixels, restored as the middle of small pictures and of the whole one."""
    core = min(scale.sizes)
    rim = (max(scale.sizes) - core) // 2
    errors = []
    for p in pictures:
        clean = p / 255
        noisy = KINDS["white"].apply(clean, _rng(p, "size"))
        whole = probes.restored(module, noisy)
        for y in range(rim, p.shape[0] - core - rim + 1, 64):
            for x in range(rim, p.shape[1] - core - rim + 1, 96):
                inner = (slice(y, y + core), slice(x, x + core))
                small = probes.core_errors(module, clean, noisy, (y, x), core, scale.sizes)
                errors.append([*small, float(np.mean((whole[inner] - clean[inner]) ** 2))])
    for size, column in zip((*map(str, scale.sizes), "whole"), zip(*errors, strict=True), strict=True):
        yield "size", size, probes.decibels(column)


def _middle(picture: np.ndarray, side: int) -> np.ndarray:
    y, x = ((n - side) // 2 for n in picture.shape)
    return picture[y : y + side, x : x + side]


def _rng(picture: np.ndarray, purpose: str) -> np.random.Generator:
    """The same noise for each network."""
    return np.random.default_rng([zlib.crc32(picture.tobytes()), zlib.crc32(purpose.encode())])


def experiment(scale: Scale, minutes: float, seeds: int, only: list[str], runs: Path, file: Path) -> None:
    """Train and measure what the file does not have."""
    for seed in range(seeds):
        for name in only:
            known = {(r["network"], r["seed"], r["minutes"]) for r in read(file)}
            if (name, str(seed), f"{minutes:g}") not in known:
                training = trained(name, seed, minutes, scale, runs)
                found = list(measured(name, training, scale))
                append(file, [(name, seed, f"{minutes:g}", p, at, f"{v:.7g}") for p, at, v in found], FIELDS)


def main(words: list[str] | None = None, scale: Scale | None = None) -> None:
    scale = scale or Scale()
    names = [*scale.designs, *scale.sequences]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20, help="core minutes of each training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=names, choices=names)
    parser.add_argument("--print-only", action="store_true", help="write the page from what is measured")
    parser.add_argument("--runs", type=Path, default=Path("runs/table1"))
    parser.add_argument("--file", type=Path, default=Path("results/table1.csv"))
    parser.add_argument("--page", type=Path, default=Path("docs/table1.md"))
    given = parser.parse_args(words)
    if not given.print_only:
        experiment(scale, given.minutes, given.seeds, given.only, given.runs, given.file)
    table1_page.write([r for r in read(given.file) if r["minutes"] == f"{given.minutes:g}"], given.page)


if __name__ == "__main__":
    main()
