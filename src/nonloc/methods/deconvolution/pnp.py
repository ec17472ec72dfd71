"""Plug-and-play half-quadratic splitting: a step towards what was measured, a step by a denoiser, in turns.

Source: Zhang, Li, Zuo, Zhang, Van Gool, Timofte, "Plug-and-Play Image Restoration with Deep Denoiser Prior", IEEE TPAMI
44(10), 2022, DOI 10.1109/TPAMI.2021.3088914 (DPIR): alpha_k = lambda sigma^2 / sigma_k^2,
x_k = argmin ||y - Hx||^2 + alpha_k ||x - z_{k-1}||^2, z_k = denoiser(x_k, sigma_k), sigma_k evenly spaced in
logarithms, each denoising on another of the eight views of the square. Borders, ours: what lies beyond the picture is
part of x, and measured nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...degradation import Degradation, GaussianNoise
from ...errors import UsageError, WeightsError
from ..base import NetworkMethod
from ..card import Card, Weights
from ..inner import made
from ..registry import card as card_of
from .operators import Blurred, Operator, Within

Denoise = Callable[[Tensor, float], Tensor]  # pixels and the standard deviation of their noise, where white is 1

FIRST = 49 / 255  # sigma_1 of the paper
LEAST = 0.255 / 255  # noise is never taken for less: the data step would divide by nothing
LAMBDA = 0.23  # of the paper


def half_quadratic(
    operator: Operator,
    y: Tensor,
    x: Tensor,
    sigma: float,
    denoise: Denoise,
    steps: int,
    first: float = FIRST,
    last: float | None = None,
    lambda_: float = LAMBDA,
) -> Tensor:
    """What was measured as y = Hx + n, restored.

    y: what was measured, (B, C, h, w). x: where to begin, (B, D, H, W). sigma: standard deviation of n; first, last: of
    the noise that `denoise` takes x for at the first and the last step (None: sigma); all where white is 1.
    """
    sigma = max(sigma, LEAST)
    last = sigma if last is None else last
    for k, sigma_k in enumerate(np.geomspace(max(first, last), last, steps).tolist()):
        x = operator.nearest(y, x, lambda_ * (sigma / sigma_k) ** 2)
        x = turned_back(denoise(turned(x, k), sigma_k), k)
    return x


def turned(pixels: Tensor, k: int) -> Tensor:
    """View k (mod 8) of the square: quarter turns, and mirrored from the fifth on."""
    pixels = pixels.flip(-1) if k % 8 >= 4 else pixels
    return torch.rot90(pixels, k % 4, (-2, -1)).contiguous(memory_format=torch.channels_last)


def turned_back(pixels: Tensor, k: int) -> Tensor:
    pixels = torch.rot90(pixels, -(k % 4), (-2, -1))
    return pixels.flip(-1) if k % 8 >= 4 else pixels


@dataclass(frozen=True)
class Frame:
    """Room around a picture of (height, width): `rim` or more on each side, to sides that are multiples of `multiple`
    and transform fast."""

    height: int
    width: int
    rim: int
    multiple: int = 8

    @property
    def beyond(self) -> tuple[int, int, int, int]:
        """What is added left, right, above, below."""
        down, right = (_side(n + 2 * self.rim, self.multiple) - n - self.rim for n in (self.height, self.width))
        return self.rim, right, self.rim, down

    def around(self, pixels: Tensor) -> Tensor:
        """`pixels` (B, C, height, width) with the border repeated outwards."""
        return F.pad(pixels, self.beyond, mode="replicate")

    def seen(self, like: Tensor) -> Tensor:
        """True where the picture is, (H, W) of the frame."""
        inside = torch.ones(self.height, self.width, dtype=torch.bool, device=like.device)
        return F.pad(inside, self.beyond)

    def larger(self, factor: int) -> Frame:
        """The same around a picture whose sides are `factor` times as long."""
        return Frame(factor * self.height, factor * self.width, factor * self.rim)

    def inside(self, pixels: Tensor) -> Tensor:
        return pixels[..., self.rim : self.rim + self.height, self.rim : self.rim + self.width]


def _side(length: int, multiple: int) -> int:
    from scipy.fft import next_fast_len

    side = -(-length // multiple) * multiple
    while next_fast_len(side, real=True) != side:
        side += multiple
    return side


class PlugAndPlay(NetworkMethod):
    """What the methods share: any network of ours that is told the level of noise, as the prior.

    inner: the name of its method. steps: how often it is asked.
    """

    def __init__(self, card: Card, weights: Weights | None = None, inner: str = "nonloc-s", steps: int = 8):
        self.inner, self.steps, module = inner, steps, nn.ModuleDict()
        for channels in card_of(inner).channels:  # of gray and of colour, so that the engine places both
            with suppress(WeightsError):  # told when a picture asks for them
                module[str(channels)] = made(inner, channels).module
        super().__init__(card, weights, module)
        self.card = replace(card, channels=tuple(c for c in card.channels if c in card_of(inner).channels))

    def denoise(self, pixels: Tensor, std: float) -> Tensor:
        """`pixels` (B, C, H, W) by the network, mirrored up to the multiple that it needs."""
        network = made(self.inner, pixels.shape[1])
        height, width = pixels.shape[-2:]
        below, right = (-n % network.card.multiple for n in (height, width))
        if below or right:
            pixels = F.pad(pixels, (0, right, 0, below), mode="replicate")
        return network.restore(pixels, GaussianNoise(255 * std)).float()[..., :height, :width]


def noise_of(degradation: Degradation | None) -> float:
    """Standard deviation of the noise that was told, where white is 1; 0 when none was."""
    noise = degradation.noise if degradation is not None else None
    return noise.std if noise is not None else 0.0


class Deblur(PlugAndPlay):
    """Blur of a known kernel undone."""

    def restore(self, pixels: Tensor, degradation: Degradation | None) -> Tensor:
        """Sharp estimate of `pixels` (B, C, H, W); same shape. UsageError when no kernel is told."""
        blur = degradation.blur if degradation is not None else None
        if blur is None:
            raise UsageError(f"{self.card.name} without a blur", "it needs a kernel", "Give one, such as motion:15,30")
        height, width = pixels.shape[-2:]
        frame = Frame(height, width, blur.radius)
        y = frame.around(pixels.float())
        operator = Within(Blurred(blur.kernel), frame.seen(y))
        return frame.inside(half_quadratic(operator, y, y, noise_of(degradation), self.denoise, self.steps))
