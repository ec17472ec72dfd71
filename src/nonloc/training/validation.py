"""Validation: the averaged weights on pictures kept apart, through the same engine that users run."""

from __future__ import annotations

import zlib
from typing import cast

import numpy as np
from torch import nn

from ..datasets import load
from ..degradation import parse
from ..engine import Plan, run
from ..image.image import Image
from ..methods import registry
from ..methods.base import NetworkMethod
from ..methods.card import Card
from ..metrics.psnr import im2uint8, psnr
from .data import as_planes
from .recipe import Recipe


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

    def _one(self, method, name: str, clean: np.ndarray, sigma: float) -> float:
        rng = np.random.default_rng([0, zlib.crc32(name.encode())])
        damage = parse(f"{self.recipe.validate.degradation}:{sigma:g}").sample(rng)
        reference, noisy = damage.pair(clean / 255, rng)
        image = Image(as_samples(noisy.astype(np.float32)), scale=1.0)
        restored, _ = run(Plan(method, damage, tile=None), image)
        return psnr(as_samples(im2uint8(reference)), im2uint8(restored.samples), data_range=255)


def as_samples(planes: np.ndarray) -> np.ndarray:
    """(H, W) from one plane, (H, W, C) from several."""
    return planes[0] if len(planes) == 1 else np.ascontiguousarray(planes.transpose(1, 2, 0))
