"""The method for clips: more is gained than from each frame alone, and a cut costs nothing."""

import numpy as np
import pytest

from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.image.image import Image
from nonloc.image.read import read
from nonloc.methods.video.temporal import UnevenNoise
from nonloc.verbs.clip import restore_frames

NOISE = GaussianNoise(20)


def psnr(found: Image, clean: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((found.pixels() - clean) ** 2)))


def clip(data_root, kind: str) -> tuple[list[np.ndarray], list[Image]]:
    """Five clean frames (3, 96, 112) of a training photograph, and the same with noise, in 8 bits."""
    paths = sorted((data_root / "train" / "photos").iterdir())
    first, second = (read(paths[number]).pixels() for number in (40, 77))
    starts = {"static": [(60, 60)] * 5, "pan": [(60 + t, 60 + 2 * t) for t in range(5)], "cut": [(60, 60)] * 5}[kind]
    pictures = [second if kind == "cut" and t > 2 else first for t in range(5)]
    clean = [p[:, y : y + 96, x : x + 112] for p, (y, x) in zip(pictures, starts, strict=True)]
    rng = np.random.default_rng(1)
    stored = [np.rint((frame + NOISE.std * rng.standard_normal(frame.shape)).clip(0, 1) * 255) for frame in clean]
    return clean, [Image(np.moveaxis(frame, 0, -1).astype(np.uint8), 1 / 255) for frame in stored]


@pytest.mark.data
@pytest.mark.parametrize(("kind", "least"), [("static", 2.5), ("pan", 1.0), ("cut", 0.0)])
def test_neighbouring_frames_add_to_what_one_shows(data_root, kind, least):
    clean, noisy = clip(data_root, kind)
    alone = list(restore_frames(noisy, Plan("nonloc-s", NOISE)))
    together = list(restore_frames(noisy, Plan("temporal", NOISE)))
    gains = [psnr(t, c) - psnr(a, c) for t, a, c in zip(together, alone, clean, strict=True)]
    assert gains[2] > least
    assert min(gains) > -0.05


def test_a_picture_alone_is_denoised_as_by_the_network_inside():
    rng = np.random.default_rng(0)
    picture = Image((0.5 + 0.1 * rng.standard_normal((40, 48, 3))).astype(np.float32), 1.0)
    alone, inside = (run(Plan(name, NOISE), picture)[0].samples for name in ("temporal", "nonloc-s"))
    np.testing.assert_array_equal(alone, inside)
    (only,) = restore_frames([picture], Plan("temporal", NOISE))
    np.testing.assert_allclose(only.samples, inside, atol=1e-5)


def test_an_uneven_level_is_told_tile_by_tile():
    rng = np.random.default_rng(0)
    picture = Image((0.5 + 0.05 * rng.standard_normal((83, 90))).astype(np.float32), 1.0)
    uneven = UnevenNoise(20, np.linspace(0.2, 1, 83 * 90, dtype=np.float32).reshape(83, 90))
    whole, tiled = (run(Plan("temporal", uneven, tile=tile), picture)[0].samples for tile in (None, 40))
    np.testing.assert_allclose(tiled, whole, atol=2e-5)
    even = run(Plan("temporal", UnevenNoise(20, np.ones((83, 90), np.float32))), picture)[0].samples
    np.testing.assert_allclose(even, run(Plan("nonloc-s", NOISE), picture)[0].samples, atol=2e-5)
    assert abs(whole - even).max() > 0.005
