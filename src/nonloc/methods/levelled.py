"""Methods for white noise whose level differs from channel to channel, or from place to place.

Source: a map told to the network, Zhang, Zuo, Zhang, "FFDNet", IEEE TIP 27(9), 2018, DOI 10.1109/TIP.2018.2839891,
section III. A method that knows one level sees the picture with its contrast changed in every place so that the noise
is the same everywhere, which is right where levels change slowly beside what the method compares. What restores the
channels together is told one level for them: on bsd32val that is 0.2 to 3.6 dB better than to even them by contrast,
which takes from the channels what they have in common, and 1 to 2 dB better than each channel alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..degradation import Degradation, GaussianNoise
from ..degradation.gaussian_map import GaussianMap
from ..errors import UsageError
from .base import ArrayMethod, Method, NetworkMethod
from .card import Card
from .stabilise import alone, levels, through

MOST = 4.0  # times the lowest level: a picture whose contrast changes more is no picture that a method knows


def takes_maps(method: Method) -> bool:
    """Whether the method's network can be told a level for every place."""
    if not isinstance(method, NetworkMethod):
        return False
    from .networks.ffdnet import FFDNetMethod
    from .networks.nonloc_s import NonlocSMethod

    return isinstance(method, FFDNetMethod | NonlocSMethod)


def levelled(method: Method, noise: GaussianMap) -> Method:
    """`method` for `noise`; it does as before with any other degradation.

    Raises UsageError for a method that measures whole pictures, and where levels differ too much for one that cannot be
    told a map.
    """
    name, told = method.card.name, noise.all
    if type(method).measure is not Method.measure:
        raise UsageError(f"{name} with {noise.name}", "it measures the whole picture first", "Take nonloc-s")
    if takes_maps(method):
        return MappedLevels(method)  # type: ignore[arg-type]
    if noise.local and together(told).max() > MOST * together(told).min():
        found = f"{name} knows one level, and the highest is more than {MOST:g} times the lowest"
        raise UsageError(f"sigma {noise.name}", found, "Take a method that is told a map: nonloc-s or ffdnet")
    return LevelledNetwork(method) if isinstance(method, NetworkMethod) else LevelledArray(method)


class Levelled(Method):
    """What both kinds of method share: pixels brought to one level, restored, brought back."""

    inside: Method

    def restore(self, pixels: Any, degradation: Degradation | None) -> Any:
        if not isinstance(degradation, GaussianMap):
            return self.inside.restore(pixels, degradation)
        contrast, sigma = evened(degradation, pixels.shape, self.inside)
        restored = each(self.inside, turned(lambda y: (y - 0.5) * contrast + 0.5, pixels), GaussianNoise(sigma))
        return turned(lambda x: (x - 0.5) / contrast + 0.5, restored)


class LevelledArray(Levelled, ArrayMethod):
    def __init__(self, inside: Method):
        super().__init__(retitled(inside.card), inside.weights)
        self.inside = inside


class LevelledNetwork(Levelled, NetworkMethod):
    def __init__(self, inside: NetworkMethod):
        super().__init__(retitled(inside.card), inside.weights, inside.module)
        self.inside = inside


class MappedLevels(NetworkMethod):
    """A network that is told the map; channels are brought to one level first, as it knows one map for all."""

    def __init__(self, inside: NetworkMethod):
        super().__init__(retitled(inside.card), inside.weights, inside.module)
        self.inside = inside

    def restore(self, pixels: Any, degradation: Degradation | None) -> Any:
        if not isinstance(degradation, GaussianMap):
            return self.inside.restore(pixels, degradation)
        # contrast is lowered until the strongest noise is no more than the network knows
        contrast = min(1.0, levels(self.inside)[1] / max(float(together(degradation.all).max()), 1e-6))
        std = contrast / 255 * together(degradation.sigmas)[None]
        std = np.broadcast_to(spread_out(std, (1, 1, *pixels.shape[2:])), (len(pixels), 1, *pixels.shape[2:]))
        level = pixels.new_tensor(np.ascontiguousarray(std))
        return (self.module((pixels - 0.5) * contrast + 0.5, level) - 0.5) / contrast + 0.5


def evened(noise: GaussianMap, shape: tuple[int, ...], inside: Method) -> tuple[np.ndarray, float]:
    """The contrast that brings `noise` in pixels of that shape, (B, C, H, W), to one level, and that level."""
    joint = shape[1] in inside.card.channels
    sigmas = together(noise.sigmas) if joint else noise.sigmas
    highest = float((together(noise.all) if joint else noise.all).max())
    sigma = float(np.clip(noise.noise.sigma, *levels(inside)))
    contrast = max(sigma, 1e-6) / np.maximum(sigmas, max(highest / MOST, 1e-6))
    return spread_out(contrast[None], shape), sigma


def together(sigmas: np.ndarray) -> np.ndarray:
    """One level for all channels of `sigmas` (C or 1, H or 1, W or 1): the root of their mean square."""
    return np.sqrt(np.mean(np.square(sigmas), 0, keepdims=True))


def spread_out(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`values` (1, C or 1, h or 1, w or 1) mirrored at the bottom and right, as the engine does with pixels."""
    missing = [due - has if has > 1 else 0 for has, due in zip(values.shape[2:], shape[2:], strict=True)]
    return np.pad(values, [(0, 0), (0, 0), *((0, more) for more in missing)], mode="symmetric")


def turned(f: Callable[[np.ndarray], np.ndarray], pixels: Any) -> Any:
    """f of pixels of either kind."""
    return f(pixels).astype(pixels.dtype) if isinstance(pixels, np.ndarray) else through(f, pixels.float())


def each(inside: Method, pixels: Any, noise: GaussianNoise) -> Any:
    """What `inside` makes of pixels (B, C, H, W): of every channel alone, where it knows gray only."""
    if pixels.shape[1] in inside.card.channels:
        return alone(inside.restore(pixels, noise))
    channels = [alone(inside.restore(pixels[:, c : c + 1], noise)) for c in range(pixels.shape[1])]
    if isinstance(pixels, np.ndarray):
        return np.concatenate(channels, 1)
    import torch

    return torch.cat(channels, 1)


def retitled(card: Card) -> Card:
    """The card of a method that sees all channels at once, as only so it knows which level is whose."""
    return replace(card, title=f"{card.title}, on even noise", channels=tuple(sorted({*card.channels, 3})))
