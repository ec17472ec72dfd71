"""NN3D: a local network and a non-local filter of groups of alike patches in turns, each on what the other made.

Source: Cruz, Foi, Katkovnik, Egiazarian, "Nonlocality-Reinforced Convolutional Neural Networks for Image Denoising",
IEEE Signal Processing Letters, 2018, arXiv 1803.02112: z_k = l_k y + (1 - l_k) xhat_{k-1},
xtilde_k = network(z_k, l_k sigma), xhat_k = filter(xtilde_k, tau_k), l_k = 1 / k, tau_k = l_k sigma / 4, with groups
that are found once, in xtilde_1. The filter: Haar along a group, pixel by pixel, each coefficient but the mean times
c^2 / (c^2 + tau^2), and back. Where groups are looked for, and how they are weighted, is ours.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

import numba
import numpy as np
import torch
from torch import Tensor, nn

from ...degradation import Degradation, GaussianNoise
from ...errors import UsageError, WeightsError
from ...nonlocal_ops.matching import Matches, match, reference_grid
from ...nonlocal_ops.strips import each
from ..base import NetworkMethod
from ..card import Card, Weights
from ..inner import made
from ..registry import card as card_of
from .collaborative import haar, haar_back, power_of_two
from .colour_space import to_opponent

compiled = numba.njit(nogil=True, cache=True)
STRIP = 48  # rows of references that one thread adds up alone, so that sums are the same on any number of threads


@dataclass(frozen=True)
class Constants:
    """With the names of the paper in brackets.

    shares: tau over the level that the network was told, for each pass (tau_k over l_k sigma). trust: how much of the
    noisy picture is in what the network sees after the first pass (l_2). patch: side of a patch (N1). count: most
    patches in a group (N2), a power of two. window: odd side of where they are looked for. step: between references.
    """

    shares: tuple[float, ...]
    trust: float
    patch: int = 10
    count: int = 32
    window: int = 39
    step: int = 4

    @property
    def reach(self) -> int:
        """How many pixels each way the filter sees: a group is spread over twice the radius, and has patches."""
        return 2 * (self.window // 2) + self.patch - 1


# The authors' filter is gentle, and half of what the network sees next is noisy again. Over nonloc-s on 8 gray pictures
# of bsd32val, ours, tuned on them: +0.055, +0.040 and +0.006 dB at sigma 50, 25 and 15; the authors' +0.038, +0.024 and
# -0.002. On 8 others: +0.051, +0.018 and -0.018; +0.038, +0.011 and -0.017.
PROFILES = {"ours": Constants((0.3, 0.1), trust=0.25), "authors": Constants((0.25, 0.25), trust=0.5)}


class Inside(nn.ModuleDict):
    """The trained network of the method `inner` for pictures of so many channels, under their number as text."""

    def __init__(self, channels: int = 1, inner: str = "nonloc-s"):
        super().__init__({str(channels): made(inner, channels).module})


class NN3D(NetworkMethod):
    """Any network of ours that is told the level of noise, reinforced.

    inner: the name of its method. profile: of the constants, a name in PROFILES, or Constants.
    """

    network = Inside

    def __init__(
        self,
        card: Card,
        weights: Weights | None = None,
        inner: str = "nonloc-s",
        profile: str | Constants = "ours",
    ):
        self.inner, module = inner, nn.ModuleDict()  # of gray and of colour, so that the engine places both
        self.constants = PROFILES[profile] if isinstance(profile, str) else profile
        for channels in card.channels:
            with suppress(WeightsError):  # told when a picture asks for them
                module[str(channels)] = made(inner, channels).module
        super().__init__(card, weights, module)
        sees = card_of(inner).halo_exact or 0
        self.card = replace(card, halo_exact=len(self.constants.shares) * (sees + self.constants.reach))

    def restore(self, pixels: Tensor, degradation: Degradation | None) -> Tensor:
        """Clean estimate of `pixels` (B, C, H, W), black 0, white 1; same shape. UsageError when sigma is not known."""
        noise = degradation.noise if degradation is not None else None
        if noise is None:
            raise UsageError(f"{self.card.name} without a noise level", "its network is told one", "Give sigma")
        network = made(self.inner, pixels.shape[1])
        y = xhat = pixels.float()
        groups: Matches | None = None
        for share in self.constants.shares:
            trust = 1.0 if groups is None else self.constants.trust
            z = trust * y + (1 - trust) * xhat
            xtilde = network.restore(z, GaussianNoise(trust * noise.sigma)).float()
            groups = find(xtilde, self.constants) if groups is None else groups
            xhat = reinforce(xtilde, groups, share * trust * noise.std, self.constants)
        return xhat


def find(pixels: Tensor, constants: Constants) -> Matches:
    """The groups in `pixels` (B, C, H, W); those of colour pictures in their luminance."""
    guide = pixels.cpu().numpy()
    guide = to_opponent(guide)[:, :1] if guide.shape[1] == 3 else guide
    rows, columns = (reference_grid(length, constants.patch, constants.step) for length in guide.shape[2:])
    return match(guide, constants.patch, constants.window, constants.count, rows, columns)


def reinforce(pixels: Tensor, groups: Matches, tau: float, constants: Constants) -> Tensor:
    """`pixels` (B, C, H, W) after the non-local filter; each channel alone, in the groups of all."""
    if tau == 0:
        return pixels
    pictures = pixels.cpu().numpy()
    filtered = [
        _filtered(np.ascontiguousarray(picture), neighbours, found, np.float32(tau**2), constants)
        for picture, neighbours, found in zip(pictures, groups.neighbours, groups.found, strict=True)
    ]
    return torch.empty_like(pixels).copy_(torch.from_numpy(np.stack(filtered)))


def _filtered(
    picture: np.ndarray, neighbours: np.ndarray, found: np.ndarray, variance: np.float32, constants: Constants
) -> np.ndarray:
    """One picture (C, H, W), with the groups of its references (R, K, count)."""
    channels, height, width = picture.shape
    rows = reference_grid(height, constants.patch, constants.step)
    reach, side = constants.window // 2, (0,) * constants.patch

    def strip(start: int) -> tuple[int, np.ndarray, np.ndarray]:
        mine = (rows >= start) & (rows < start + STRIP)
        top = max(0, rows[mine][0] - reach)
        bottom = min(height, rows[mine][-1] + reach + constants.patch)
        total, weight = np.zeros((2, channels, bottom - top, width), np.float32)
        shrink_groups(picture, variance, side, neighbours[mine], found[mine], top, total, weight)
        return top, total, weight

    sums, weights = np.zeros((2, channels, height, width), np.float32)
    for top, total, weight in each(strip, range(0, rows[-1] + 1, STRIP)):
        sums[:, top : top + total.shape[1]] += total
        weights[:, top : top + weight.shape[1]] += weight
    return sums / weights


@compiled
def shrink_groups(picture, variance, side, neighbours, found, top, total, weight):
    """Filter the groups of some rows of references and add them to `total` and `weight` (C, rows, W), from row `top`.

    picture: (C, H, W). neighbours, found: (R, K, count) and (R, K); the largest power of two of `found` is used.
    """
    n, width = len(side), picture.shape[2]
    stacks = np.empty((2, neighbours.shape[2], n, n), np.float32)
    for r in range(neighbours.shape[0]):
        for c in range(neighbours.shape[1]):
            places = neighbours[r, c, : power_of_two(found[r, c])]
            stack, scratch = stacks[0, : len(places)], stacks[1, : len(places)]
            for channel in range(len(picture)):
                for m in range(len(places)):
                    y, x = places[m] // width, places[m] % width
                    stack[m] = picture[channel, y : y + n, x : x + n]
                haar(stack, scratch, side)
                share = shrink(stack, variance, side)
                haar_back(stack, scratch, side)
                for m in range(len(places)):
                    y, x = places[m] // width - top, places[m] % width
                    for i in range(n):
                        for j in range(n):
                            total[channel, y + i, x + j] += share * stack[m, i, j]
                            weight[channel, y + i, x + j] += share


@compiled
def shrink(stack, variance, side):
    """Multiply each coefficient but the means, stack[0], by c^2 / (c^2 + tau^2); returns the weight of the group."""
    energy = np.float32(len(side) * len(side))
    for m in range(1, len(stack)):
        for i in range(len(side)):
            for j in range(len(side)):
                power = stack[m, i, j] * stack[m, i, j]
                factor = power / (power + variance)
                stack[m, i, j] *= factor
                energy += factor * factor
    return np.float32(1) / energy
