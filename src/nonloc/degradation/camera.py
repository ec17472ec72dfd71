"""A camera, simulated: from a scene to its file, with the noise of the sensor and all that is done to it afterwards.

Source: noise before the processing, Brooks et al., "Unprocessing images for learned raw denoising", CVPR 2019, DOI
10.1109/CVPR.2019.01129; its order of steps (mosaic, noise, demosaicing, colours, tone, file). The ranges are ours, wide
enough for cameras that smooth, sharpen and shrink by themselves.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from .degradation import Random
from .demosaic import demosaic, mosaic

# R, G, B to luminance and chroma as JPEG has them
LUMA = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)  # fmt: skip
BACK = np.linalg.inv(LUMA).astype(np.float32)
SHOTS = 3  # whose mean is what a noisy picture is to be restored to
FIRST_GAIN = 0.002  # variance per unit of signal, from which the gain for a level is found


@dataclass(frozen=True)
class Camera:
    """What lies between a scene and its file.

    level: of the noise in the developed picture, 0-255 scale, as `middle_level` has it; 0 for none. enlarge: how many
    pixels of the camera show one of the scene: theirs are softer than those of a picture that was made smaller. gamma,
    exposure, balance: from picture to light. corrected: which demosaicing. saturation: of the colour matrix.
    luma_blur, chroma_blur, core: smoothing by the camera, in pixels, and of fine luminance. contrast, sharpen: of its
    rendering. shrink: by which the picture was made smaller. quality, subsampling: of the JPEG; quality 0 for none.
    read_noise: variance where there is no light, over the variance that white adds.
    """

    level: float
    enlarge: float = 1.0
    gamma: float = 2.2
    exposure: float = 0.8
    balance: tuple[float, float, float] = (1.8, 1.0, 1.6)
    corrected: bool = True
    saturation: float = 0.3
    luma_blur: float = 0.0
    chroma_blur: float = 1.0
    core: float = 0.0
    contrast: float = 0.2
    sharpen: float = 0.0
    shrink: float = 1.0
    quality: int = 90
    subsampling: int = 2
    read_noise: float = 0.02

    @classmethod
    def draw(cls, level: float, rng: Random) -> Camera:
        """Some camera, with noise of that level."""

        def uniform(low: float, high: float) -> float:
            return low + (high - low) * float(rng.random())

        def pick(*values: Any) -> Any:
            return values[min(int(rng.random() * len(values)), len(values) - 1)]

        return cls(
            level,
            enlarge=pick(1.0, 1.4, 1.8, 2.3, 3.0),
            gamma=uniform(1.9, 2.4),
            exposure=uniform(0.5, 1),
            balance=(uniform(1.3, 2.2), 1.0, uniform(1.2, 2.2)),
            corrected=rng.random() < 0.6,
            saturation=uniform(0, 0.6),
            luma_blur=pick(0.0, uniform(0.3, 1), uniform(0.5, 1.3), uniform(0.5, 1.3)),
            chroma_blur=pick(0.0, uniform(0.7, 3), uniform(2, 6), uniform(2, 6), uniform(2, 6)),
            core=pick(0.0, 0.0, 0.0, 0.5, 0.8),
            contrast=uniform(0, 0.5),
            sharpen=pick(0.0, 0.0, 0.0, 0.4, 0.8),
            shrink=pick(1.0, 1.0, 1.0, 1.0, 0.7, 0.5),
            quality=int(uniform(70, 99)),
            subsampling=pick(0, 2, 2),
            read_noise=uniform(0, 0.05),
        )

    def shoot(self, scene: np.ndarray, rng: Random, shots: int = SHOTS) -> tuple[np.ndarray, np.ndarray]:
        """What the file is to be restored to, and the file's picture, both (3, H', W') float32 with white 1.

        scene: (3, H, W), white 1. H' and W' are H and W times `enlarge` and `shrink`, about. The first is the mean of
        other shots before they became files: noise, clipped and under a tone curve, also makes shadows darker or
        lighter, and to undo that would shift the tones of photographs. shots: how many others; 0: none, and the first
        is the picture without noise.
        """
        raw = self.expose(scene)
        clean = noisy = self.develop(raw)
        if self.level > 0:
            first = self.develop(self.with_noise(raw, FIRST_GAIN, rng))
            found = middle_level(first - clean)
            gain = min(FIRST_GAIN * (self.level / max(found, 0.05)) ** 2, 0.3)
            noisy, *others = (self.develop(self.with_noise(raw, gain, rng)) for _ in range(1 + shots))
            clean = sum(others[1:], others[0]) / np.float32(shots) if others else clean
        return clean, jpeg(noisy, self.quality, self.subsampling) if self.quality else noisy

    def expose(self, scene: np.ndarray) -> np.ndarray:
        """The mosaic (H', W') that the sensor would see without noise; 1 is where it is full."""
        light = np.clip(resize(np.asarray(scene, np.float32), self.enlarge), 0, 1) ** self.gamma
        light = light[:, : light.shape[1] // 2 * 2, : light.shape[2] // 2 * 2]
        return mosaic(light * (self.exposure / np.array(self.balance, np.float32))[:, None, None])

    def with_noise(self, raw: np.ndarray, gain: float, rng: Random) -> np.ndarray:
        """With shot noise of variance `gain` times the light, and read noise."""
        draw = np.asarray(rng.standard_normal(raw.shape), np.float32)
        return np.clip(raw + np.sqrt(np.float32(gain) * (raw + np.float32(self.read_noise))) * draw, 0, 1)

    def develop(self, raw: np.ndarray) -> np.ndarray:
        """From a mosaic to a picture (3, H', W'), white 1."""
        rgb = demosaic(raw, self.corrected) * np.array(self.balance, np.float32)[:, None, None]
        rgb = _mix((1 + self.saturation) * np.eye(3) - self.saturation / 3, rgb)
        y = _mix(LUMA, np.clip(rgb / self.exposure, 0, 1) ** np.float32(1 / 2.2))
        y[0] = blur(y[0], self.luma_blur)
        y[1:] = blur(y[1:], self.chroma_blur)
        if self.core:  # the camera's own denoising, which takes fine noise more than coarse
            slow = blur(y[0], 1.2)
            fine = y[0] - slow
            kept = 1 - (self.core * self.level / 255 / np.maximum(np.abs(fine), 1e-9)) ** 2
            y[0] = slow + fine * np.clip(kept, 0.25, 1)
        rgb = _mix(BACK, y)
        rgb = rgb + self.contrast * (rgb * rgb * (3 - 2 * rgb) - rgb)
        if self.sharpen:
            rgb = rgb + self.sharpen * (rgb - blur(rgb, 1.0))
        return np.clip(resize(rgb, self.shrink), 0, 1)


def middle_level(noise: np.ndarray) -> float:
    """Level, 0-255 scale, of the luminance of `noise` (3, H, W) from 0.15 to 0.6 of the highest frequency.

    There a camera leaves most of what is seen as noise: below it are shifts of colour, above it little is left. White
    noise has its standard deviation as level in all bands.
    """
    from scipy.fft import dctn

    luminance = noise.sum(0) / np.float32(3**0.5)
    y, x = (np.arange(length) / length for length in luminance.shape)
    frequency = np.hypot(y[:, None], x)
    middle = (frequency >= 0.15) & (frequency < 0.6)
    return 255 * float(np.sqrt(np.square(dctn(luminance, norm="ortho")[middle]).mean()))


def resize(pixels: np.ndarray, factor: float) -> np.ndarray:
    """`pixels` (3, H, W) made larger or smaller by cubic interpolation, without aliasing; at least 32 pixels a side."""
    if factor == 1:
        return pixels
    from PIL import Image

    height, width = (max(32, round(side * factor)) for side in pixels.shape[1:])
    planes = [Image.fromarray(np.asarray(plane, np.float32)) for plane in pixels]
    return np.stack([np.asarray(p.resize((width, height), Image.Resampling.BICUBIC)) for p in planes])


def blur(pixels: np.ndarray, sigma: float) -> np.ndarray:
    """Each plane of `pixels` (..., H, W) under a Gaussian; 0 leaves them."""
    if not sigma:
        return pixels
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(pixels, (*[0] * (pixels.ndim - 2), sigma, sigma), truncate=3)


def jpeg(pixels: np.ndarray, quality: int, subsampling: int) -> np.ndarray:
    """What a JPEG file gives back of `pixels`, gray (1, H, W) or RGB (3, H, W), white 1; float32.

    subsampling: 0 none, 1 4:2:2, 2 4:2:0.
    """
    from PIL import Image

    file = io.BytesIO()
    eight = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    if len(eight) == 1:
        Image.fromarray(eight[0]).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))[np.newaxis].astype(np.float32) / 255
    Image.fromarray(eight.transpose(1, 2, 0)).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file)).transpose(2, 0, 1).astype(np.float32) / 255


def _mix(matrix: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    return np.einsum("ij,jyx->iyx", matrix.astype(np.float32), pixels.astype(np.float32, copy=False))
