"""Denoising a sequence with memory: a causal recurrent network, and one of the same cost that is given five frames.

Source: ours. The state carried from frame to frame after Fuoli, Gu, Timofte, "Efficient Video Super-Resolution through
Recurrent Latent Space Propagation", ICCV Workshops 2019, arXiv 1909.08080; five frames stacked after Tassano, Delon,
Veit, "FastDVDnet", CVPR 2020, arXiv 1907.01361, here the last five, so that both answer when a frame arrives.

Clips are made from still pictures: a square moves over the picture by whole pixels, then 3 x 3 pixels become their
mean, so that motion is in thirds of a pixel and nothing is interpolated. Clips are tensors (B, T, H, W).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from noise_kinds import STD
from probes import decibels, kflop_per_pixel, parameters
from table1_networks import enlist
from torch import Tensor, nn
from torch.nn import functional as F

from nonloc.methods.base import NetworkMethod
from nonloc.methods.networks.nonloc_s import residual_blocks
from nonloc.training.loop import Training
from nonloc.training.recipe import Recipe

METHOD = "table1-sequence"
DESIGNS: dict[str, dict[str, Any]] = {
    "recurrent": {"design": "recurrent", "features": 32, "blocks": 3},
    "five-frame": {"design": "five-frame", "features": 32, "blocks": 3},
}
MEMORIES = (1, 2, 5, 10, 30)
FINE = 3  # pixels of the still picture for one of the clip, each way
FASTEST = 3.0  # of those a frame: one pixel of the clip


class Recurrent(nn.Module):
    """h_t = tanh(blocks(conv(y_t, h_{t-1}))) at half of the sides, and the noise of y_t from h_t. h_0 = 0."""

    def __init__(self, features: int = 32, blocks: int = 3):
        super().__init__()
        self.features = features
        self.head = nn.Conv2d(4 + features, features, 3, padding=1)
        self.body = residual_blocks(features, blocks)
        self.tail = last(features)

    def forward(self, clip: Tensor) -> Tensor:
        """Clean estimate of each frame of `clip` (B, T, H, W) from it and all before it; H and W even."""
        batch, _, height, width = clip.shape
        h, found = clip.new_zeros(batch, self.features, height // 2, width // 2), []
        for t in range(clip.shape[1]):
            y = clip[:, t : t + 1]
            z = torch.cat([F.pixel_unshuffle(y, 2), h.to(y.dtype)], 1).contiguous(memory_format=torch.channels_last)
            h = torch.tanh(self.body(self.head(z)))  # bounded, so that no length of clip lets it grow
            found.append(y - F.pixel_shuffle(self.tail(h).to(y.dtype), 2))
        return torch.cat(found, 1)


class FiveFrame(nn.Module):
    """The noise of y_t from y_{t-4} to y_t; before the beginning the first frame is repeated."""

    def __init__(self, features: int = 32, blocks: int = 3):
        super().__init__()
        # 1.5 times the features for the stack of frames: what the recurrent network pays for its state
        self.head = nn.Conv2d(20, features * 3 // 2, 3, padding=1)
        self.mix = nn.Conv2d(features * 3 // 2, features, 1)
        self.body = residual_blocks(features, blocks)
        self.tail = last(features)

    def forward(self, clip: Tensor) -> Tensor:
        """Clean estimate of each frame of `clip` (B, T, H, W) from it and the four before it; H and W even."""
        frames = torch.cat([clip[:, :1].expand(-1, 4, -1, -1), clip], 1)
        stacks = torch.stack([frames[:, t : t + 5] for t in range(clip.shape[1])], 1).flatten(0, 1)
        z = F.pixel_unshuffle(stacks, 2).contiguous(memory_format=torch.channels_last)
        h = torch.tanh(self.body(self.mix(F.relu(self.head(z)))))
        noise = F.pixel_shuffle(self.tail(h).to(clip.dtype), 2)
        return clip - noise.reshape(clip.shape)


def last(features: int) -> nn.Conv2d:
    made = nn.Conv2d(features, 4, 3, padding=1)
    for parameter in made.parameters():
        nn.init.zeros_(parameter)
    return made


def network(design: str, channels: int = 1, **sizes: int) -> nn.Module:
    if channels != 1:
        raise ValueError(f"{channels} channels; these networks are for gray clips")
    return (Recurrent if design == "recurrent" else FiveFrame)(**sizes)


class SequenceMethod(NetworkMethod):
    network = staticmethod(network)  # type: ignore[assignment]


class Clips:
    """Random clips from still pictures, uint8 (1, H, W); `draw` as `training.data.Crops` has it."""

    def __init__(self, pictures: Sequence[Tensor], side: int, frames: int):
        self.pictures = [p for p in pictures if min(p.shape[-2:]) >= FINE * side]
        self.side, self.frames = side, frames

    def draw(self, count: int, rng: np.random.Generator) -> Tensor:
        """`count` clips as float32 (count, T, side, side), black 0, white 1."""
        return torch.stack([self._one(rng) for _ in range(count)])

    def _one(self, rng: np.random.Generator) -> Tensor:
        picture = self.pictures[int(rng.integers(len(self.pictures)))]
        return torch.rot90(clip_of(picture, self.side, self.frames, rng), int(rng.integers(4)), (1, 2))


def clip_of(picture: Tensor, side: int, frames: int, rng: np.random.Generator) -> Tensor:
    """A clip (T, side, side) of a square that moves over `picture` (1, H, W), uint8, in a slowly turning direction."""
    room = np.array(picture.shape[-2:]) - FINE * side
    path = _path(frames, rng)
    path = path * min(1.0, *(room / np.maximum(np.ptp(path, axis=0), 1)))  # a small picture has slower clips
    path = np.floor(path - path.min(0)).astype(int)
    path += [int(rng.integers(left + 1)) for left in room - path.max(0)]
    squares = [picture[0, y : y + FINE * side, x : x + FINE * side] for y, x in path]
    return F.avg_pool2d(torch.stack(squares)[:, None].float() / 255, FINE)[:, 0]


def _path(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Places (frames, 2) in pixels of the still picture."""
    speed, direction = FASTEST * np.sqrt(rng.random()), 2 * np.pi * rng.random()
    turned = direction + np.cumsum(rng.normal(0, 0.15, frames))
    return np.cumsum(speed * np.stack([np.sin(turned), np.cos(turned)], 1), axis=0)


