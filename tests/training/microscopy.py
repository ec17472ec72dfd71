"""A stack as a microscope gives it: blobs and filaments on a dim ground, few photons, nothing clean to compare with."""

import numpy as np
from scipy import ndimage


def stack(pages: int = 16, side: int = 128, photons: float = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(clean, noisy), both float32 (pages, side, side), the brightest at 1, which is `photons`."""
    rng = np.random.default_rng(seed)
    clean = np.stack([_page(side, rng) for _ in range(pages)])
    return clean, counted(clean, photons, rng)


def counted(clean: np.ndarray, photons: float, rng: np.random.Generator) -> np.ndarray:
    return (rng.poisson(clean * photons) / photons).astype(np.float32)


def _page(side: int, rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    page = np.zeros((side, side))
    for _ in range(14):  # cells and vesicles
        (cy, cx), size = rng.uniform(0, side, 2), rng.uniform(1.5, 7)
        page = np.maximum(page, rng.uniform(0.3, 1) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * size**2)))
    drawn = np.zeros((side, side))
    for _ in range(10):  # filaments, which turn slowly
        place, direction = rng.uniform(0, side, 2), rng.uniform(0, 2 * np.pi)
        bright = rng.uniform(0.4, 1)
        for _ in range(2 * side):
            direction += rng.normal(0, 0.06)
            place = place + 0.5 * np.array([np.sin(direction), np.cos(direction)])
            if not (place.min() >= 0 and place.max() < side):
                break
            at = tuple(place.astype(int))
            drawn[at] = max(drawn[at], bright)
    drawn = ndimage.gaussian_filter(drawn, 1.2) * 3
    return np.clip(0.06 + 0.94 * np.maximum(page, np.minimum(drawn, 1)), 0, 1).astype(np.float32)
