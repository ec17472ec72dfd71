"""Which channels of a picture say something of their own about its noise."""

from __future__ import annotations

import numpy as np

SAME = 0.75 / 255  # standard deviation; rounding twice leaves 0.41 / 255


def independent_channels(pixels: np.ndarray) -> np.ndarray:
    """Those of `pixels` (C, H, W) that say something of their own: gray saved as colour, or toned, becomes one."""
    sample = pixels[:, :: max(1, pixels.shape[1] // 512), :: max(1, pixels.shape[2] // 512)]
    sample = sample.reshape(len(pixels), -1).astype(np.float64)
    inside = ((sample > 0) & (sample < 1)).all(0)  # clipping bends the relation of two channels
    sample = sample[:, inside if inside.mean() > 0.05 else np.isfinite(sample).all(0)]
    if sample.shape[1] < 2:
        return pixels[:1]
    kept: list[int] = []
    for index in np.argsort(-sample.std(1), kind="stable"):
        if kept:
            basis = np.vstack([sample[kept], np.ones(sample.shape[1])])
            weights = np.linalg.lstsq(basis.T, sample[index], rcond=None)[0]
            if (sample[index] - weights @ basis).std() < SAME:
                continue
        kept.append(int(index))
    return pixels[sorted(kept)]