class ClipTraining(Training):
    """The one training loop on clips: `recipe.data.patch` is their side, and frames stand where channels stand."""

    def __init__(self, recipe: Recipe, folder: Path, frames: int):
        enlist(METHOD, f"{__name__}:SequenceMethod", grid=2)
        recipe = dataclasses.replace(recipe, method=METHOD)
        super().__init__(recipe, folder)
        self.frames = frames
        self.crops = Clips(self.crops.pictures, recipe.data.patch, frames)  # type: ignore[assignment]

    def metadata(self) -> dict[str, Any]:
        return super().metadata() | {"frames": self.frames}


def by_memory(module: nn.Module, clips: Tensor, noise: Tensor, memories: Sequence[int] = MEMORIES) -> dict[int, float]:
    """PSNR of the last frame of clips (N, T, H, W), where the network begins so many frames before the end.

    noise: of the same shape, standard deviation 1.
    """
    noisy, found = clips + STD * noise, {}
    for memory in memories:
        with torch.inference_mode():
            last_frames = [module(one[None, -memory:])[0, -1] for one in noisy]
        found[memory] = decibels(float((a - b[-1]).square().mean()) for a, b in zip(last_frames, clips, strict=True))
    return found


def held_out_clips(pictures: Sequence[Tensor], side: int, each: int = 2) -> tuple[Tensor, Tensor]:
    """Clips as long as the longest memory, `each` of a picture, and their noise; the same every time."""
    rng = np.random.default_rng(0)
    pictures = [p for p in pictures if min(p.shape[-2:]) >= FINE * side]
    clips = torch.stack([clip_of(p, side, max(MEMORIES), rng) for p in pictures for _ in range(each)])
    return clips, torch.randn(clips.shape, generator=torch.Generator().manual_seed(0))


def counted(module: nn.Module, side: int = 64) -> dict[str, float]:
    """Parameters, and operations a pixel and frame."""
    return {"parameters": parameters(module), "kflop": kflop_per_pixel(module, side)}
