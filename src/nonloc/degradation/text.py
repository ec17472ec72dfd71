"""Degradations as text that reads back.

gaussian:25                         noise of one level
gaussian:25 + clip8                 both, in this order
gaussian:0..75                      a level drawn each time
camera:8                            what a camera leaves of its noise, as strong as white noise of that level
poisson-gaussian:0.02,5             shot noise of that gain, and read noise of that level; ranges for each, too
motion:15,30 + gaussian:2           a straight shake of 15 pixels at 30 degrees, then noise
gaussian-blur:1.6, defocus:3        other blurs: standard deviation, radius of the disk, in pixels
downscale:2                         made half as large by bicubic interpolation; downscale:2,bilinear
jpeg:10, jpeg:10..60                a JPEG of that quality
rician:15                           noise of a magnitude, as in MRI, of that level in each channel
salt-and-pepper:0.3                 so many samples black or white
speckle:4                           speckle of radar and ultrasound, of four looks; speckle:4,amplitude of roots
shake:5,6                           a clip of five frames by a shaking hand, for training; speed in pixels a frame
photo:1..12                         a shot by a simulated camera, its JPEG and all, with noise of that level
0.4*clip8                           in 40 % of the cases
0.9*gaussian:0..75 | 0.1*gaussian:0..3 + 0.4*clip8
                                    one of two, then perhaps the third ('|' binds closer than '+')
"""

from __future__ import annotations

import math
from difflib import get_close_matches

from ..errors import DegradationError
from . import poisson_gaussian, rician, shake, speckle
from .blur import Defocus, GaussianBlur, MotionBlur, TurnedGaussianBlur, TurnedGaussians
from .compression import Jpeg, JpegQualities
from .damage import SaltAndPepper
from .degradation import Degradation, Distribution, Mixture, RandomSequence, Sequence
from .noise import CameraNoise, Clip8, GaussianLevels, GaussianNoise
from .photo import Photos
from .scaling import Downscale


def parse(text: str) -> Distribution:
    """The degradation or distribution that `text` names; DegradationError where it names none."""
    steps = tuple(_mixture(part, text) for part in text.split("+"))
    if len(steps) == 1:
        return steps[0]
    if all(isinstance(step, Degradation) for step in steps):
        return Sequence(tuple(step for step in steps if isinstance(step, Degradation)))
    return RandomSequence(steps)


def parse_fixed(text: str) -> Degradation:
    """Like `parse`, for places where nothing may be random."""
    found = parse(text)
    if not isinstance(found, Degradation):
        raise DegradationError(f"degradation {text!r}", "it is random", "Give one level, such as gaussian:25")
    return found


def _mixture(part: str, text: str) -> Distribution:
    choices = []
    for term in part.split("|"):
        weight, star, atom = term.rpartition("*")
        probability = _number(weight, text) if star else 1.0
        if not 0 <= probability <= 1:
            raise DegradationError(f"degradation {text!r}", f"{probability:g} is no probability", "Use 0 to 1")
        choices.append((probability, _atom(atom.strip(), text)))
    if len(choices) == 1 and choices[0][0] == 1:
        return choices[0][1]
    if sum(probability for probability, _ in choices) > 1 + 1e-9:
        raise DegradationError(
            f"degradation {text!r}",
            "the probabilities add to more than 1",
            "Write 0.9*A | 0.1*B, for example",
        )
    return Mixture(tuple(choices))


def _atom(atom: str, text: str) -> Distribution:
    name, _, value = atom.partition(":")
    if name not in _READERS:
        near = get_close_matches(name, _READERS, 1)
        hint = f"; the nearest is {near[0]!r}" if near else ""
        raise DegradationError(
            f"degradation {text!r}", f"{name!r} is not known{hint}", f"Known: {', '.join(sorted(_READERS))}"
        )
    return _READERS[name](value, text)


def _gaussian(value: str, text: str) -> Distribution:
    low, dots, high = value.partition("..")
    levels = [_number(level, text) for level in ((low, high) if dots else (low,))]
    if min(levels) < 0 or levels != sorted(levels):
        raise DegradationError(
            f"degradation {text!r}",
            f"{value!r} is no range of noise levels",
            "Sigma is on the 0-255 scale, at least 0, the lower level first",
        )
    return GaussianLevels(*levels) if dots else GaussianNoise(*levels)


