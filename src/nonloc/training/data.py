"""Training samples: crops of 8-bit pictures held in memory, damaged afresh each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..datasets import load
from ..datasets.pictures import DatasetPicture
from ..degradation import Degradation, Distribution
from ..errors import RecipeError


class TorchRandom:
    """A torch generator as degradations want it: `standard_normal` and `random`, on any device."""

    def __init__(self, generator: torch.Generator):
        self.generator = generator

    def standard_normal(self, size: tuple[int, ...]) -> torch.Tensor:
        return torch.randn(size, generator=self.generator, device=self.generator.device)

    def random(self, size: tuple[int, ...] = ()) -> torch.Tensor:
        return torch.rand(size, generator=self.generator, device=self.generator.device)


Condition = Callable[[Sequence[Degradation]], tuple[torch.Tensor, ...]]


@dataclass(frozen=True)
class Batch:
    """clean: (B, C, P, P) float32; noisy the same, or smaller where resolution was lost; std: (B,), of the
    noise, 0 where there is none; told: what the network is given beside the pictures.

    Where nothing clean is known (`noisy.lesson`), `clean` is as noisy. mask: (B, 1, P, P), 1 where it counts. whole,
    cells: the crops that both are parts of, and which.
    """

    clean: torch.Tensor
    noisy: torch.Tensor
    std: torch.Tensor
    told: tuple[torch.Tensor, ...] = ()
    mask: torch.Tensor | None = None
    whole: torch.Tensor | None = None
    cells: torch.Tensor | None = None


class Crops:
    """Random square crops, turned and mirrored, of pictures held as uint8 (C, H, W) tensors."""

    def __init__(self, pictures: list[torch.Tensor], patch: int, device: str = "cpu"):
        self.patch = patch
        self.pictures = [p.to(device) for p in pictures if min(p.shape[-2:]) >= patch]
        if not self.pictures:
            raise RecipeError(f"crops of {patch} pixels", "no picture is that large", "Take a smaller patch")
        # by area, so that each place of each picture is as likely
        area = np.array([p.shape[-2] * p.shape[-1] for p in self.pictures], dtype=np.float64)
        self.chance = np.cumsum(area / area.sum())

    def draw(self, count: int, rng: np.random.Generator) -> torch.Tensor:
        """`count` crops as float32 (count, C, P, P), black 0, white 1."""
        return torch.stack([self._one(rng) for _ in range(count)]).float() / 255

    def _one(self, rng: np.random.Generator) -> torch.Tensor:
        picture = self.pictures[min(int(np.searchsorted(self.chance, rng.random())), len(self.pictures) - 1)]
        height, width = picture.shape[-2:]
        y = int(rng.integers(height - self.patch + 1))
        x = int(rng.integers(width - self.patch + 1))
        crop = picture[:, y : y + self.patch, x : x + self.patch]
        turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
        crop = torch.rot90(crop, turns, (1, 2))
        return crop.flip(2) if mirrored else crop


def draw_batch(
    crops: Crops,
    size: int,
    degradation: Distribution,
    rng: np.random.Generator,
    noise: TorchRandom,
    condition: Condition | None = None,
) -> Batch:
    """One batch; each sample with its own draw of the degradation, of which `condition` makes what a net is told."""
    crop = crops.draw(size, rng)
    drawn = [degradation.sample(rng) for _ in range(size)]
    pairs = [one.pair(clean, noise) for one, clean in zip(drawn, crop, strict=True)]
    clean, noisy = (torch.stack([pair[side] for pair in pairs]) for side in (0, 1))
    std = [one.noise.std if one.noise is not None else 0.0 for one in drawn]
    told = tuple(part.to(clean.device) for part in condition(drawn)) if condition is not None else ()
    return Batch(clean, noisy, torch.tensor(std, device=clean.device), told)


def load_pictures(names: tuple[str, ...], channels: int) -> list[torch.Tensor]:
    """The pictures of several sets as uint8 tensors (C, H, W)."""
    return [torch.from_numpy(as_planes(picture, channels)) for name in names for picture in load(name)]


def as_planes(picture: DatasetPicture, channels: int) -> np.ndarray:
    """A picture of a data set as uint8 (C, H, W) of that many channels."""
    pixels = picture.pixels8("gray" if channels == 1 else "rgb")
    return np.ascontiguousarray(pixels[np.newaxis] if channels == 1 else pixels.transpose(2, 0, 1))
