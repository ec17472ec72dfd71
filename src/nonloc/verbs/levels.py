"""How users write noise and its level, and the guards against a wrong unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..degradation import Degradation, GaussianMap, GaussianNoise, PoissonGaussian, Rician, Speckle, parse_fixed
from ..errors import DegradationError, SigmaUnitError, UsageError
from ..estimation.noise import NoiseEstimate
from ..estimation.rician import estimate_rician
from ..estimation.speckle import estimate_looks
from ..image.image import Image

AMPLITUDES = {"speckle:auto": False, "speckle:auto,amplitude": True}  # and whether pixels are amplitudes
MAGNITUDE = "rician:auto"
AUTOMATIC = {*AMPLITUDES, MAGNITUDE}
FACTOR = 4  # a given and an estimated level further apart than this are worth a warning


# as an object, what can stand in place of a level
Noise = GaussianNoise | GaussianMap | PoissonGaussian | Rician | Speckle


def read_noise(value: Any, image: Image | None = None) -> Noise | None:
    """The noise that is given as an object, or as text such as 'poisson-gaussian:0.02,5'; None for a level or no value.

    Levels of each channel, '10,20,15' or a sequence, and a map, an array (H, W) or the file of a picture, are a
    GaussianMap. image: what they shall fit, whose looks are counted for 'speckle:auto', whose background is looked at
    for 'rician:auto', and whose stored numbers 'rician:20dn' is in. Raises UsageError for a text that names no noise,
    levels that do not fit, and where what is automatic cannot be told; SigmaUnitError as `read_sigma` does.
    """
    if isinstance(value, str) and value.strip() in AMPLITUDES:
        return _seen_speckle(value.strip(), image)
    if isinstance(value, str) and value.strip() == MAGNITUDE:
        return _seen_rician(image)
    if isinstance(value, Sequence | np.ndarray | Path) and (not isinstance(value, str) or _is_map(value)):
        return read_levels(value, image)
    if isinstance(value, str) and ":" in value:
        try:
            found: Degradation = parse_fixed(_in_levels(value.strip(), image))
        except DegradationError as error:
            raise UsageError(f"sigma {value!r}", *error.args[1:]) from error
        if not isinstance(found, Noise):
            do = "Give 25, camera:8, rician:15, speckle:4 or poisson-gaussian:0.02,5, for example"
            raise UsageError(f"sigma {value!r}", "it is no noise that can be removed", do)
        return found
    return value if isinstance(value, Noise) else None


def read_sigma(value: Any, image: Image) -> float | None:
    """The level on the 0-255 scale, of shot noise that on middle gray; None for None or 'auto', which ask for an
    estimate.

    25 and '25' are on the 0-255 scale, '0.1u' where white is 1, '120dn' in the numbers that the file stores.
    Raises UsageError for what is no level, SigmaUnitError for 0 < sigma < 1 on a float picture, where 0.1 is far more
    likely to mean 25.5.
    """
    noise = read_noise(value, image)
    if noise is not None:
        return noise.noise.sigma
    if value is None or (isinstance(value, str) and value.strip().lower() == "auto"):
        return None
    return _level(value, image)


def level_to_know(noise: Noise) -> float | None:
    """The level that a method must have been made for; None for noise that is brought to any, as shot noise is."""
    return noise.sigma if isinstance(noise, GaussianNoise) else None


def warn_if_far(given: float, estimate: NoiseEstimate) -> list[str]:
    """A warning when the given level and the estimated one differ by more than a factor of 4."""
    seen = estimate.sigma
    if min(given, seen) <= 0 or max(given, seen) < 1.5 or 1 / FACTOR <= given / seen <= FACTOR:
        return []
    return [f"sigma {given:g} was given, but the picture looks like {estimate}"]


def _seen_speckle(text: str, image: Image | None) -> Speckle:
    amplitude = AMPLITUDES[text]
    if image is None:
        raise UsageError(f"sigma {text!r}", "there is no picture to count looks in", "Give the looks, as speckle:4")
    from .estimate import sampled

    seen = estimate_looks(sampled(image), amplitude=amplitude, zero=image.offset)
    if seen.confidence:
        return Speckle(float(f"{seen.looks:.3g}"), amplitude, image.offset)
    if image.samples.size > 1:
        raise UsageError(f"sigma {text!r}", "the picture is too small or too even to tell", "Give speckle:4, say")
    return Speckle(1, amplitude, image.offset)  # of a single pixel any number is right


def _seen_rician(image: Image | None) -> Rician:
    """The noise of a magnitude picture, by what it has where there is no signal."""
    if image is None:
        raise UsageError(f"sigma {MAGNITUDE!r}", "there is no picture to see it in", "Give the level, as rician:15")
    from .estimate import sampled

    seen = estimate_rician(sampled(image), zero=image.offset)
    if seen is not None:
        return Rician(float(f"{seen:.4g}"), image.offset)
    if image.samples.size > 1:
        do = "Give the level, as rician:20dn in stored numbers"
        raise UsageError(f"sigma {MAGNITUDE!r}", "no background is seen: 1 % of the picture without signal", do)
    return Rician(1, image.offset)  # of a single pixel any number is right


def _in_levels(text: str, image: Image | None) -> str:
    """'rician:20dn' and 'rician:0.1u' on the 0-255 scale; other texts as they are."""
    name, _, rest = text.partition(":")
    level, comma, zero = rest.partition(",")
    if name != "rician" or image is None or not level.strip().lower().endswith(("u", "dn")):
        return text
    return f"{name}:{_level(level, image)!r}{comma}{zero}"


def read_levels(value: Any, image: Image | None) -> GaussianMap:
    """Levels on the 0-255 scale: one for each channel, a map (H, W), one of each channel (H, W, C), or its file.

    A file of whole numbers holds levels as they are, one of floats levels where white is 1. UsageError where they do
    not fit `image`.
    """
    name = "map"
    if isinstance(value, str) and not Path(value).is_file():
        value = [_level(part, image) if image is not None else _split(part)[0] for part in value.split(",")]
    elif isinstance(value, str | Path):
        from ..image.read import read

        name, found = Path(value).name, read(value)
        value = np.asarray(found.samples) * (255 if found.dtype.kind == "f" else 1)
    levels = np.asarray(value)
    if levels.dtype.kind not in "uif" or levels.ndim not in (1, 2, 3) or not levels.size:
        raise UsageError(f"sigma {name}", f"{value!r} are no levels", "Give 10,20,15, or a map as large as the picture")
    levels = levels.astype(np.float32)
    if levels.ndim == 1:
        name, levels = ",".join(f"{level:g}" for level in levels), levels[:, None, None]
    else:
        levels = np.moveaxis(np.atleast_3d(levels), -1, 0)
    if not (np.isfinite(levels).all() and levels.min() >= 0):
        raise UsageError(f"sigma {name}", "a level is below 0, or no number", "Give levels of at least 0")
    if image is not None and levels.max() < 1:
        _level(float(levels.max()), image)  # guards against the wrong unit
    if image is not None and image.samples.size > 1:  # a single pixel stands for any picture, before files are read
        _check_fits(levels, name, image)
    return GaussianMap(levels, name)


def _check_fits(levels: np.ndarray, name: str, image: Image) -> None:
    if len(levels) not in (1, image.channels) or (len(levels) > 1 and image.channels != 3):
        found = f"{len(levels)} channels have a level, the picture has {image.channels}"
        raise UsageError(f"sigma {name}", found, "Give one level for each of the three channels, or one for all")
    if levels.shape[1:] not in ((1, 1), (image.height, image.width)):
        found = f"it is {levels.shape[2]} x {levels.shape[1]} pixels, the picture {image.width} x {image.height}"
        raise UsageError(f"sigma {name}", found, "Give a map as large as the picture")


def _is_map(text: str) -> bool:
    """Whether a text names levels of channels, or a file with a map."""
    try:
        _split(text)
    except UsageError:
        return ("," in text and ":" not in text) or (text.strip().lower() != "auto" and Path(text).is_file())
    return False


def _level(value: Any, image: Image) -> float:
    """One level on the 0-255 scale, whatever its unit."""
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
            "Give auto, 25 (0-255 scale), 0.1u (white is 1), 120dn, 10,20,15 for the channels, a file with a map, "
            "or noise as poisson-gaussian:0.02,5",
        )
    return number, unit
