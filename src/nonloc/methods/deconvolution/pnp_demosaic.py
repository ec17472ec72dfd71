"""A picture from a sensor's mosaic of colours, by plug-and-play half-quadratic splitting.

Source: the scheme is that of `pnp`, with H = one colour at each place (DPIR, IEEE TPAMI 2022,
DOI 10.1109/TPAMI.2021.3088914, section 4.3). It begins from Malvar's interpolation (`degradation.demosaic`).
"""

from __future__ import annotations

import numpy as np
import torch

from ...degradation import GaussianNoise
from ...degradation.demosaic import demosaic as interpolated
from ...errors import UsageError
from ..inner import made
from .operators import Mosaic
from .pnp import half_quadratic

PATTERNS = {"RGGB": (0, 0), "GRBG": (0, 1), "GBRG": (1, 0), "BGGR": (1, 1)}  # and where in them the red of RGGB begins
# what the first and the last step take it for; from 49, as in the paper, a dB less on three training pictures
FIRST, LAST = 10 / 255, 0.6 / 255


def demosaic(raw: np.ndarray, pattern: str = "RGGB", sigma: float = 0.0, inner: str = "nonloc-s", steps: int = 24):
    """The picture (H, W, 3), float32, of a mosaic `raw` (H, W), at least 3 x 3, black 0 and white 1.

    pattern: the colours of the first 2 x 2 places in reading order. sigma: of the noise in `raw`, on the 0-255 scale.
    inner: the denoiser. UsageError for another shape or pattern.
    """
    if raw.ndim != 2 or min(raw.shape) < 3 or pattern not in PATTERNS:
        raise UsageError(
            f"demosaicing {pattern}", f"an array of shape {raw.shape}", f"Give (H, W), of one of {', '.join(PATTERNS)}"
        )
    network, (down, right) = made(inner, 3), PATTERNS[pattern]
    # a mirror that does not repeat the border keeps every second place of the same colour
    wide = np.pad(
        raw.astype(np.float32), ((down, -(down + raw.shape[0]) % 8), (right, -(right + raw.shape[1]) % 8)), "reflect"
    )
    y, begin = torch.from_numpy(wide)[None, None], torch.from_numpy(interpolated(wide))[None]

    def denoise(pixels: torch.Tensor, std: float) -> torch.Tensor:
        return network.restore(pixels.clamp(0, 1), GaussianNoise(255 * std)).float()

    with torch.inference_mode():
        x = half_quadratic(Mosaic(), y, begin, sigma / 255, denoise, steps, FIRST, max(LAST, sigma / 255))
    return x[0, :, down : down + raw.shape[0], right : right + raw.shape[1]].permute(1, 2, 0).clamp(0, 1).numpy()
