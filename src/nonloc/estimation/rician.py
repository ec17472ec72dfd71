"""How strong the noise of a magnitude picture is, seen where there is no signal.

Source: Aja-Fernandez, Alberola-Lopez, Westin, "Noise and signal estimation in magnitude MRI and Rician distributed
images: a LMMSE approach", IEEE TIP 17(8), 2008, DOI 10.1109/TIP.2008.925382, section IV: without signal a magnitude has
a Rayleigh distribution, whose second moment is 2 sigma^2; the local moments that are most frequent are the
background's. Ours is which places count: those where deviation and mean have the ratio of Rayleigh's, (4 / pi - 1)^1/2,
the deviation that of neighbours' differences, which edges and noise that an interpolation made correlated do not have.
"""

from __future__ import annotations

import numpy as np

SIDE = 7  # pixels of a local mean
RATIO = (4 / np.pi - 1) ** 0.5
NEAR = 0.3  # as far the ratio in 49 pixels of pure noise is from that, relative, in 99.7 % of places
LEAST = 0.01  # of the picture that has to be background
BIN = 0.02  # width of a bin of the histogram of local means, relative
OFF = 0.08  # by which the ratio of all background may be off: a weak signal everywhere has 14 % less, and is none
AROUND, SCATTER = 0.25, 0.11  # how far local means of the background lie from theirs; 0.075 is due, even spread 0.14


def estimate_rician(pixels: np.ndarray, *, zero: float = 0.0) -> float | None:
    """Sigma of Rician noise in `pixels` (C, H, W), 0-255 scale; None where too little of it is background.

    zero: the pixel value that is no signal. What a scanner set to `zero` does not count.
    """
    from scipy.ndimage import gaussian_filter1d, uniform_filter

    m = np.asarray(pixels, np.float64) - zero
    if min(m.shape[1:]) < SIDE:
        return None
    inner = (slice(None), *(slice(SIDE // 2, n - SIDE // 2) for n in m.shape[1:]))
    # the variance of white noise is half the mean square of neighbours' differences; an edge has few of them
    steps = [np.square(np.diff(m, axis=axis, append=np.take(m, [-2], axis))) / 4 for axis in (1, 2)]
    mean, square, variance = (uniform_filter(values, (0, SIDE, SIDE))[inner] for values in (m, m * m, sum(steps)))
    deviation = np.sqrt(np.maximum(variance, 0))
    rayleigh = (mean > 0) & (np.abs(deviation - RATIO * mean) < NEAR * RATIO * mean)
    least = LEAST * rayleigh.size
    if rayleigh.sum() < least:
        return None
    mean, square, deviation = mean[rayleigh], square[rayleigh], deviation[rayleigh]
    bins = np.floor(np.log(mean) / BIN).astype(int)
    frequency = gaussian_filter1d(np.bincount(bins - bins.min()).astype(float), 3)
    mode = np.exp((np.argmax(frequency) + bins.min() + 0.5) * BIN)
    around = np.abs(mean / mode - 1) < AROUND
    if around.sum() < least or (mean[around] / mode).std() > SCATTER:  # edges, whose ratio is the same by chance
        return None
    if abs(deviation[around].mean() / mean[around].mean() / RATIO - 1) > OFF:
        return None
    return float(255 * np.sqrt(square[around].mean() / 2))
