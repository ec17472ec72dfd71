"""Validation: the averaged weights on pictures kept apart, through the same engine that users run."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from ..datasets import load
from ..degradation import parse
from ..engine import Plan, run
from ..image.image import Image
from ..methods import registry
from ..methods.base import NetworkMethod
from ..methods.card import Card
from ..metrics.psnr import im2uint8, psnr
from .data import Batch, TorchRandom, as_planes
from .noisy import noisy_loss
from .noisy_pictures import GRID, NoisyPictures
from .recipe import Recipe

HELD_OUT, LARGEST = 16, 512  # pictures, and pixels of a side, by which a training without clean pictures is judged


class Validation:
    """The same pictures with the same noise each time, so that two moments of a training can be compared."""

    def __init__(self, recipe: Recipe, card: Card):
        self.recipe, self.card = recipe, card
        self.pictures: list[tuple[str, np.ndarray]] = []
        if recipe.validate.count:
            chosen = load(recipe.validate.pictures)[: recipe.validate.count]
            self.pictures = [(picture.name, as_planes(picture, recipe.channels)) for picture in chosen]

    def psnr(self, module: nn.Module) -> dict[float, float]:
        """Mean PSNR in dB by sigma, 8-bit rule."""
        method = cast(type[NetworkMethod], registry.method_class(self.card))(self.card, module=module)
        return {
            sigma: float(np.mean([self._one(method, name, clean, sigma) for name, clean in self.pictures]))
            for sigma in self.recipe.validate.sigma
            if self.pictures
        }

    def told(self, scores: dict[float, float], held_out: float | None) -> dict[str, Any]:
        """What a weights file says of it."""
        return {"pictures": self.recipe.validate.pictures, "psnr": {f"{s:g}": round(v, 3) for s, v in scores.items()}}

    def _one(self, method, name: str, clean: np.ndarray, sigma: float) -> float:
        rng = np.random.default_rng([0, zlib.crc32(name.encode())])
        damage = parse(f"{self.recipe.validate.degradation}:{sigma:g}").sample(rng)
        reference, noisy = damage.pair(clean / 255, rng)
        image = Image(as_samples(noisy.astype(np.float32)), scale=1.0)
        restored, _ = run(Plan(method, damage, tile=None), image)
        return psnr(as_samples(im2uint8(reference)), im2uint8(restored.samples), data_range=255)


class HeldOut:
    """Where nothing clean is known: how well noisy pictures kept apart are foretold. This is no PSNR.

    Even a perfect network has a loss, that of the noise of what it is compared with; two moments of a training can be
    compared, and with `nothing`, the loss of a network that leaves its input as it is.
    """

    def __init__(self, noisy: NoisyPictures, device: str):
        noise = TorchRandom(torch.Generator(device).manual_seed(0))
        chosen = noisy.held_out[:: max(1, len(noisy.held_out) // HELD_OUT)]
        self.spread, self.batches = noisy.spread, [noisy.lesson(_cut(p)[None].to(device), noise) for p in chosen]
        self.nothing = self.loss(nn.Identity())

    def psnr(self, module: nn.Module) -> dict[float, float]:
        """Nobody knows it."""
        return {}

    def loss(self, module: nn.Module) -> float:
        """Mean squared error of what is held out, in units of the pictures' variance."""
        with torch.inference_mode():
            return float(np.mean([float(self._one(module, batch)) for batch in self.batches]))

    def told(self, scores: dict[float, float], held_out: float | None) -> dict[str, Any]:
        """What a weights file says of it."""
        return {
            "pictures": "a tenth of the noisy ones, held out",
            "no_psnr": "mean squared error against noisy pictures, in units of their variance",
            "loss": held_out,
            "of_doing_nothing": self.nothing,
        }

    def _one(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        return noisy_loss(module, replace(batch, whole=None), self.spread, "fp32")


def _cut(picture: torch.Tensor) -> torch.Tensor:
    """Its middle, at most LARGEST, with sides that networks take; crops of strips may be narrow."""
    height, width = (min(side, LARGEST) // GRID * GRID for side in picture.shape[-2:])
    top, left = (picture.shape[-2] - height) // 2, (picture.shape[-1] - width) // 2
    return picture[:, top : top + height, left : left + width]


def as_samples(planes: np.ndarray) -> np.ndarray:
    """(H, W) from one plane, (H, W, C) from several."""
    return planes[0] if len(planes) == 1 else np.ascontiguousarray(planes.transpose(1, 2, 0))
