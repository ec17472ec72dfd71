"""What the air shows in each direction: evening gradient, clouds, ridges of hills."""

import numpy as np

from .texture import FINE, ROUGH, SOFT, mix, noise, step
from .world import HAZE, SUN


def sky(d, hills=True):
    """Light from direction d (n, 3): evening gradient, clouds, three ridges of hills."""
    d = d / np.linalg.norm(d, axis=-1, keepdims=True)
    up = np.maximum(d[:, 2], 0.0)
    azimuth = np.arctan2(d[:, 0], d[:, 1])
    light = mix([1.10, 0.66, 0.40], [0.88, 0.68, 0.58], step(0.0, 0.085, up))
    light = mix(light, [0.34, 0.48, 0.70], step(0.04, 0.19, up))
    light = mix(light, [0.10, 0.22, 0.52], step(0.12, 0.45, up))
    light = light * (1 - 0.10 * np.sin(azimuth + 0.5))[:, None]
    u, v = d[:, 0] / (up + 0.07) * 0.055, d[:, 1] / (up + 0.07) * 0.055
    warp = noise(SOFT, u * 1.7 + 0.3, v * 1.7)[:, 0] * 0.03
    n = noise(SOFT, u + warp + 0.12, v * 1.5 - warp + 0.37)
    wisps = noise(ROUGH, u * 1.3 + warp, v * 3.1 + 0.2)[:, 0]
    cover = step(0.10, 1.7, n[:, 0] + 0.22 * wisps) * step(0.012, 0.07, up)
    shade = np.clip(0.55 - 0.075 * (n[:, 1] * SUN[0] + n[:, 2] * SUN[1]) - 0.25 * cover, 0, 1)
    cloud = mix([0.55, 0.47, 0.51], [1.50, 1.10, 0.82], shade)
    light = mix(light, cloud, 0.88 * cover)
    cirrus = step(0.2, 2.2, noise(ROUGH, u * 0.6 + 0.5, v * 2.6 + 0.6 * u)[:, 0]) * step(0.05, 0.2, up)
    light = mix(light, [1.05, 0.86, 0.76], 0.35 * cirrus)
    if not hills:
        return light
    far = ((0.062, 0.030, 3.1, 0.70, 0.1), (0.036, 0.020, 6.0, 0.42, 0.6), (0.013, 0.012, 11.0, 0.16, 0.85))
    for mean, swing, rate, haze, shift in far:
        ridge = noise(ROUGH, azimuth * rate / 14 + shift, np.full_like(azimuth, shift))[:, 0]
        trees = noise(FINE, azimuth * rate / 2.0, np.full_like(azimuth, 0.3))[:, 0]
        crest = mean + swing * ridge + 0.0009 * trees + 0.02 * np.sin(2.2 * azimuth + 3 * shift - 0.8)
        e = np.arctan2(d[:, 2], np.hypot(d[:, 0], d[:, 1]))
        n = noise(ROUGH, azimuth * rate / 5, e * rate / 2.5)
        bush = noise(FINE, azimuth * rate / 1.3, e * rate / 0.7)
        lit = np.clip(0.5 - 0.05 * (n[:, 1] + 0.8 * n[:, 2]) + 0.24 * bush[:, 0], 0, 1.3)
        green = mix([0.030, 0.045, 0.035], [0.34, 0.25, 0.10], lit)
        green = mix(green, [0.42, 0.28, 0.13], 0.6 * step(0.4, 1.5, n[:, 0]))
        ground = mix(green, HAZE * [0.72, 0.80, 1.0], haze * (0.75 + 0.25 * np.exp(-np.maximum(e, 0) / 0.02)))
        light = mix(light, ground, step(-0.0007, 0.0007, crest - e))
    return light
