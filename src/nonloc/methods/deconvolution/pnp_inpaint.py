"""Places that are lost, filled by plug-and-play half-quadratic splitting; all others stay as they are.

Source: the scheme is that of `pnp`, with H = the places that are left, as DPIR does it for a mosaic (IEEE TPAMI 2022,
DOI 10.1109/TPAMI.2021.3088914). It begins from a picture that is filled coarse to fine ("pull-push": Gortler,
Grzeszczuk, Szeliski, Cohen, "The Lumigraph", SIGGRAPH 1996, DOI 10.1145/237170.237200): begun from holes, the first
steps would keep their rims.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ...degradation import Degradation
from ...errors import UsageError
from .operators import Masked
from .pnp import PlugAndPlay, half_quadratic, noise_of

FIRST, LAST = 20 / 255, 1 / 255  # what the first and the last step take the filled places for: the begin is a good one
AROUND = 64  # pixels around the lost places that are looked at


class Inpaint(PlugAndPlay):
    """Lost places filled."""

    def restore(self, pixels: Tensor, degradation: Degradation | None) -> Tensor:
        """`pixels` (B, C, H, W) with new content where it is lost, the same elsewhere. UsageError without a mask of
        the picture's size."""
        missing = degradation.missing if degradation is not None else None
        if missing is None or missing.mask.shape != tuple(pixels.shape[-2:]):
            found = (
                "none was told" if missing is None else f"it is {missing.mask.shape}, not {tuple(pixels.shape[-2:])}"
            )
            raise UsageError(f"{self.card.name}: the mask of what is lost", found, "Give one, (H, W), true where it is")
        lost = torch.from_numpy(missing.mask).to(pixels.device)
        if lost.all() or not lost.any():
            return pixels.clone()  # nothing to fill, or nothing to fill it from
        place = around(lost)
        seen = ~lost[place[-2:]]
        y = torch.where(seen, pixels[place].float(), 0)  # whatever is there, perhaps no number
        begin = filled(y, seen)
        sigma = noise_of(degradation)
        x = half_quadratic(Masked(seen), y, begin, sigma, self.denoise, self.steps, FIRST, max(LAST, sigma))
        restored = pixels.clone()
        restored[place] = torch.where(seen, pixels[place], x.to(pixels))
        return restored


def around(lost: Tensor) -> tuple:
    """Where the lost places are and what can tell of them: the whole is not worth its time for a scratch."""
    spans = []
    for axis, length in zip((1, 0), lost.shape, strict=True):
        hit = torch.nonzero(lost.any(axis)).flatten()
        spans.append(slice(max(0, int(hit[0]) - AROUND), min(length, int(hit[-1]) + 1 + AROUND)))
    return (..., *spans)


def filled(pixels: Tensor, seen: Tensor) -> Tensor:
    """`pixels` (B, C, H, W) with a smooth guess where `seen` (H, W) is false: means of ever larger squares.

    At least one place must be seen.
    """
    return _pulled_and_pushed(torch.where(seen, pixels, 0), seen.to(pixels)[None, None])


def _pulled_and_pushed(sums: Tensor, weight: Tensor) -> Tensor:
    """sums: of what is known at each place, times `weight` in [0, 1]."""
    height, width = sums.shape[-2:]
    if height == width == 1:
        return sums / weight.clamp_min(1e-12)
    odd = (0, width % 2, 0, height % 2)
    coarse, known = (4 * F.avg_pool2d(F.pad(part, odd), 2) for part in (sums, weight))
    enough = known.clamp(1e-12, 1) / known.clamp_min(1e-12)  # more than one place known is as good as one
    coarse = _pulled_and_pushed(coarse * enough, known * enough)
    guess = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    return sums + (1 - weight) * guess
