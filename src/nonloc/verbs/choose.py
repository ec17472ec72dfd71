"""Which method, when the user names none."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NonlocError, UnknownMethod
from ..estimation.noise import CLEAN
from ..image.image import Image
from ..methods.card import Card
from ..methods.registry import card, cards, choose_weights
from ..methods.weights import locate

# Best first, as measured on BSD68 and CBSD68 (results/); the first one that fits is taken.
DENOISERS = ("nonloc-s", "bm3d", "nl-means", "wavelet", "gaussian")
PHOTOGRAPHS = ("nonloc-photo", *DENOISERS)  # for noise as cameras leave it, as measured on polyu40
BEYOND, FEW, ROWS = 1.25, 4, 512  # times white; samples; rows looked at at a time
FAINT, ROUNDED = 0.1, 0.7  # sigma on the 0-255 scale, and in stored whole numbers


@dataclass(frozen=True)
class Choice:
    """The method, and for those before it in the order why they were passed over."""

    method: str
    reason: str
    considered: tuple[str, ...]


def choose_denoiser(
    channels: int,
    sigma: float | None,
    licence: str | None = None,
    *,
    camera: bool = False,
    shining: bool = False,
    budget: float | None = None,
) -> Choice:
    """The best denoiser in the package for that many channels and that level (0-255 scale; None: any).

    camera: whether the noise is as a camera leaves it. shining: whether it has what no network has seen, see
    `shines`. budget: seconds of one core that it may take for a megapixel, by its card.
    """
    passed: list[str] = []
    order: tuple[str, ...] = PHOTOGRAPHS if camera else DENOISERS
    if shining:
        passed.append(f"{order[0]}: it never saw samples far beyond white, such as stars, nor noise this weak")
        order = tuple(name for name in order if not card(name).trained)
    for name in order:
        if name not in cards():
            continue
        if budget is not None and (card(name).seconds_per_mp or 0) > budget:
            passed.append(f"{name}: it takes {card(name).seconds_per_mp:g} s a megapixel")
            continue
        try:
            check_fits(name, channels, sigma, licence)
        except NonlocError as error:
            passed.append(f"{name}: {error.args[1]}")
            continue
        reason = f"the default denoiser{' for camera noise' * camera}" if name == order[0] else best(passed)
        return Choice(name, reason, tuple(passed))
    at = "" if sigma is None else f" at sigma {sigma:g}"
    at += "" if budget is None else f" within {budget:g} s a megapixel"
    raise UnknownMethod(
        f"a denoiser for {channels} channels{at}",
        "; ".join(passed),
        "Name one with --method",
    )


def check_fits(name: str, channels: int, sigma: float | None, licence: str | None = None) -> None:
    """Raise what stands against the method: CardError, SigmaOutOfRange for a specialist, WeightsError."""
    weights = choose_weights(card(name), channels, known_level(card(name), sigma), licence)
    if weights:
        locate(card(name), weights)  # 'nonloc-weights' may not be installed


def known_level(method: Card, sigma: float | None) -> float | None:
    """`sigma`, or the highest level that `method` knows where that is less: `adapt` lowers contrast until it fits."""
    return sigma if sigma is None or method.sigma is None else min(sigma, method.sigma[1])


def shines(picture: Image, sigma: float | None) -> bool:
    """Whether samples of measured numbers lie beyond BEYOND times white in more than a few places.

    Or `sigma` is below CLEAN, which is what a white that stars set makes of the noise of the sky.
    """
    if not measured(picture) or (sigma is not None and sigma < CLEAN):
        return measured(picture)
    count = 0
    for top in range(0, picture.height, ROWS):
        count += int((picture.pixels(slice(top, top + ROWS)) > BEYOND).sum())
        if count >= FEW:
            return True
    return False


def least(picture: Image) -> float:
    """The level, 0-255 scale, below which noise is left alone: of measured numbers, whose white is chosen, a small one.

    Whole numbers are rounded, which is noise of 0.3 that nothing can be done about.
    """
    if not measured(picture):
        return CLEAN
    return max(FAINT, 255 * abs(picture.scale) * (ROUNDED if picture.dtype.kind in "ui" else 0))


def measured(picture: Image) -> bool:
    """Whether the samples are measured numbers, whose black and white were chosen by how they are spread."""
    return picture.offset != 0 and picture.dtype != "uint8"


def best(passed: list[str]) -> str:
    return f"the best that fits ({'; '.join(passed)})"
