"""What is left of normal noise that is drawn again wherever it exceeds a bound, and what that does to PSNR.

Source: Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions, volume 1, 1994, chapter 13: cut at +-c, the
variance is 1 - 2 c phi(c) / (2 Phi(c) - 1). ELDRN was trained and tested on such noise, cut at 2: docs/eldrn.md.
"""

from __future__ import annotations

import math

from .draws import CUT


def truncated_std(cut: float = CUT) -> float:
    """Standard deviation of standard normal numbers drawn again until they lie within +-`cut`."""
    density = math.exp(-(cut**2) / 2) / math.sqrt(2 * math.pi)
    within = math.erf(cut / math.sqrt(2))
    return math.sqrt(1 - 2 * cut * density / within)


def input_psnr(sigma: float, cut: float = math.inf) -> float:
    """Expected PSNR in dB of a picture under noise of `sigma` (0-255 scale), cut at +-`cut` sigma, not quantised."""
    std = sigma if math.isinf(cut) else sigma * truncated_std(cut)
    return 20 * math.log10(255 / std)


def floor_cost(psnr: float) -> float:
    """What a result of that PSNR in dB loses when it becomes 8 bits by cutting digits off rather than by rounding.

    Cut off, it is half a level too dark on average, which adds a quarter to the mean squared error.
    """
    error = 255**2 / 10 ** (psnr / 10)
    return 10 * math.log10((error + 1 / 4) / error)
