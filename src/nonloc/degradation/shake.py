"""Clips of a shaken camera, made from sharp still photographs: blurred frames, and the sharp one in their middle.

Source: of the model (a frame is the mean of many short ones, in linear light): Su et al., "Deep Video Deblurring for
Hand-held Cameras", CVPR 2017, section 4, and Nah et al., CVPR 2017, DOI 10.1109/CVPR.2017.35. The hand is a random walk
with a speed that lasts; where the first take many frames a second, we take one picture along the walk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DegradationError
from .degradation import Degradation, Random

GAMMA = 2.2
SUB = (7, 15)  # short frames in one frame
EXPOSURE = 0.6  # of the time between frames the shutter is open
TURN = 0.002  # radians a pixel of speed
RIM = 24  # pixels of a crop on each side that the frames made of it leave out, since the hand goes there


@dataclass(frozen=True)
class Shake(Degradation):
    """A clip of `frames` frames, an odd number, by a hand of that `speed` in pixels a frame, made of one still picture.

    `pair` gives the sharp middle frame (C, P, P) and the blurred ones (frames, C, P, P), out of a picture that is
    larger than P, a multiple of 8, by 48 pixels or more.
    """

    frames: int = 5
    speed: float = 6.0

    def __post_init__(self) -> None:
        if self.frames < 1 or self.frames % 2 == 0 or not (math.isfinite(self.speed) and self.speed >= 0):
            found = f"{self.frames} frames and a speed of {self.speed:g}"
            raise DegradationError("shake", found, "Give an odd number of frames and a speed of at least 0: shake:5,6")

    def pair(self, pixels: Any, rng: Random) -> tuple[Any, Any]:
        size = (min(pixels.shape[-2:]) - 2 * RIM) // 8 * 8
        if size < 8:
            found = f"a picture of {pixels.shape[-1]} x {pixels.shape[-2]} pixels"
            raise DegradationError("shake", found, f"Give at least {2 * RIM + 8} a side")
        own = np.random.default_rng(int(float(rng.random()) * 2**53))
        frames, sharp = shaken(np.asarray(pixels), size, own, frames=self.frames, speed=self.speed)
        if isinstance(pixels, np.ndarray):
            return sharp, frames
        return pixels.new_tensor(sharp), pixels.new_tensor(frames)

    def apply(self, pixels: Any, rng: Random) -> Any:
        return self.pair(pixels, rng)[1]

    def __str__(self) -> str:
        return f"shake:{self.frames},{self.speed:g}"


def read(value: str, text: str) -> Shake:
    """'5,6' as a Shake; DegradationError for what is none."""
    frames, _, speed = value.partition(",")
    try:
        return Shake(int(frames or 5), float(speed or 6))
    except ValueError:
        raise DegradationError(f"degradation {text!r}", f"{value!r} is no shake", "Write shake:5,6") from None


def shaken(
    picture: np.ndarray, size: int, rng: np.random.Generator, *, frames: int = 5, speed: float = 6.0
) -> tuple[np.ndarray, np.ndarray]:
    """Blurred frames (T, C, size, size) of a still `picture` (C, H, W), and the sharp middle one (C, size, size).

    Black 0, white 1, float32. speed: of the hand, pixels a frame (standard deviation in each direction); 0 gives frames
    without blur. The place is drawn; where the walk leaves the picture it is mirrored. frames: odd.
    """
    light = np.clip(picture, 0, 1).astype(np.float32) ** GAMMA
    middle = [rng.uniform(size / 2, max(size / 2, length - size / 2)) - 0.5 for length in picture.shape[1:]]
    sub = int(rng.integers(SUB[0], SUB[1] + 1))
    steps = max(sub, round(sub / EXPOSURE))  # a frame lasts so many, of which the shutter is open for `sub`
    path = walk(frames * steps, speed / steps, rng)
    begin = (frames // 2) * steps
    path -= path[begin + sub // 2]  # the sharp frame is that in the middle of the middle exposure
    open_ = np.concatenate([path[n * steps : n * steps + sub] for n in range(frames)])
    views = seen(light, middle, np.concatenate([open_, np.zeros((1, 3))]), size)
    return _dark(views[:-1].reshape(frames, sub, *views.shape[1:]).mean(1)), _dark(views[-1])


def walk(count: int, step: float, rng: np.random.Generator) -> np.ndarray:
    """(count, 3): displacement in y and x and the angle; `step` pixels of speed, which forgets half in 12 steps."""
    last = 0.5 ** (1 / 12)
    speed = rng.standard_normal((count, 3))
    for n in range(1, count):
        speed[n] = last * speed[n - 1] + np.sqrt(1 - last**2) * speed[n]
    return np.cumsum(speed * step * np.array([1, 1, TURN]), 0)


def seen(light: np.ndarray, middle: list[float], places: np.ndarray, size: int) -> np.ndarray:
    """The squares (N, C, size, size) of `light` (C, H, W) that a camera at `places` (N, 3) sees, bilinear."""
    import torch
    from torch.nn.functional import grid_sample

    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    dy, dx, angle = (places[:, i, None, None] for i in range(3))
    at_y = middle[0] + dy + np.cos(angle) * y - np.sin(angle) * x
    at_x = middle[1] + dx + np.sin(angle) * y + np.cos(angle) * x
    ends = (max(light.shape[2] - 1, 1), max(light.shape[1] - 1, 1))
    grid = np.stack([2 * at / end - 1 for at, end in zip((at_x, at_y), ends, strict=True)], -1).astype(np.float32)
    planes = torch.from_numpy(np.ascontiguousarray(light)).expand(len(places), -1, -1, -1)
    return grid_sample(planes, torch.from_numpy(grid), padding_mode="reflection", align_corners=True).numpy()


def _dark(light: np.ndarray) -> np.ndarray:
    return (np.clip(light, 0, 1) ** (1 / GAMMA)).astype(np.float32)
