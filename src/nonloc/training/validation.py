"""Validation: the averaged weights on pictures kept apart, through the same engine that users run."""

from __future__ import annotations

import zlib
from typing import cast

import numpy as np
from torch import nn

from ..datasets import load
from ..degradation import GaussianNoise
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
        noise = GaussianNoise(sigma)
        noisy = noise.apply(clean / 255, np.random.default_rng([0, zlib.crc32(name.encode())]))
        samples = np.ascontiguousarray(noisy.transpose(1, 2, 0), dtype=np.float32)
        image = Image(samples[..., 0] if len(clean) == 1 else samples, scale=1.0)
        restored, _ = run(Plan(method, noise, tile=None), image)
        reference = clean[0] if len(clean) == 1 else clean.transpose(1, 2, 0)
        return psnr(reference, im2uint8(restored.samples), data_range=255)
