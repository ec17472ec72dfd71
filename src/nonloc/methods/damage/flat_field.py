"""Fixed pattern: what a sensor adds to every picture, and by what it multiplies it, taken away by pictures of it.

Source: dark frame and flat field, Seibert, Boone, Lindfors, "Flat-field correction technique for digital detectors",
Proc. SPIE 3336, 1998, DOI 10.1117/12.317034. The pattern of a stack is ours: what is left of the median over its pages
when what changes slowly is gone.
"""

from __future__ import annotations

import numpy as np

from ...errors import UsageError

LEAST = 0.02  # of the mean of the flat field; a pixel that sees less cannot be made good, and is divided by this
RADIUS = 8.0  # standard deviation of what changes slowly, in pixels
FEWEST = 5  # pages that a pattern can be known from


def flat_fielded(pixels: np.ndarray, dark: np.ndarray | None = None, flat: np.ndarray | None = None) -> np.ndarray:
    """`pixels` (..., H, W) without the pattern of the sensor: (pixels - dark) / (flat - dark), as bright as before.

    dark: a picture without light, flat: one of an even ground, exposed as `pixels` is; each the mean of many, all in
    the same units and of the last axes' shape. Float32. UsageError where shapes differ or the flat field is no brighter
    than the dark frame.
    """
    for name, frame in (("dark frame", dark), ("flat field", flat)):
        if frame is not None and frame.shape != pixels.shape[-frame.ndim :]:
            raise UsageError(
                f"a {name} of {frame.shape}", f"the pictures are {pixels.shape}", "Give one of the same size"
            )
    ground = np.zeros((), np.float64) if dark is None else dark.astype(np.float64)
    signal = pixels - ground
    if flat is not None:
        gain = flat - ground
        mean = gain.mean((-2, -1), keepdims=True)
        if (mean <= 0).any():
            raise UsageError("the flat field", "it is no brighter than the dark frame", "Give one of an even ground")
        signal = signal * mean / np.maximum(gain, LEAST * mean)
    return signal.astype(np.float32)


def shared_pattern(pages: np.ndarray) -> np.ndarray:
    """What all of `pages` (N, ..., H, W) have added to them, of no sum that counts: (..., H, W), float32.

    Right where the scene moves by more than the pattern's grain from page to page, or differs; what stands still in all
    of them is taken for pattern. UsageError for fewer than 5 pages.
    """
    from scipy.ndimage import gaussian_filter

    if len(pages) < FEWEST:
        raise UsageError(f"the pattern of {len(pages)} pages", "it cannot be told from the scene", "Give 5 or more")
    around = (0,) * (pages.ndim - 3) + (RADIUS, RADIUS)
    # of every page alone, so that an edge that moves is an outlier of the median and not a part of it
    fine = [page - gaussian_filter(page.astype(np.float64), around) for page in pages]
    pattern = np.median(fine, 0)
    return (pattern - gaussian_filter(pattern, around)).astype(np.float32)
