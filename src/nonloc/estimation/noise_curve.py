"""How the variance of the noise goes with the brightness of the picture.

Patches are sorted by their mean into groups of one brightness, and the level of each group is found as that of a whole
picture is (`weak_texture`). A curve fitted to the levels then whitens the patches, so that within a group too all have
one level, and the groups are measured again.

Source of the affine variance a x + b and of the clipping taken into account: Foi, Trimeche, Katkovnik, Egiazarian, IEEE
TIP 17(10), 2008, DOI 10.1109/TIP.2008.2001399. The groups, their levels and the robust fit are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..degradation.poisson_gaussian import PoissonGaussian
from .clipped_counts import Seen, through
from .clipping import TOUCH, Ends
from .weak_texture import MOST_CLIPPED, Patches, cut, weak_texture_level

SIDES = (7, 5, 3)  # of the patches: the first that gives LEAST groups
GROUPS, LEAST = 12, 3
ROUNDS = 2  # of whitening: a third changes the gain by less than 0.5 %
UNBENT = Ends(False, False, 0.0)

ERROR = 0.05  # of the variance of a group, relative: texture and chance, on training pictures
TEXTURE = (0.7 / 255) ** 2  # variance of the texture that is left, where it passes for noise
REACH = 2.0, 4.0  # errors above and below the curve from which a group counts less: texture only adds
BLACK_ERROR = 0.06  # of the share of samples on black: texture bends it
DARK = (0.05 / 255) ** 2  # no variance is told to be less


@dataclass(frozen=True)
class Curve:
    """Mean and variance as seen, and share of samples on black, of the groups of one channel: each (G,).

    ends: where it is clipped. The share tells clipped read noise from few counts; it is looked at where black clips.
    """

    mean: np.ndarray
    variance: np.ndarray
    black: np.ndarray
    ends: Ends

    def __len__(self) -> int:
        return len(self.mean)


@dataclass(frozen=True)
class Fit:
    """The noise through some groups; misfit: root mean square of (variance - fit) / error, outliers cut off.

    loss: sum of the squares of the same, outliers counted less.
    """

    noise: PoissonGaussian
    misfit: float
    loss: float


def noise_curve(channel: np.ndarray, ends: Ends, step: float | None, most: int) -> Curve:
    """The curve of `channel` (1, H, W) from about `most` patches; without groups where there are too few patches."""
    groups = cut_groups(channel, most)
    rounding = step**2 / 12 if step else 0.0
    black = black_shares(channel[0], groups) if ends.low else np.zeros(len(groups))
    first = [(group.means.mean(), weak_texture_level(group, UNBENT)[0] ** 2 - rounding) for group in groups]
    curve = as_curve([(*pair, share) for pair, share in zip(first, black, strict=True)], ends)
    for _ in range(ROUNDS):
        if len(curve) < LEAST:
            return as_curve([], ends)
        seen = through(fit([curve]).noise, ends)
        pairs = [
            (*m, share) for group, share in zip(groups, black, strict=True) for m in measured(group, seen, rounding)
        ]
        curve = as_curve(pairs, ends)
    return curve if len(curve) >= LEAST else as_curve([], ends)


def as_curve(rows: Sequence[tuple[float, ...]], ends: Ends) -> Curve:
    table = np.array(rows, float).reshape(-1, 3)
    return Curve(table[:, 0], np.maximum(table[:, 1], DARK), table[:, 2], ends)


def black_shares(channel: np.ndarray, groups: list[Patches]) -> np.ndarray:
    """The share of samples on black in all parts of `channel` (H, W) as bright as each group: (G,)."""
    from scipy.ndimage import uniform_filter

    side = groups[0].side if groups else 1
    bright = uniform_filter(np.nan_to_num(channel, nan=2.0), side)  # brighter than any group
    black = uniform_filter((channel <= TOUCH).astype(np.float32), side)
    shares = []
    for group in groups:
        alike = (bright >= group.means.min()) & (bright <= group.means.max())
        shares.append(black[alike].mean() if alike.any() else 0.0)
    return np.array(shares)


def cut_groups(channel: np.ndarray, most: int) -> list[Patches]:
    """Patches of `channel` (1, H, W) in groups of one brightness, as many in each; none where there are too few."""
    for side in SIDES:
        if min(channel.shape[1:]) < side:
            continue
        patches = cut(channel, side, 1, most)
        number = min(GROUPS, len(patches) // (12 * side * side))
        if number >= LEAST:
            order = np.argsort(patches.means[:, 0], kind="stable")
            groups = [part_of(patches, part) for part in np.array_split(order, number)]
            return [group for group in groups if group.enough]
    return []


def part_of(patches: Patches, which: np.ndarray) -> Patches:
    return Patches(patches.deviations[which], patches.means[which], patches.half[which], 0.0, float(len(which)))


def measured(group: Patches, seen: Seen, rounding: float) -> Iterator[tuple[float, float]]:
    """Mean and variance of a `group`, whitened by the variance `seen`; nothing where clipping left too little."""
    usable = seen.left(group.means[:, 0]) > MOST_CLIPPED
    part = part_of(group, usable)
    variance = np.maximum(seen.variance(part.means[:, 0]), DARK) + rounding
    if usable.mean() > 0.5 and part.enough:
        whitened = (part.deviations / np.sqrt(variance)[:, None, None]).astype(part.deviations.dtype)
        ratio = weak_texture_level(Patches(whitened, part.means, part.half, 0.0, part.area), UNBENT)[0] ** 2
        yield float(part.means.mean()), ratio * float(variance.mean()) - rounding


def fit(curves: list[Curve], *, sloped: bool = True) -> Fit:
    """The noise whose curve, clipped as each of `curves` is, lies nearest to all groups; without gain if not `sloped`.

    Least squares by the errors at the fit, outliers less; from several starts, since clipping bends the curve.
    """
    from scipy.optimize import least_squares

    middle = float(np.median(np.concatenate([c.variance for c in curves])))
    bright = max(float(np.median(np.concatenate([c.mean for c in curves]))), 0.05)

    def noise(p: np.ndarray) -> PoissonGaussian:
        """Of the logarithms of its read variance and, if there is one, its gain."""
        return PoissonGaussian(float(np.exp(p[1])) if sloped else 0.0, 255 * float(np.exp(p[0] / 2)))

    def away(p: np.ndarray) -> np.ndarray:
        found = noise(p)
        return np.concatenate([off_curve(curve, found) for curve in curves])

    def damped(p: np.ndarray) -> np.ndarray:
        off = away(p)
        reach = np.where(off > 0, *REACH)
        far = np.sqrt(reach * np.maximum(2 * np.abs(off) - reach, reach))
        return np.where(np.abs(off) < reach, off, np.sign(off) * far)

    lowest = np.log(DARK)
    # of the variance at middle brightness, of read noise; the first is none, where black is no count at all
    shares = (1e-5, 0.05, 0.5, 0.95) if sloped else (1.0,)
    starts = (np.log([s * middle, (1 - s) * middle / bright] if sloped else [middle]) for s in shares)
    ways = (least_squares(damped, s.clip(lowest + 0.01, 0.99), bounds=(lowest, 1.0), max_nfev=30) for s in starts)
    best = min(ways, key=lambda way: way.cost)
    off = away(best.x)
    misfit = np.sqrt((np.clip(off, -REACH[1], REACH[0]) ** 2).mean())
    return Fit(noise(best.x), float(misfit), float(2 * best.cost))


def off_curve(curve: Curve, noise: PoissonGaussian) -> np.ndarray:
    """How many errors the groups of `curve` lie above what `noise` would show: (G,), or (2 G,) where black clips."""
    seen = through(noise, curve.ends)
    line = np.maximum(seen.variance(curve.mean), DARK)
    off = (curve.variance - line) / np.hypot(ERROR * line, TEXTURE)
    return np.concatenate([off, (curve.black - seen.black(curve.mean)) / BLACK_ERROR]) if curve.ends.low else off
