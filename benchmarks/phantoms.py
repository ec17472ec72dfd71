"""What restoring volumes does to lesions and tissues, on heads that are made here: python benchmarks/phantoms.py.

A head of four tissues with a bias field and Rician noise, as in MRI. Lesions of 2 to 4 voxels across are planted and
their contrast is measured after restoration; volumes without any are looked at for what looks like one. No real head
was measured. Prints the table of docs/volumes.md.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion, gaussian_filter, label

from nonloc.degradation import Rician
from nonloc.engine import Plan, run
from nonloc.image.image import Image
from nonloc.methods.registry import create
from nonloc.methods.rician import unbiased
from nonloc.verbs.volume import stacked

AIR, SKULL, FLUID, GRAY, WHITE = range(5)
LEVELS = np.array([0.0, 0.9, 0.2, 0.5, 0.7])
SHAPE = (36, 84, 72)  # slices, rows, columns
FEW = 4  # voxels from which an error is called a false lesion; the smallest planted one has 8


@dataclass(frozen=True)
class Head:
    """tissues: which of the five each voxel is, (D, H, W). clean: without noise, in [0, 1]. lesions: masks, and their
    contrast; empty where none were planted."""

    tissues: np.ndarray
    clean: np.ndarray
    lesions: tuple[tuple[np.ndarray, float], ...] = ()


def head(rng: np.random.Generator, shape: tuple[int, int, int] = SHAPE) -> Head:
    """A head without lesions: ellipsoids, a folded border of gray and white matter, ventricles, a bias of 10 %."""
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    turn = rng.uniform(-np.pi, np.pi, 3)
    fold = 0.07 * (np.sin(9 * x + turn[0]) + np.sin(8 * y + turn[1]) + np.sin(6 * z + turn[2]))
    radius = np.sqrt((x / 0.95) ** 2 + (y / 0.95) ** 2 + (z / 1.1) ** 2)
    tissues = np.full(shape, AIR)
    tissues[radius < 0.97] = SKULL
    tissues[radius < 0.87] = FLUID
    tissues[radius < 0.80] = GRAY
    tissues[radius + fold < 0.62] = WHITE
    for side in (-1, 1):
        tissues[((x - 0.16 * side) / 0.1) ** 2 + (y / 0.3) ** 2 + (z / 0.35) ** 2 < 1] = FLUID
    bias = 1 + 0.1 * np.sin(1.5 * x + turn[0]) * np.cos(1.2 * y + turn[1]) * np.cos(z)
    clean = gaussian_filter(LEVELS[tissues], 0.5) * bias  # borders pass through voxels
    return Head(tissues, clean.astype(np.float32))


def with_lesions(found: Head, contrast: float, rng: np.random.Generator, number: int = 12) -> Head:
    """Balls 2, 3 and 4 voxels across in the white matter, dark and bright, at least 7 voxels from one another."""
    clean, lesions = found.clean.copy(), []
    free = binary_erosion(found.tissues == WHITE, iterations=5)
    grid = np.indices(clean.shape)
    for i in range(number):
        places = np.argwhere(free)
        if not len(places):
            break
        across = 2 + i % 3
        # the centre of a ball of even diameter lies between voxels
        centre = places[rng.integers(len(places))] + 0.5 * (across % 2 == 0)
        distance = np.sqrt(((grid - centre[:, None, None, None]) ** 2).sum(0))
        mask = distance <= across / 2
        signed = contrast * (1 if i % 2 else -1)
        clean[mask] += np.float32(signed)
        lesions.append((mask, signed))
        free &= distance > 10
    return Head(found.tissues, clean, tuple(lesions))


def noisy(clean: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    """`clean` with Rician noise, 0-255 scale."""
    return Rician(sigma).apply(clean, np.random.default_rng(seed)).astype(np.float32)


def restored(volume: np.ndarray, sigma: float, method: str, strength: float = 1.0, **arguments) -> np.ndarray:
    """`volume` (D, H, W) restored for Rician noise through the engine; by a method for pictures slice by slice."""
    made = unbiased(create(method, channels=1, sigma=sigma, arguments=arguments))
    plan = Plan(made, Rician(sigma), strength=strength)
    if made.card.volume:
        return np.moveaxis(run(plan, stacked([Image(page, 1.0) for page in volume]))[0].samples, -1, 0)
    return np.stack([run(plan, Image(page, 1.0))[0].samples for page in volume])


def contrast(volume: np.ndarray, mask: np.ndarray) -> float:
    """Mean inside a lesion above that of a shell around it, a voxel away."""
    near = binary_dilation(mask, iterations=1)
    shell = binary_dilation(near, iterations=2) & ~near
    return float(volume[mask].mean() - volume[shell].mean())


def kept(volume: np.ndarray, truth: Head) -> np.ndarray:
    """Part of the contrast that each lesion has kept."""
    return np.array([contrast(volume, mask) / contrast(truth.clean, mask) for mask, _ in truth.lesions])


def false_lesions(volume: np.ndarray, truth: Head, sigma: float) -> int:
    """Connected groups of at least `FEW` voxels that are off by more than 3 sigma, away from borders of tissues."""
    inside = truth.tissues >= FLUID
    off = volume - truth.clean
    number = 0
    for far in (off > 3 * sigma / 255, off < -3 * sigma / 255):
        groups, count = label(far & inside)
        number += int((np.bincount(groups.ravel())[1 : count + 1] >= FEW).sum())
    return number


def dice(volume: np.ndarray, truth: Head) -> np.ndarray:
    """Overlap of each tissue with what is nearest to its mean in the clean volume, and the same for air left out."""
    means = np.array([truth.clean[truth.tissues == tissue].mean() for tissue in range(5)])
    near = np.abs(volume[..., None] - means).argmin(-1)
    both = [((near == t) & (truth.tissues == t)).sum() for t in range(1, 5)]
    return np.array([2 * b / ((near == t).sum() + (truth.tissues == t).sum()) for t, b in enumerate(both, 1)])


def psnr(volume: np.ndarray, clean: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((volume - clean) ** 2)))


METHODS: tuple[tuple[str, str, dict], ...] = (
    ("`nl-means-3d`", "nl-means-3d", {}),
    ("`nl-means-3d -a h=0.8`", "nl-means-3d", {"h": 0.8}),
    ("`bm4d`", "bm4d", {}),
    ("`bm4d --strength 0.7`", "bm4d", {"strength": 0.7}),
    ("`bm3d`, slice by slice", "bm3d", {}),
)


def row(title: str, method: str, arguments: dict, percent: int, volumes: int) -> str:
    """One row of the table, of `volumes` heads with lesions of 3.5 sigma, and as many without."""
    sigma, gains, keeps, overlap, false, air = 2.55 * percent, [], [], [], 0, []
    for seed in range(volumes):
        rng = np.random.default_rng(seed)
        empty = head(rng)
        truth = with_lesions(empty, 3.5 * percent / 100, rng)
        before = noisy(truth.clean, sigma, seed)
        after = restored(before, sigma, method, **arguments)
        gains.append(psnr(after, truth.clean) - psnr(before, truth.clean))
        keeps.append(kept(after, truth))
        clean = noisy(empty.clean, sigma, seed + 1000)
        alone = restored(clean, sigma, method, **arguments)
        false += false_lesions(alone, empty, sigma)
        overlap.append(
            (dice(clean, empty).mean(), dice(alone, empty).mean(), (dice(alone, empty) - dice(clean, empty)).min())
        )
        air.append(alone[binary_erosion(empty.tissues == AIR, iterations=2)].mean())
    size = np.concatenate([np.arange(len(k)) % 3 for k in keeps])
    every = np.concatenate(keeps)
    across = ", ".join(f"{100 * every[size == i].mean():.0f}" for i in range(3))
    before, after, _ = np.mean(overlap, 0)
    told = [title, f"{percent} %", f"{np.mean(gains):+.1f}", across, str(false), f"{before:.3f}, {after:.3f}"]
    told += [f"{np.min(overlap, 0)[2]:+.3f}", f"{100 * np.mean(air):+.2f} %"]
    return f"| {' | '.join(told)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--volumes", type=int, default=4, help="heads of each row")
    parser.add_argument("--recommended", type=int, default=50, help="heads of the first method")
    given = parser.parse_args()
    for percent in (5, 9):
        for i, (title, method, arguments) in enumerate(METHODS):
            print(row(title, method, arguments, percent, given.volumes if i else given.recommended), flush=True)


if __name__ == "__main__":
    main()
