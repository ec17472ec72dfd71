"""How strong the noise of a camera picture is, which demosaicing, smoothing and JPEG have made correlated.

The noise of a camera file has no white floor: its smallest eigenvalues are nearly 0 (`eigenvalues`), so it must be told
from fine texture. The denoiser for photographs is asked twice, told a low and a middle level. Of noise it takes about
as much both times and everywhere; of texture it takes more the more it is told, and only where the texture is. What it
takes is measured in blocks, per band of luminance and chroma; quantiles of that go into a few small networks, trained
on simulated cameras alone, that say how sure it is that there is noise, and how strong it is.

Source: ours, after the estimates that look at what flat places hold (Ponomarenko et al. in Colom, Buades, IPOL 3, 2013,
DOI 10.5201/ipol.2013.45) and the learned one of Guo et al., "Toward convolutional blind denoising of real photographs",
CVPR 2019, DOI 10.1109/CVPR.2019.00181. Training: benchmarks/camera_noise_fit.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ..errors import ImageError, WeightsError
from ..methods.registry import card, choose_weights, create
from ..methods.weights import PACKAGE

METHOD = "nonloc-photo"
FILE = "camera-level.safetensors"
WHITE = 255  # levels are on this scale
TOLD = (3.0, 8.0)  # to the denoiser
CROP, CROPS = 128, 16  # side and most number of the parts of a picture that are looked at
SIDE = 16  # of a block
LEAST = 100  # fewer usable blocks say nothing
DARK, LIGHT = 6.0, 248.0  # blocks beyond are clipped in places
DEAD = 0.02  # standard deviation of a block that counts as constant, and of the chroma of a picture that is gray
BANDS = 4  # of what is taken: fine and coarser luminance, two chromas
QUANTILES = (0.05, 0.2, 0.5, 0.8)
TINY = 1e-4  # variance below which a band counts as empty
FAR = 3.0  # standard deviations from what was trained on; figures further away count as this far
SURE = 0.5  # least confidence to act on
HALF_SURE, SURE_ENOUGH = 0.5, 1.0  # share of the level told then; log odds from which it is all told
REAL = 1.5  # times weaker than in simulated pictures real noise reads, by the pairs of polyu40 that are for tuning
BASE = 2.5  # log2 of the level that the networks' 0 stands for

# R, G, B to luminance and two chromas, orthonormal: white noise keeps its level
OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [0.5, -1, 0.5]]) / np.array([[3], [2], [1.5]]) ** 0.5


@dataclass(frozen=True)
class CorrelatedNoise:
    """The correlated noise in a picture.

    sigma: the level to tell the denoiser for photographs, 0-255 scale, where it is sure that there is noise, down to
    half of it where it is not quite, 0 where it is not.
    low, high: holds the level in about 80 of 100 simulated pictures, and 0 where noise is not sure.
    confidence: how sure it is that the picture holds such noise, in [0, 1].
    correlation: of neighbouring pixels of what was taken for noise; white noise has about 0.
    """

    sigma: float
    low: float
    high: float
    confidence: float
    correlation: float

    def __str__(self) -> str:
        if not self.sigma:
            return "no correlated noise seen"
        return f"correlated noise, as sigma {self.sigma:.1f} ({self.low:.1f} to {self.high:.1f})"


UNKNOWN = CorrelatedNoise(0.0, 0.0, float(WHITE), 0.0, 0.0)


@dataclass(frozen=True)
class Blocks:
    """What is measured in N usable blocks.

    bright: mean luminance (N,), 0-255 scale. activity: log2 of the standard deviation of fine luminance (N,). taken:
    for each level told, log2 of the standard deviations of what was taken: fine and coarser luminance, two chromas,
    (N, 4). neighbours: sums over a block of r(x) r(x+1) and of r(x)^2, of the luminance taken, (N, 2).
    """

    bright: np.ndarray
    activity: np.ndarray
    taken: tuple[np.ndarray, ...]
    neighbours: np.ndarray

    def __len__(self) -> int:
        return len(self.bright)

    def table(self) -> np.ndarray:
        """All in one table, a line a block."""
        return np.column_stack([self.bright, self.activity, *self.taken, self.neighbours])

    @classmethod
    def of(cls, table: np.ndarray) -> Blocks:
        """The blocks of such a table."""
        taken = tuple(table[:, 2 + BANDS * i : 2 + BANDS * (i + 1)] for i in range(len(TOLD)))
        return cls(table[:, 0], table[:, 1], taken, table[:, -2:])


def estimate_correlated(pixels: np.ndarray) -> CorrelatedNoise:
    """Find the level to tell the denoiser for photographs where the noise of a colour picture is correlated.

    pixels: floats (C, H, W), black 0, white 1; at most `CROPS` parts of them are looked at. Gray pictures, pictures of
    other than 3 channels and small ones (below about 160 x 160) are not judged: sigma and confidence are 0.

    Raises ImageError for another number of axes.
    """
    if pixels.ndim != 3:
        raise ImageError("estimating the noise", f"an array of shape {pixels.shape}", "Give one picture (C, H, W)")
    blocks = measure(pixels)
    if blocks is None or len(blocks) < LEAST:
        return UNKNOWN
    odds, log_level, spread = judge(figures(blocks))
    level, reach = REAL * float(2**log_level), float(2**spread)
    confidence = float(1 / (1 + np.exp(-odds)))
    sure = confidence > SURE
    told = level * min(HALF_SURE + (1 - HALF_SURE) * odds / SURE_ENOUGH, 1.0)  # harm to a clean picture grows with it
    product, square = blocks.neighbours.sum(0)
    return CorrelatedNoise(
        sigma=told if sure else 0.0,
        low=min(told, level / reach) if sure else 0.0,
        high=level * reach,
        confidence=confidence,
        correlation=float(product / max(square, TINY)),
    )


# ---- what the denoiser takes ----


def measure(pixels: np.ndarray) -> Blocks | None:
    """The usable blocks of the crops of `pixels` (C, H, W); None for gray and other pictures, and too small ones.

    Blocks that are dark, light, constant or hold samples that are no numbers are left out.
    """
    channels, height, width = pixels.shape
    if channels != 3 or min(height, width) < 2 * SIDE:
        return None
    import torch

    network = denoiser()
    found: list[list[np.ndarray]] = []
    with torch.inference_mode():
        for crop in crops(pixels):
            good = np.isfinite(crop)
            crop = np.clip(np.where(good, crop, 0), -1, 2).astype(np.float32)
            opponent = colour(crop)
            bright = blockwise(opponent[:1] / 3**0.5)[0]
            activity = blockwise((opponent - smooth(opponent, 5)) ** 2)
            light = opponent[:1].astype(float)
            alive = blockwise(light**2)[0] - blockwise(light)[0] ** 2 > DEAD**2
            usable = (bright > DARK) & (bright < LIGHT) & alive & (blockwise(good).min(0) == 1)
            rest = [colour(crop - restored) for restored in network(crop)]
            rows = [activity[1:].max(0), bright, np.log2(np.maximum(activity[0], TINY)) / 2]
            for r in rest:
                fine, coarse = smooth(r, 3), smooth(r, 7)
                bands = np.stack([(r - fine)[0], (fine - coarse)[0], (r - coarse)[1], (r - coarse)[2]])
                rows += list(np.log2(np.maximum(blockwise(bands**2), TINY)) / 2)
            last = rest[-1][0]
            pair = np.zeros_like(last)
            pair[:, :-1] = last[:, :-1] * last[:, 1:]
            rows += list(blockwise(np.stack([pair, last**2])))
            found.append([row[usable] for row in rows])
    chroma, *columns = (np.concatenate(rows) for rows in zip(*found, strict=True))
    if not len(chroma) or np.median(chroma) < DEAD**2:
        return None
    return Blocks.of(np.column_stack(columns))


@cache
def denoiser() -> Any:
    """Pixels (3, h, w) float32 to what the denoiser for photographs makes of them, told each of `TOLD`."""
    import torch

    module = create(METHOD, channels=3).module  # type: ignore[attr-defined]

    def restored(pixels: np.ndarray) -> list[np.ndarray]:
        y = torch.from_numpy(np.ascontiguousarray(pixels))[None]
        with torch.autocast("cpu", torch.bfloat16):
            return [module(y, told / WHITE)[0].float().numpy() for told in TOLD]

    return restored


def crops(pixels: np.ndarray) -> list[np.ndarray]:
    """At most `CROPS` parts of (C, H, W), evenly spread, that do not overlap; their sides are multiples of `SIDE`."""
    sides = pixels.shape[1:]
    size = [min(CROP, side // SIDE * SIDE) for side in sides]
    count = [max(side // part, 1) for side, part in zip(sides, size, strict=True)]
    while count[0] * count[1] > CROPS:
        longest = int(count[1] * size[1] >= count[0] * size[0])
        count[longest] -= 1
    starts = [
        np.linspace(0, side - part, n).round().astype(int) if n > 1 else [(side - part) // 2]
        for side, part, n in zip(sides, size, count, strict=True)
    ]
    return [pixels[:, y : y + size[0], x : x + size[1]] for y in starts[0] for x in starts[1]]


def colour(pixels: np.ndarray) -> np.ndarray:
    """Luminance and two chromas, 0-255 scale."""
    return WHITE * np.einsum("ij,jyx->iyx", OPPONENT.astype(np.float32), pixels)


def smooth(planes: np.ndarray, side: int) -> np.ndarray:
    """Each plane under a square mean."""
    from scipy.ndimage import uniform_filter

    return uniform_filter(planes, (0, side, side), mode="mirror")


def blockwise(planes: np.ndarray) -> np.ndarray:
    """Means over blocks: (K, h, w) to (K, blocks)."""
    k, h, w = planes.shape
    return planes.reshape(k, h // SIDE, SIDE, w // SIDE, SIDE).mean((2, 4)).reshape(k, -1)


# ---- what it means ----


def figures(blocks: Blocks) -> np.ndarray:
    """What the small networks are told of a picture, 84 numbers.

    Quantiles over the blocks of their activity, of what was taken, of what is left of the activity then, and of how
    much more was taken when more was told; the same in the flattest blocks; how what was taken goes with the activity,
    the brightness and the colours.
    """
    activity, (low, high) = blocks.activity, blocks.taken
    left, more = high[:, :2] - activity[:, None], high - low
    away = (activity - activity.mean()) / (activity.std() + 1e-3)
    flat = np.argsort(activity)[: max(8, len(blocks) // 10)]
    order, third = np.argsort(blocks.bright), max(4, len(blocks) // 3)
    dark, light = order[:third], order[-third:]
    product, square = blocks.neighbours.T
    parts = [np.quantile(activity, QUANTILES)]
    for taken in blocks.taken:
        luminance = taken[:, :2] - taken[:, :2].mean(0)
        parts += [quantiles(taken), (luminance * away[:, None]).mean(0), luminance.std(0)]
    parts += [
        [blocks.bright.mean() / 64],
        quantiles(left),
        quantiles(more),
        high[flat].mean(0),
        left[flat].mean(0),
        high[flat, :2].std(0),
        [np.median(high[dark, 0]) - np.median(high[light, 0]), np.median(activity[dark]) - np.median(activity[light])],
        [alike(high[:, 0], high[:, 2]), alike(high[:, 0], high[:, 1]), alike(left[:, 0], activity)],
        [product.sum() / max(square.sum(), TINY), np.median(product[flat] / np.maximum(square[flat], TINY))],
    ]
    return np.concatenate(parts)


def quantiles(columns: np.ndarray) -> np.ndarray:
    return np.quantile(columns, QUANTILES, axis=0).T.ravel()


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation, 0 where one is constant."""
    return float(np.corrcoef(one, other)[0, 1]) if min(one.std(), other.std()) > 1e-6 else 0.0


