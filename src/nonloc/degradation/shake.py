"""Clips of a shaken camera, made from sharp still photographs: blurred frames, and the sharp one in their middle.

Source: of the model (a frame is the mean of many short ones, in linear light): Su et al., "Deep Video Deblurring for
Hand-held Cameras", CVPR 2017, section 4, and Nah et al., CVPR 2017, DOI 10.1109/CVPR.2017.35. The hand is a random walk
with a speed that lasts; where the first take many frames a second, we take one picture along the walk.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

GAMMA = 2.2
SUB = (7, 15)  # short frames in one frame
EXPOSURE = 0.6  # of the time between frames the shutter is open
TURN = 0.002  # radians a pixel of speed


def shaken(
    picture: np.ndarray, size: int, rng: np.random.Generator, *, frames: int = 5, speed: float = 6.0
) -> tuple[np.ndarray, np.ndarray]:
    """Blurred frames (T, C, size, size) of a still `picture` (C, H, W), and the sharp middle one (C, size, size).

    Black 0, white 1, float32. speed: of the hand, pixels a frame (standard deviation in each direction); 0 gives frames
    without blur. The place is drawn; where the walk leaves the picture it is mirrored. frames: odd.
    """
    light = np.clip(picture, 0, 1).astype(np.float64) ** GAMMA
    middle = [rng.uniform(size / 2, max(size / 2, length - size / 2)) - 0.5 for length in picture.shape[1:]]
    sub = int(rng.integers(SUB[0], SUB[1] + 1))
    steps = max(sub, round(sub / EXPOSURE))  # a frame lasts so many, of which the shutter is open for `sub`
    path = walk(frames * steps, speed / steps, rng)
    begin = (frames // 2) * steps
    path -= path[begin + sub // 2]  # the sharp frame is that in the middle of the middle exposure
    views = [
        np.mean([seen(light, middle, place, size) for place in path[n * steps : n * steps + sub]], 0)
        for n in range(frames)
    ]
    sharp = seen(light, middle, np.zeros(3), size)
    return _dark(np.stack(views)), _dark(sharp)


def walk(count: int, step: float, rng: np.random.Generator) -> np.ndarray:
    """(count, 3): displacement in y and x and the angle; `step` pixels of speed, which forgets half in 12 steps."""
    last = 0.5 ** (1 / 12)
    speed = rng.standard_normal((count, 3))
    for n in range(1, count):
        speed[n] = last * speed[n - 1] + np.sqrt(1 - last**2) * speed[n]
    return np.cumsum(speed * step * np.array([1, 1, TURN]), 0)


def seen(light: np.ndarray, middle: list[float], place: np.ndarray, size: int) -> np.ndarray:
    """The square of `light` (C, H, W) that a camera at `place` sees, bilinear."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    cosine, sine = np.cos(place[2]), np.sin(place[2])
    at = [middle[0] + place[0] + cosine * y - sine * x, middle[1] + place[1] + sine * y + cosine * x]
    return np.stack([map_coordinates(plane, at, order=1, mode="mirror") for plane in light])


def _dark(light: np.ndarray) -> np.ndarray:
    return (np.clip(light, 0, 1) ** (1 / GAMMA)).astype(np.float32)
