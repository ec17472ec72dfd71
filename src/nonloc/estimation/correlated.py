"""How strong the noise of a camera picture is, which demosaicing, smoothing and JPEG have made correlated.

The noise of a camera file has no white floor: its smallest eigenvalues are nearly 0 (`eigenvalues`), so it must be told
from fine texture by its look. Blocks are transformed by the DCT and sorted, at each brightness, by how flat they are;
in the flattest and in middling ones the levels per band of luminance and chroma, the spread of the coefficients, the
relation of the colours and the direction are read. Noise is alike in both groups, without direction and of its own
colour; texture is not. A line through these figures, fitted to simulated cameras, says how sure it is that there is
noise, and how strong it is.

Source of the flat blocks per brightness: Ponomarenko et al. in Colom, Buades, IPOL 3, 2013, DOI 10.5201/ipol.2013.45.
The other figures, the fit (`camera_fit`) and the level it aims at are ours: see benchmarks/camera_noise_fit.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..errors import ImageError
from . import camera_fit

WHITE = 255  # levels are on this scale
SIDE = 16  # of a block: 8 hardly holds the band where demosaiced noise is strongest
MOST = 3000  # blocks that are looked at, of a picture of any size
LEAST = 100  # fewer usable blocks say nothing
BRIGHTNESSES = 8  # at 4, one of ten real pictures less is recognised
GROUPS = ((0.0, 0.08), (0.25, 0.5))  # shares of the blocks of one brightness, from the flattest
EDGES = (0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 1.0, 1.5)  # of the bands; 1 is half a cycle per pixel
CHROMA_BANDS = 4  # above them JPEG leaves nothing
TINY = 1e-3  # variance below which a band counts as empty
DEAD = 2.0**-4  # a block whose lowest band is below this level is constant
FAR = 3.0  # standard deviations from what was fitted; figures further away count as this far
STRANGE = 6  # with more figures that far, it is no photograph with noise: of 340 of these none had more
SURE = 0.5  # least confidence to act on
HALF_SURE, SURE_ENOUGH = 0.5, 1.0  # share of the level told then; log odds from which it is all told

# R, G, B to luminance and two chromas, orthonormal: white noise keeps its level
OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [0.5, -1, 0.5]]) / np.array([[3], [2], [1.5]]) ** 0.5


@dataclass(frozen=True)
class CorrelatedNoise:
    """The correlated noise in a picture.

    sigma: the level in the middle bands (`camera.middle_level`), 0-255 scale, where it is sure that there is noise,
    down to half of it where it is not quite, 0 where it is not.
    low, high: holds the level in about 80 of 100 simulated pictures, and 0 where noise is not sure.
    confidence: how sure it is that the picture holds such noise, in [0, 1].
    correlation: of neighbouring pixels in the flattest blocks, without slow shading; white noise has about 0.
    bands: levels of luminance in the flattest blocks, 0-255 scale, from low to high frequency (`EDGES`).
    """

    sigma: float
    low: float
    high: float
    confidence: float
    correlation: float
    bands: tuple[float, ...]

    def __str__(self) -> str:
        if not self.sigma:
            return "no correlated noise seen"
        return f"correlated noise, as sigma {self.sigma:.1f} ({self.low:.1f} to {self.high:.1f})"


@dataclass(frozen=True)
class Blocks:
    """What is read from N blocks: brightness (N,), bands (N, 3, bands) as log2 of levels, looks (N, 4), power (N,)."""

    brightness: np.ndarray
    bands: np.ndarray
    looks: np.ndarray
    correlation: np.ndarray

    def __len__(self) -> int:
        return len(self.brightness)


def estimate_correlated(pixels: np.ndarray) -> CorrelatedNoise:
    """Find the level to tell a white-noise denoiser where the noise of a colour picture is correlated.

    pixels: floats (C, H, W), black 0, white 1; at most `MOST` blocks of them are looked at. Gray pictures, pictures of
    other than 3 channels and small ones (below about 160 x 160) are not judged: sigma and confidence are 0.

    Raises ImageError for another number of axes.
    """
    if pixels.ndim != 3:
        raise ImageError("estimating the noise", f"an array of shape {pixels.shape}", "Give one picture (C, H, W)")
    blocks = read_blocks(pixels)
    if blocks is None or len(blocks) < LEAST:
        return CorrelatedNoise(0.0, 0.0, float(WHITE), 0.0, 0.0, ())
    figures = picture_figures(blocks)
    away = (figures - camera_fit.MEAN) / camera_fit.SPREAD
    strange = np.count_nonzero(abs(away) > FAR) > STRANGE
    away = np.clip(away, -FAR, FAR)
    odds = float(away @ camera_fit.NOISE + camera_fit.NOISE_AT_MEAN)  # log
    level = float(2 ** (away @ camera_fit.LEVEL + camera_fit.LEVEL_AT_MEAN))
    confidence = 0.0 if strange else float(1 / (1 + np.exp(-odds)))
    sure = confidence > SURE
    told = level * min(HALF_SURE + (1 - HALF_SURE) * odds / SURE_ENOUGH, 1.0)  # harm to a clean picture grows with it
    flattest = groups(blocks)[0]
    return CorrelatedNoise(
        sigma=told if sure else 0.0,
        low=min(told, level / camera_fit.REACH) if sure else 0.0,
        high=level * camera_fit.REACH,
        confidence=confidence,
        correlation=float(blocks.correlation[flattest].mean()),
        bands=tuple(float(b) for b in 2 ** blocks.bands[flattest, 0].mean(0)),
    )


def read_blocks(pixels: np.ndarray) -> Blocks | None:
    """At most about `MOST` blocks of `pixels` (C, H, W), evenly spread; None for gray and other pictures.

    Blocks that are clipped in places or constant are left out.
    """
    from scipy.fft import dctn

    channels, height, width = pixels.shape
    if channels != 3 or min(height, width) < SIDE:
        return None
    spacing = max(9, int(np.sqrt(height * width / MOST)))  # odd, so that blocks lie anywhere on the grid of a JPEG
    spacing += 1 - spacing % 2
    y, x = np.arange(0, height - SIDE + 1, spacing), np.arange(0, width - SIDE + 1, spacing)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (SIDE, SIDE), axis=(1, 2))
    rgb = windows[:, y[:, None], x[None]].reshape(3, -1, SIDE, SIDE).swapaxes(0, 1).astype(np.float32) * WHITE
    clipped = ((rgb < 1.5) | (rgb > WHITE - 1.5)).any(1).mean((1, 2))
    rgb = rgb[(clipped < 0.1) & np.isfinite(rgb).all((1, 2, 3))]
    opponent = np.einsum("ij,njyx->niyx", OPPONENT.astype(np.float32), rgb)
    c = dctn(opponent, axes=(2, 3), norm="ortho")
    bands = 0.5 * np.log2(np.stack([(c[:, :, band] ** 2).mean(-1) for band in band_masks()], -1) + TINY)
    blocks = Blocks(rgb.mean((1, 2, 3)), bands, looks(c, bands), neighbour_correlation(c[:, 0]))
    if not len(bands) or (np.median(bands[:, 1:, 0], 0) < np.log2(DEAD)).any():
        return None  # gray, or toned
    alive = bands[:, 0, 0] > np.log2(DEAD)
    return Blocks(blocks.brightness[alive], bands[alive], blocks.looks[alive], blocks.correlation[alive])


def frequency() -> np.ndarray:
    """Distance from the mean, of each coefficient of a block: (SIDE, SIDE), 1 is half a cycle per pixel."""
    return np.hypot(*np.mgrid[:SIDE, :SIDE]) / SIDE


def band_masks() -> list[np.ndarray]:
    return [(frequency() >= low) & (frequency() < high) for low, high in pairwise(EDGES)]


def looks(c: np.ndarray, bands: np.ndarray) -> np.ndarray:
    """Four figures (N, 4) of coefficients `c` (N, 3, SIDE, SIDE), each near its own value for noise.

    Mean absolute coefficient of luminance, each band brought to one level: 0.8 for a normal distribution, less where
    few are large. Correlation of luminance with chroma, and of both chromas: texture is of one colour. Share of the
    strongest of three directions, 1 where all are alike.
    """
    middle = (frequency() >= 0.15) & (frequency() < 0.6)
    level = sum(mask * 2 ** bands[:, 0, i, None, None] for i, mask in enumerate(band_masks()))
    white = (c[:, 0] / np.maximum(level, TINY))[:, middle]
    angle = np.degrees(np.arctan2(*np.mgrid[:SIDE, :SIDE]))[middle]
    ways = np.stack([(white[:, way] ** 2).mean(1) for way in (angle < 30, abs(angle - 45) <= 15, angle > 60)], 1)
    slow = c[:, :, (frequency() >= 0.05) & (frequency() < 0.4)]
    return np.stack([
        np.abs(white).mean(1),
        (alike(slow[:, 0], slow[:, 1]) + alike(slow[:, 0], slow[:, 2])) / 2,
        alike(slow[:, 1], slow[:, 2]),
        ways.max(1) / np.maximum(ways.mean(1), TINY),
    ], 1)  # fmt: skip


def alike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Absolute correlation of the rows of two arrays (N, K)."""
    return np.abs((one * other).sum(1)) / np.sqrt((one**2).sum(1) * (other**2).sum(1) + TINY)


