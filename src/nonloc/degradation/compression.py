"""Compression: what a JPEG file leaves of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .camera import jpeg
from .degradation import Degradation, Distribution, Random


@dataclass(frozen=True)
class Jpeg(Degradation):
    """Written as JPEG of that quality (1 to 100, the scale of libjpeg) and read again. Gray (1, H, W) or RGB (3, H, W);
    colour is held at half the sides, as most programs write it."""

    quality: int

    def apply(self, pixels: Any, rng: Random | None = None) -> Any:
        planes = pixels if isinstance(pixels, np.ndarray) else pixels.cpu().numpy()
        out = jpeg(planes, self.quality, 2)
        if isinstance(pixels, np.ndarray):
            return out.astype(pixels.dtype, copy=False)
        import torch

        return torch.from_numpy(np.ascontiguousarray(out)).to(pixels)

    @property
    def compression(self) -> Jpeg:
        return self

    def __str__(self) -> str:
        return f"jpeg:{self.quality}"


@dataclass(frozen=True)
class JpegQualities(Distribution):
    """JPEG of a quality between two, each as likely."""

    low: int
    high: int

    def sample(self, rng: Random) -> Jpeg:
        return Jpeg(min(self.high, self.low + int((self.high - self.low + 1) * float(rng.random()))))

    def __str__(self) -> str:
        return f"jpeg:{self.low}..{self.high}"
