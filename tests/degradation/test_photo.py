"""Simulated photographs: what they keep of the scene, and how much noise they get."""

import numpy as np
import pytest

from nonloc.degradation import parse
from nonloc.degradation.camera import SHOTS, Camera, middle_level
from nonloc.degradation.demosaic import demosaic, mosaic


def scene(side=128, seed=0):
    """Soft colour shapes, (3, side, side)."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    soft = gaussian_filter(rng.standard_normal((3, side, side)), (0, 6, 6))
    return (0.5 + 0.2 * soft / soft.std()).clip(0.05, 0.95).astype(np.float32)


@pytest.mark.parametrize("corrected", [False, True])
def test_a_ramp_comes_back_whole_from_the_mosaic(corrected):
    y, x = np.mgrid[:40, :40].astype(np.float32) / 100
    ramp = np.stack([x, y, x + y])
    found = demosaic(mosaic(ramp), corrected)
    np.testing.assert_allclose(found[:, 4:-4, 4:-4], ramp[:, 4:-4, 4:-4], atol=1e-6)


@pytest.mark.parametrize("level", [1.0, 4.0, 12.0])
def test_the_noise_has_about_the_level_that_was_asked_for(level):
    found = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        camera = Camera.draw(level, rng)
        clean, noisy = Camera(**{**camera.__dict__, "quality": 0}).shoot(scene(), rng)
        found.append(middle_level(noisy - clean) / (1 + 1 / SHOTS) ** 0.5)  # the mean of shots has noise, too
    assert np.median(found) == pytest.approx(level, rel=0.2)


def test_a_shot_without_noise_differs_by_the_losses_of_its_file_only():
    rng = np.random.default_rng(0)
    clean, file = Camera(0.0, quality=0).shoot(scene(), rng)
    np.testing.assert_array_equal(clean, file)
    clean, file = Camera(0.0, quality=95, subsampling=0).shoot(scene(), rng)
    assert 0 < np.abs(file - clean).mean() * 255 < 1.5


def test_noise_of_a_camera_is_alike_between_neighbours_and_white_noise_is_not():
    def neighbours(noise):
        return np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]

    rng = np.random.default_rng(0)
    clean, noisy = parse("photo:8").sample(rng).pair(scene(), rng)
    assert neighbours(noisy - clean) > 0.3
    white = parse("gaussian:8").sample(rng).apply(scene(), rng) - scene()
    assert abs(neighbours(white)) < 0.05


@pytest.mark.parametrize("side", [32, 33, 96])
def test_pairs_have_the_shape_and_kind_of_the_sample(side):
    import torch

    rng = np.random.default_rng(1)
    for _ in range(8):
        for sample in (scene(side), torch.from_numpy(scene(side))):
            clean, noisy = parse("photo:1..12 + clip8").sample(rng).pair(sample, rng)
            assert type(clean) is type(noisy) is type(sample)
            assert clean.shape == noisy.shape == sample.shape
            assert clean.dtype == noisy.dtype == sample.dtype
            assert float(noisy.min()) >= 0
            assert float(noisy.max()) <= 1


def test_the_same_draws_give_the_same_photograph():
    one, other = (parse("photo:1..12").sample(rng).pair(scene(), rng) for rng in map(np.random.default_rng, (3, 3)))
    np.testing.assert_array_equal(one[1], other[1])


def test_what_is_restored_of_other_noise_is_the_picture_itself():
    rng = np.random.default_rng(0)
    clean = scene()
    for text in ("gaussian:5", "gaussian:5 + clip8", "none", "0.5*gaussian:3 | 0.5*clip8"):
        assert parse(text).sample(rng).pair(clean, rng)[0] is clean


def test_white_noise_has_its_standard_deviation_as_level():
    noise = np.random.default_rng(0).standard_normal((3, 90, 131)).astype(np.float32) * 7 / 255
    assert middle_level(noise) == pytest.approx(7, rel=0.03)


def test_the_level_that_is_told_is_about_the_true_one():
    rng = np.random.default_rng(0)
    shots = [parse("photo:2..9").sample(rng) for _ in range(400)]
    off = np.log2([shot.noise.sigma / shot.camera.level for shot in shots])
    assert abs(off.mean()) < 0.06
    assert 0.3 < off.std() < 0.4
    assert 2 <= min(shot.camera.level for shot in shots) <= max(shot.camera.level for shot in shots) <= 9


def test_restoring_shifts_no_tones():
    camera = Camera(12.0, exposure=0.6, read_noise=0.05, quality=0)
    dark = np.full((3, 128, 128), 0.08, np.float32)
    clean, noisy = camera.shoot(dark, np.random.default_rng(0))
    without = camera.develop(camera.expose(dark))
    assert abs(noisy.mean() - without.mean()) * 255 > 0.5  # what noise does to a shadow
    assert abs(noisy.mean() - clean.mean()) * 255 < 0.3