def _camera(value: str, text: str) -> Distribution:
    found = _gaussian(value, text)
    if not isinstance(found, GaussianNoise):
        raise DegradationError(f"degradation {text!r}", "camera noise has one level", "Write camera:8, for example")
    return CameraNoise(found.sigma)


def _photo(value: str, text: str) -> Distribution:
    found = _gaussian(value, text)
    if isinstance(found, GaussianLevels):
        return Photos(found.low, found.high)
    assert isinstance(found, GaussianNoise)
    return Photos(found.sigma, found.sigma)


def _motion(value: str, text: str) -> Distribution:
    length, angle = _numbers(value, text, "motion:15,30: length in pixels, angle in degrees", 2, least=1)
    return MotionBlur(length, angle)


def _gaussian_blur(value: str, text: str) -> Distribution:
    return GaussianBlur(*_numbers(value, text, "gaussian-blur:1.6: standard deviation in pixels", 1))


def _turned_gaussian(value: str, text: str) -> Distribution:
    write = "turned-gaussian-blur:4,1,30: variances, degrees; or a range of variances, 0.1..10"
    if ".." in value:
        low, _, high = value.partition("..")
        return TurnedGaussians(_number(low, text), _number(high, text))
    wide, narrow, angle = _numbers(value, text, write, 3)
    return TurnedGaussianBlur(wide, narrow or wide, angle)


def _defocus(value: str, text: str) -> Distribution:
    return Defocus(*_numbers(value, text, "defocus:3: radius in pixels", 1))


def _downscale(value: str, text: str) -> Distribution:
    factor, _, method = value.partition(",")
    (times,) = _numbers(factor, text, "downscale:2: how many times smaller", 1, least=1)
    return Downscale(times, method or "bicubic")


def _salt_and_pepper(value: str, text: str) -> Distribution:
    (fraction,) = _numbers(value, text, "salt-and-pepper:0.3: the part of the samples that is hit", 1)
    if fraction > 1:
        raise DegradationError(f"degradation {text!r}", f"{fraction:g} is no part of a whole", "Use 0 to 1")
    return SaltAndPepper(fraction)


def _jpeg(value: str, text: str) -> Distribution:
    low, dots, high = value.partition("..")
    qualities = [_number(q, text) for q in ((low, high) if dots else (low,))]
    if qualities != sorted(qualities) or any(not 1 <= q <= 100 or q != int(q) for q in qualities):
        raise DegradationError(f"degradation {text!r}", f"{value!r} is no quality of a JPEG", "Use 1 to 100, or 10..60")
    return JpegQualities(int(qualities[0]), int(qualities[1])) if dots else Jpeg(int(qualities[0]))


def _numbers(value: str, text: str, write: str, count: int, least: float = 0) -> list[float]:
    """So many numbers with commas between, the first at least `least`; those left out at the end are 0."""
    parts = value.split(",") if value else []
    if not 1 <= len(parts) <= count:
        raise DegradationError(f"degradation {text!r}", f"{value!r} is not what it takes", f"Write {write}")
    numbers = [_number(part, text) for part in parts] + [0.0] * (count - len(parts))
    if numbers[0] < least:
        raise DegradationError(f"degradation {text!r}", f"{numbers[0]:g} is below {least:g}", f"Write {write}")
    return numbers


def _clip8(value: str, text: str) -> Distribution:
    if value:
        raise DegradationError(f"degradation {text!r}", f"clip8 takes no value, got {value!r}", "Write clip8")
    return Clip8()


def _none(value: str, text: str) -> Distribution:
    return Sequence(())


def _number(text: str, whole: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DegradationError(f"degradation {whole!r}", f"{text!r} is no number", "Write gaussian:25, for example")
    return number


_READERS = {
    "gaussian": _gaussian,
    "camera": _camera,
    "clip8": _clip8,
    "defocus": _defocus,
    "downscale": _downscale,
    "gaussian-blur": _gaussian_blur,
    "jpeg": _jpeg,
    "motion": _motion,
    "photo": _photo,
    "poisson-gaussian": poisson_gaussian.read,
    "none": _none,
    "rician": rician.read,
    "salt-and-pepper": _salt_and_pepper,
    "shake": shake.read,
    "speckle": speckle.read,
    "turned-gaussian-blur": _turned_gaussian,
}