def neighbour_correlation(luminance: np.ndarray) -> np.ndarray:
    """Correlation of direct neighbours (N,) from coefficients (N, SIDE, SIDE), those of slow shading left out."""
    step = np.cos(np.pi * np.arange(SIDE) / SIDE)
    power = luminance**2 * (frequency() >= 0.15)
    return (power * (step[:, None] + step) / 2).sum((1, 2)) / np.maximum(power.sum((1, 2)), TINY)


def groups(blocks: Blocks) -> list[np.ndarray]:
    """For each of `GROUPS`, the indices of its blocks, as many of each brightness."""
    found: list[list[np.ndarray]] = [[] for _ in GROUPS]
    flatness = blocks.bands[:, 0, 1:5].mean(1)
    for part in np.array_split(np.argsort(blocks.brightness, kind="stable"), BRIGHTNESSES):
        part = part[np.argsort(flatness[part], kind="stable")]
        for group, (start, stop) in zip(found, GROUPS, strict=True):
            group.append(part[int(start * len(part)) : max(int(stop * len(part)), int(start * len(part)) + 2)])
    return [np.concatenate(group) for group in found]


def picture_figures(blocks: Blocks) -> np.ndarray:
    """The figures of a picture that the fit weighs: for each group luminance bands, chroma bands, looks."""
    figures = []
    for group in groups(blocks):
        bands = blocks.bands[group].mean(0)
        figures += [bands[0], bands[1:, :CHROMA_BANDS].mean(0), blocks.looks[group].mean(0)]
    return np.concatenate(figures)
