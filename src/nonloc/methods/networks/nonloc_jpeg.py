"""nonloc-jpeg: the network of nonloc-s, told how coarse a JPEG is, takes out its blocks and rings.

Source: our own; one network for all qualities that is told which, as for noise: Zhang, Zuo, Zhang, "FFDNet", IEEE TIP
2018, DOI 10.1109/TIP.2018.2839891; JPEG artefacts by a residual network: DnCNN-3, DOI 10.1109/TIP.2017.2662206.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...degradation import Degradation
from ...degradation.quantisation import LUMA, table
from .conditional import ConditionalMethod
from .nonloc_s import NonlocS


class NonlocJpegMethod(ConditionalMethod):
    network = NonlocS  # its weights may start from those of nonloc-s

    def condition(self, pixels: Tensor, degradation: Degradation | None) -> tuple[Any, ...]:
        return tuple(part.to(pixels) for part in self.conditions([] if degradation is None else [degradation]))

    @classmethod
    def conditions(cls, degradations: Sequence[Degradation]) -> tuple[Tensor, ...]:
        return (torch.tensor([coarseness(one.compression.quality) for one in degradations]),)


def coarseness(quality: int) -> float:
    """What a JPEG of that quality does, in place of a standard deviation, white 1: that of rounding to its mean step,
    of the 15 lowest frequencies."""
    # beyond 90 it was not trained
    low = [int(table(LUMA, min(quality, 90))[v, u]) for v in range(5) for u in range(5 - v)]
    return sum(low) / len(low) / 12**0.5 / 255
