"""temporal: non-local denoising of a clip, frame by frame, over the frames around each.

Source: our own; the idea of patches followed through time: Maggioni, Boracchi, Foi, Egiazarian, "Video Denoising,
Deblocking and Enhancement Through Separable 4-D Nonlocal Spatiotemporal Transforms" (V-BM4D), IEEE TIP 21(9), 2012,
DOI 10.1109/TIP.2012.2199324. Here: denoise each frame (the guide); find each patch in the two frames before and behind,
in the guides; take the mean of the noisy frames along this motion, weighted by likeness; denoise the mean, told how
much noise is left at each pixel.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...degradation import Degradation, GaussianNoise
from ...errors import UsageError, WeightsError
from ...image.image import Image
from ..base import NetworkMethod
from ..card import Card, Weights
from ..inner import made
from ..registry import card as card_of
from .fusion import Constants, fuse
from .motion import PATCH

REACH = 2  # frames before and behind
DEFAULT = Constants()


@dataclass(frozen=True, eq=False)
class UnevenNoise(Degradation):
    """White noise whose level differs from place to place. shares: float32 (H, W), of the level `sigma`, 0 to 1."""

    sigma: float
    shares: np.ndarray

    @property
    def noise(self) -> GaussianNoise:
        return GaussianNoise(self.sigma)

    @property
    def local(self) -> bool:
        return True

    def part(self, rows: slice, columns: slice) -> UnevenNoise:
        return UnevenNoise(self.sigma, self.shares[rows, columns])

    def __str__(self) -> str:
        return f"gaussian:{self.sigma:g}"


Run = Callable[[Image, Degradation], Image]


class Temporal(NetworkMethod):
    """A network of ours that is told the level of noise, on means over time. A single picture it denoises alone.

    inner: the name of the network's method.
    """

    reach = REACH

    def __init__(self, card: Card, weights: Weights | None = None, inner: str = "nonloc-s"):
        self.inner, module = inner, nn.ModuleDict()  # of gray and of colour, so that the engine places both
        for channels in card.channels:
            with suppress(WeightsError):  # told when a picture asks for them
                module[str(channels)] = made(inner, channels).module
        super().__init__(card, weights, module)
        sees = card_of(inner)
        self.card = replace(card, halo_exact=sees.halo_exact, halo_8bit=sees.halo_8bit)

    def restore(self, pixels: Tensor, degradation: Degradation | None) -> Tensor:
        """Clean estimate of `pixels` (B, C, H, W), black 0, white 1; same shape. UsageError when sigma is not known."""
        noise = degradation.noise if degradation is not None else None
        if noise is None:
            raise UsageError(f"{self.card.name} without a noise level", "its network is told one", "Give sigma")
        network = made(self.inner, pixels.shape[1])
        if not isinstance(degradation, UnevenNoise):
            return network.restore(pixels, noise)
        level = torch.as_tensor(noise.std * degradation.shares, device=pixels.device)[None, None]
        height, width = (have - told for have, told in zip(pixels.shape[2:], level.shape[2:], strict=True))
        level = F.pad(level, (0, width, 0, height), mode="replicate")  # the engine has padded the picture
        return network.module(pixels, level.expand(len(pixels), -1, -1, -1))

    def sequence(
        self,
        pictures: Iterable[Image],
        noise: GaussianNoise,
        run: Run,
        lead: int = 0,
        constants: Constants = DEFAULT,
    ) -> Iterator[Image]:
        """Each of `pictures`, which follow one another in time, restored; five of them are held.

        All have one size and dtype. run: this method on one picture, by the engine. lead: how many at the beginning are
        only looked at, since they belong to what was done before.
        """
        window: deque[tuple[Image, np.ndarray, np.ndarray]] = deque(maxlen=2 * REACH + 1)
        number = due = 0  # of frames that were taken, and of the next one to be given
        for picture in pictures:
            window.append((picture, picture.pixels(), _guide(run(picture, noise))))
            number += 1
            if number > due + REACH:
                if due >= lead:
                    yield self._fused(window, len(window) - 1 - REACH, noise, run, constants)
                due += 1
        while due < number:
            if due >= lead:
                yield self._fused(window, len(window) - (number - due), noise, run, constants)
            due += 1

    def _fused(self, window: Any, middle: int, noise: GaussianNoise, run: Run, constants: Constants) -> Image:
        window = list(window)[max(0, middle - REACH) : middle + REACH + 1]
        middle = min(middle, REACH)
        picture, _, guide = window[middle]
        if min(guide.shape) < PATCH or noise.sigma == 0:
            return run(picture, noise)
        mean, shares = fuse([p for _, p, _ in window], [g for *_, g in window], middle, noise.std, constants)
        samples = mean[0] if picture.samples.ndim == 2 else np.ascontiguousarray(np.moveaxis(mean, 0, -1))
        restored = run(Image(samples, 1.0), UnevenNoise(noise.sigma, shares))
        return picture.with_samples(picture.stored(restored.pixels()))


def _guide(picture: Image) -> np.ndarray:
    return np.ascontiguousarray(picture.pixels().mean(0))
