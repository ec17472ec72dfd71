"""How users write noise and its level, and the guards against a wrong unit."""

from __future__ import annotations

import math
from typing import Any

from ..degradation import Degradation, GaussianNoise, PoissonGaussian, Rician, parse_fixed
from ..errors import DegradationError, SigmaUnitError, UsageError
from ..estimation.noise import NoiseEstimate
from ..image.image import Image

FACTOR = 4  # a given and an estimated level further apart than this are worth a warning


Noise = GaussianNoise | PoissonGaussian | Rician  # as an object, what can stand in place of a level


def read_noise(value: float | str | Noise | None) -> Noise | None:
    """The noise that is given as an object, or as text such as 'poisson-gaussian:0.02,5'; None for a level or no value.

    Raises UsageError for a text that names no noise.
    """
    if isinstance(value, str) and ":" in value:
        try:
            found: Degradation = parse_fixed(value.strip())
        except DegradationError as error:
            raise UsageError(f"sigma {value!r}", *error.args[1:]) from error
        if not isinstance(found, Noise):
            do = "Give 25, camera:8, rician:15 or poisson-gaussian:0.02,5, for example"
            raise UsageError(f"sigma {value!r}", "it is no noise that can be removed", do)
        return found
    return value if isinstance(value, Noise) else None


def read_sigma(value: float | str | Noise | None, image: Image) -> float | None:
    """The level on the 0-255 scale, of shot noise that on middle gray; None for None or 'auto', which ask for an
    estimate.

    25 and '25' are on the 0-255 scale, '0.1u' where white is 1, '120dn' in the numbers that the file stores.
    Raises UsageError for what is no level, SigmaUnitError for 0 < sigma < 1 on a float picture, where 0.1 is far more
    likely to mean 25.5.
    """
    noise = read_noise(value)
    if noise is not None:
        return noise.noise.sigma
    if value is None or (isinstance(value, str) and value.strip().lower() == "auto"):
        return None
    number, unit = _split(value)
    if unit == "u":
        return number * 255
    if unit == "dn":
        return number * image.scale * 255
    if image.dtype.kind == "f" and 0 < number < 1:
        raise SigmaUnitError(
            f"sigma {value}",
            "a sigma below 1 on a float picture is nearly always meant on the [0, 1] scale",
            f"Give {number * 255:g} (the 0-255 scale) or '{number:g}u'; '{number / 255:.3g}u' for what you wrote",
        )
    return number


def level_to_know(noise: Noise) -> float | None:
    """The level that a method must have been made for; None for shot and Rician noise, which are brought to any."""
    return None if isinstance(noise, PoissonGaussian | Rician) else noise.sigma


def warn_if_far(given: float, estimate: NoiseEstimate) -> list[str]:
    """A warning when the given level and the estimated one differ by more than a factor of 4."""
    seen = estimate.sigma
    if min(given, seen) <= 0 or max(given, seen) < 1.5 or 1 / FACTOR <= given / seen <= FACTOR:
        return []
    return [f"sigma {given:g} was given, but the picture looks like {estimate}"]


def _split(value: Any) -> tuple[float, str]:
    text = str(value).strip().lower()
    unit = next((u for u in ("dn", "u") if text.endswith(u)), "")
    try:
        number = float(text.removesuffix(unit))
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise UsageError(
            f"sigma {value!r}",
            "it is no level of noise",
            "Give auto, 25 (0-255 scale), 0.1u (white is 1), 120dn, or noise as poisson-gaussian:0.02,5",
        )
    return number, unit
