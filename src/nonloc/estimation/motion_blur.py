"""A straight shake of the camera, seen in the spectrum: stripes of zeros across its direction, 1 / length apart.

Source: the cepstrum, whose negative peaks lie at the length and angle of a motion: Cannon, IEEE Trans. ASSP 24(1),
1976, DOI 10.1109/TASSP.1976.1162770. The best of its peaks are then moved until the log spectrum follows
log(S |H|^2 + N) best, H(f) = sinc(length u), u the frequency along the motion. Means over rings (how a scene's
spectrum falls) and over wedges (edges of one direction; a sharp picture's star) are taken from both, as the stripes of
a motion are neither. What is ours: that measure, its weights, and its agreement over the quarters of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .blur_spectrum import LEAK, Frequencies, Tiles, means

SHORTEST, LONGEST = 4, 45  # pixels
PEAKS, REFINED, STEPS = 6, 3, 60
WEDGES = 30  # of 6 degrees
HIGHEST = 0.42  # cycles a pixel
CHANCE = 3.0  # over the root of how many frequencies count: what the best of all motions is followed by chance
CLIP = (-4.0, 1.5)  # of the log spectrum: the peaks of a pattern in the scene count little


@dataclass(frozen=True)
class MotionFit:
    """The motion that a spectrum follows best.

    length (pixels), angle (degrees counter-clockwise, 0..180). follows: correlation with it, up to 1, less
    what chance gives it where a soft picture has few frequencies. depth: of the
    stripes, 1 where they are as deep as this motion makes them. agrees: the correlation that all quarters but one have.
    """

    length: float
    angle: float
    follows: float
    depth: float
    agrees: float


def fit_motion(tiles: Tiles) -> MotionFit:
    """The motion that the tiles of a picture follow best, whether or not there was any."""
    where = Frequencies(tiles.side, 3.5, HIGHEST, width=2)
    seen = Stripes(tiles.mean, where)
    starts = [(length + 0.5, angle) for length, angle in seen.peaks()]  # the cepstrum's peak lies a little short
    starts = sorted(starts, key=lambda start: -seen.follows(*start)[0])[:REFINED]
    length, angle = max((_refined(seen, *start) for start in starts), key=lambda found: seen.follows(*found)[0])
    follows, depth = seen.follows(length, angle)
    quarters = sorted(Stripes(power, where).follows(length, angle)[0] for power in tiles.quarters())
    follows -= CHANCE / max(1.0, float(seen.weight.sum())) ** 0.5
    return MotionFit(length, angle, follows, depth, quarters[min(1, len(quarters) - 1)])


class Stripes:
    """What a power spectrum has beside its means over rings and wedges, to be compared with the same of a motion."""

    def __init__(self, power: np.ndarray, where: Frequencies) -> None:
        self.where = where
        p = power[where.kept] + 1e-9
        rings = means(where.ring, p)
        noise = rings[np.bincount(where.ring) > 20].min()  # no ring has less than the noise
        self.signal = np.clip(1 - noise / rings[where.ring], 0, 1)  # S |H|^2 / P
        self.weight = np.where(self.signal > 0.1, np.square(self.signal), 0)
        self.wedge = np.minimum((np.degrees(np.arctan2(where.y, where.x)) + 90) * WEDGES / 180, WEDGES - 1).astype(int)
        self.log = self._left(np.clip(self._left(np.log(p), 2), *CLIP), 2)

    def _left(self, values: np.ndarray, times: int) -> np.ndarray:
        """`values` without their means over rings and over wedges."""
        for _ in range(times):
            for groups in (self.where.ring, self.wedge):
                values = values - means(groups, values, self.weight)[groups]
        return values

    def of(self, length: float, angle: float) -> np.ndarray:
        """What `log` would be after this motion."""
        turn = np.radians(angle)
        u = np.abs(self.where.x * np.cos(turn) - self.where.y * np.sin(turn))
        smeared = np.square(LEAK / (self.where.side * np.maximum(u, 1 / length)))  # the window fills the zeros
        h2 = np.square(np.sinc(length * u)) + smeared
        h2 /= means(self.where.ring, h2)[self.where.ring]
        return self._left(np.log(self.signal * h2 + 1 - self.signal + 1e-3), 1)

    def follows(self, length: float, angle: float) -> tuple[float, float]:
        """Weighted correlation of what is seen and what this motion makes, and the slope between them."""
        due = self.of(length, angle)
        both, alone, all_ = (float((self.weight * of).sum()) for of in (due * self.log, due**2, self.log**2))
        return both / (alone * all_ + 1e-9) ** 0.5, both / (alone + 1e-9)

    def peaks(self) -> list[tuple[float, float]]:
        """Length and angle of the deepest negative peaks of the cepstrum."""
        side = self.where.side
        spectrum = np.zeros(self.where.kept.shape)
        spectrum[self.where.kept] = self.weight * self.log
        r = min(LONGEST, side // 3)
        middle = slice(side // 2 - r, side // 2 + r + 1)
        y, x = np.mgrid[-r : r + 1, -r : r + 1]
        inside = (np.hypot(y, x) >= SHORTEST) & (np.hypot(y, x) <= r) & (y <= 0)
        cepstrum = np.where(inside, np.fft.fftshift(np.fft.irfft2(spectrum, s=(side, side)))[middle, middle], 0)
        found = []
        for _ in range(PEAKS):
            dy, dx = np.unravel_index(cepstrum.argmin(), cepstrum.shape)[0] - r, cepstrum.argmin() % (2 * r + 1) - r
            found.append((float(np.hypot(dy, dx)), float(np.degrees(np.arctan2(-dy, dx)) % 180)))
            cepstrum[np.hypot(y - dy, x - dx) < 3] = 0
        return found


def _refined(seen: Stripes, length: float, angle: float) -> tuple[float, float]:
    from scipy.optimize import minimize

    turn = np.degrees(1 / length)  # its ends then move by half a pixel
    simplex = [(length - 0.6, angle - turn / 2), (length + 1, angle), (length, angle + turn)]
    found = minimize(
        lambda at: -seen.follows(max(at[0], SHORTEST / 2), at[1])[0],
        (length, angle),
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 0.02, "fatol": 1e-5, "maxfev": STEPS},
    )
    return float(max(found.x[0], SHORTEST / 2)), float(found.x[1] % 180)
