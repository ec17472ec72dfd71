"""Photographs as simulated cameras make them, for training: pairs of a picture without noise and its file."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .camera import Camera
from .degradation import Degradation, Distribution, Random
from .noise import CameraNoise

UNSURE = 0.35  # octaves by which the level that is told lies off, as an estimate of it does
MARGIN = 16  # pixels beyond the sample, so that the grid of the JPEG and of the mosaic lies anywhere in it


@dataclass(frozen=True)
class Photo(Degradation):
    """One shot by one camera. What it is to be restored to is not the scene but the camera's picture of it, without
    noise and without the file's losses: `pair`."""

    camera: Camera
    shift: tuple[float, float] = (0.0, 0.0)  # of the sample in its margin, 0 to 1
    told: float | None = None  # the level that a method is told, 0-255 scale; None for the true one

    def pair(self, pixels: Any, rng: Random) -> tuple[Any, Any]:
        scene, side = np.asarray(pixels, np.float32), pixels.shape[1:]
        factor = self.camera.enlarge * self.camera.shrink
        # as much of the scene as fills the sample, its margin by reflection where it must be
        wanted = [math.ceil((length + MARGIN) / factor) + 1 for length in side]
        beyond = [max(0, need - length) for need, length in zip(wanted, side, strict=True)]
        scene = np.pad(scene, ((0, 0), (0, beyond[0]), (0, beyond[1])), mode="reflect")
        clean, noisy = self.camera.shoot(scene[:, : wanted[0], : wanted[1]], rng)
        top, left = (
            int(part * (got - length)) for part, got, length in zip(self.shift, clean.shape[1:], side, strict=True)
        )
        window = np.s_[:, top : top + side[0], left : left + side[1]]
        return _like(clean[window], pixels), _like(noisy[window], pixels)

    def apply(self, pixels: Any, rng: Random) -> Any:
        return self.pair(pixels, rng)[1]

    @property
    def noise(self) -> CameraNoise:
        return CameraNoise(self.camera.level if self.told is None else self.told)

    def __str__(self) -> str:
        return f"photo:{self.camera.level:g}"


@dataclass(frozen=True)
class Photos(Distribution):
    """Shots by any camera; the logarithm of their noise's level is uniform between two levels, 0-255 scale. What a
    method is told of it is not quite right."""

    low: float
    high: float

    def sample(self, rng: Random) -> Photo:
        level = self.low * (self.high / self.low) ** float(rng.random()) if self.low else self.high * rng.random()
        camera = Camera.draw(level, rng)
        if camera.enlarge * camera.shrink < 1:
            camera = replace(camera, shrink=1.0)  # else the sample would need more of the scene than there is
        shift, off = (float(rng.random()), float(rng.random())), float(rng.standard_normal(()))
        return Photo(camera, shift, level * 2 ** (UNSURE * off))

    def __str__(self) -> str:
        return f"photo:{self.low:g}..{self.high:g}" if self.low != self.high else f"photo:{self.low:g}"


def _like(planes: np.ndarray, pixels: Any) -> Any:
    planes = np.ascontiguousarray(planes)
    if isinstance(pixels, np.ndarray):
        return planes.astype(pixels.dtype, copy=False)
    import torch

    return torch.from_numpy(planes).to(pixels)