def judge(figures: np.ndarray) -> tuple[float, float, float]:
    """Log odds that there is noise, log2 of its level, and by how many octaves that is off in 20 of 100."""
    trained = _trained()
    x = np.clip((figures - trained["mean"]) / trained["spread"], -FAR, FAR)[:, None]
    for i in range(2):
        x = trained[f"weight{i}"] @ x + trained[f"bias{i}"][..., None]
        x = x / (1 + np.exp(-x))  # SiLU
    odds, level, spread = (trained["weight2"] @ x + trained["bias2"][..., None]).mean(0)[:, 0]  # of all networks
    return float(odds), float(level) + BASE, float(np.log(5) * np.exp(np.clip(spread, -2, 1)))  # of a Laplace law


@cache
def _trained() -> dict[str, np.ndarray]:
    """The small networks, one behind the other; they hold for the denoiser that they were trained with, no other."""
    from safetensors import safe_open
    from safetensors.numpy import load_file

    with safe_open(PACKAGE / FILE, framework="np") as file:
        made_for = (file.metadata() or {}).get("denoiser")
    weights = choose_weights(card(METHOD), 3, None)
    if weights is None or weights.sha256 != made_for:
        raise WeightsError(
            f"the estimate of camera noise, {FILE}",
            f"it was trained with other weights of {METHOD}",
            "Train it again: benchmarks/camera_noise_fit.py",
        )
    return {name: tensor.astype(np.float64) for name, tensor in load_file(PACKAGE / FILE).items()}
