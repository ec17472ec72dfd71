"""Noisy pictures of a user's, held in memory as floats: those to learn from, and a tenth that is kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..engine import separate
from ..errors import RecipeError
from ..image import formats
from ..image.image import Image
from ..image.read import read_pages
from ..image.source import HEAD
from .data import Batch, Crops, TorchRandom
from .noisy import WAYS, lesson

if TYPE_CHECKING:
    from ..methods.card import Card
    from .recipe import Noisy, Recipe

MOST = 300_000_000  # samples; of a larger stack every second page is taken, or every fourth ...
TENTH = 10
LEAST = 16  # rows of a strip that is kept apart
GRID = 16  # sides of crops, so that their halves fit a network that halves three times


class NoisyCrops(Crops):
    """Random crops of float pictures; of a pair, one lies behind the other, and both are cut alike."""

    def draw(self, count: int, rng: np.random.Generator) -> Tensor:
        return torch.stack([self._one(rng) for _ in range(count)])


@dataclass
class NoisyPictures:
    """way: one of WAYS. channels: of each picture, half of its planes where there are pairs. mean, spread: of all
    samples. training, held_out: float32 (C, H, W), of a pair (2 C, H, W). count: of pages or files that were read."""

    way: str
    channels: int
    mean: float
    spread: float
    training: list[Tensor]
    held_out: list[Tensor]
    count: int

    def settle(self, recipe: Recipe, card: Card) -> Recipe:
        """`recipe` with what only the pictures can tell: channels, size of crops, black and contrast of the network."""
        largest = max(min(p.shape[-2:]) for p in self.training) // GRID * GRID
        data = replace(recipe.data, patch=min(recipe.data.patch // GRID * GRID, largest))
        network = dict(recipe.network)
        if card.family == "self-supervised":
            network |= {"black": round(self.mean, 6), "contrast": float(f"{self.spread:.6g}")}
        told = replace(recipe.noisy, way=self.way) if recipe.noisy is not None else None
        return replace(recipe, channels=self.channels, data=data, network=network, noisy=told)

    def crops(self, patch: int, device: str) -> NoisyCrops:
        return NoisyCrops(self.training, patch, device)

    def lesson(self, drawn: Tensor, noise: TorchRandom) -> Batch:
        """What the network is shown and asked for, of crops as `crops` draws them."""
        noisy, other = drawn[:, : self.channels], drawn[:, self.channels :]
        return lesson(self.way, noisy, other if self.way == "pairs" else None, noise)


def load_noisy(asked: Noisy) -> NoisyPictures:
    """The pictures that a recipe names; RecipeError where there are none, they differ in channels, or pairs in size."""
    way = asked.way or ("pairs" if asked.pairs else "masked")
    if way not in WAYS or (way == "pairs") != bool(asked.pairs):
        found = f"with pairs = {asked.pairs!r}"
        raise RecipeError(f"way = {way!r}", found, f"Take one of {', '.join(WAYS)}; pairs needs a second folder")
    kept: list[np.ndarray] = []
    every = count = 0
    for planes in _both(asked) if asked.pairs else _pages(asked.pictures):
        count += 1
        if every and count % every:
            continue
        kept.append(planes)
        if sum(p.size for p in kept) > MOST:
            kept, every = kept[::2], 2 * max(every, 1)
    if not kept:
        raise RecipeError(f"noisy pictures in {asked.pictures}", "there are none", "Name a folder or a stack")
    halves = 2 if asked.pairs else 1
    if len(channels := {len(p) // halves for p in kept}) > 1:
        found = f"some have {min(channels)} channels, others {max(channels)}"
        raise RecipeError(f"noisy pictures in {asked.pictures}", found, "Keep gray and colour in folders of their own")
    pictures = _each_alone(kept, channels.pop(), halves)
    mean = float(np.mean([p.mean(dtype=np.float64) for p in pictures]))
    spread = float(np.sqrt(np.mean([np.square(p - mean, dtype=np.float64).mean() for p in pictures])))
    if not spread > 0:
        raise RecipeError(f"noisy pictures in {asked.pictures}", "all samples are the same", "Look at them")
    training, held_out = apart([torch.from_numpy(p) for p in pictures], asked.pictures)
    return NoisyPictures(way, len(pictures[0]) // halves, mean, spread, training, held_out, count)


def apart(pictures: Sequence[Tensor], name: str) -> tuple[list[Tensor], list[Tensor]]:
    """What to learn from, and a tenth kept apart: every tenth picture, of fewer than ten the lowest rows of each."""
    if len(pictures) >= TENTH:
        kept = [p for i, p in enumerate(pictures) if i % TENTH != TENTH // 2]
        return kept, list(pictures[TENTH // 2 :: TENTH])
    training, held_out = [], []
    for p in pictures:
        rows = max(LEAST, -(-p.shape[-2] // TENTH))
        if min(p.shape[-2] - rows, p.shape[-1]) < 2 * GRID:
            continue
        training.append(p[:, :-rows])
        held_out.append(p[:, -rows:])
    if not training:
        raise RecipeError(f"noisy pictures in {name}", "they are too small to learn from", "Give 48 x 48 at least")
    return training, held_out


def _each_alone(pages: list[np.ndarray], channels: int, halves: int) -> list[np.ndarray]:
    """Pages that are neither gray nor RGB as one gray picture of each channel, which is how they are restored."""
    if not separate(channels):
        return pages
    return [np.ascontiguousarray(p[c::channels]) for p in pages for c in range(channels) if len(p) == halves * channels]


def _files(place: str) -> list[Path]:
    path = Path(place)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise RecipeError(f"noisy pictures in {place}", "no such file or folder", "Check the name")
    found = []
    for one in sorted(path.iterdir()):
        if one.is_file() and not one.name.startswith("."):
            with open(one, "rb") as file:
                if formats.by_content(file.read(HEAD)) is not None:
                    found.append(one)
    return found


def _pages(place: str) -> Iterator[np.ndarray]:
    for path in _files(place):
        for image in read_pages(path):
            yield _planes(image, path)


def _planes(image: Image, path: Path) -> np.ndarray:
    planes = image.pixels()
    if not np.isfinite(planes).all():
        raise RecipeError(f"learning from {path.name}", "it has samples that are no numbers", "Fill or leave them out")
    return planes


def _both(asked: Noisy) -> Iterator[np.ndarray]:
    """Each picture with the second one of the same name behind it."""
    first, second = _files(asked.pictures), _files(asked.pairs)
    # a single file beside a single one need not have its name
    same = [p.name for p in first] == [p.name for p in second] or len(first) == len(second) == 1
    if not same:
        alone = sorted({p.name for p in first} ^ {p.name for p in second})
        asking = f"pairs in {asked.pictures} and {asked.pairs}"
        raise RecipeError(asking, f"{alone[0]} has no other", "Give both pictures of a scene the same name")
    for one, other in zip(first, second, strict=True):
        for page, pair in zip_longest(read_pages(one), read_pages(other)):
            if page is None or pair is None or page.samples.shape != pair.samples.shape:
                raise RecipeError(f"the pair {one.name}", "its pictures differ in size or pages", "Cut them alike")
            # both on the scale of the first: measured numbers are scaled by what each file holds
            alike = replace(pair, scale=page.scale, offset=page.offset) if pair.dtype == page.dtype else pair
            yield np.concatenate([_planes(page, one), _planes(alike, other)])
