"""What was removed: noise alone is told from structure, place by place, and reports, sheets and the page say it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nonloc
from nonloc.degradation import CameraNoise, GaussianNoise, PoissonGaussian
from nonloc.estimation.residual import CELL, STRIP, STRUCTURE, residual
from nonloc.image.array import as_image


def scene(height=160, width=200, channels=1):
    """Smooth, but for a square of fine texture."""
    y, x = np.mgrid[:height, :width]
    clean = 0.4 + 0.1 * np.sin(x / 40) + 0.1 * np.cos(y / 30)
    texture = np.zeros((height, width))
    texture[48:112, 64:128] = 0.12 * np.sin(x * 1.1 + y * 0.7)[48:112, 64:128]
    shape = lambda a: a if channels == 1 else np.repeat(a[..., np.newaxis], channels, -1)  # noqa: E731
    return shape(clean), shape(texture)


def noisy(clean, sigma, seed=0):
    return (clean + np.random.default_rng(seed).normal(0, sigma / 255, clean.shape)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 3])
def test_texture_that_was_removed_is_found_where_it_was_and_nowhere_else(channels):
    clean, texture = scene(channels=channels)
    picture = as_image(noisy(clean + texture, 20))
    found = residual(picture, as_image(clean.astype(np.float32)), GaussianNoise(20))
    inside = np.zeros(found.structure.shape, bool)
    inside[48 // CELL : 112 // CELL, 64 // CELL : 128 // CELL] = True
    assert found.structure[inside].mean() > 0.95
    grown = np.zeros_like(inside)
    grown[48 // CELL - 1 : 112 // CELL + 1, 64 // CELL - 1 : 128 // CELL + 1] = True
    assert not found.structure[~grown].any()
    kept = residual(picture, as_image((clean + texture).astype(np.float32)), GaussianNoise(20))
    assert kept.part == 0
    assert 0.95 < kept.ratio < 1.05
    assert "nowhere" in str(kept)


@given(st.integers(0, 99), st.sampled_from([5, 25, 50]), st.integers(1, 90), st.integers(1, 90))
def test_noise_alone_is_never_called_structure(seed, sigma, height, width):
    clean = np.random.default_rng(seed).uniform(0, 1, (height, width))
    eight = np.clip(np.rint(noisy(clean, sigma, seed) * 255), 0, 255).astype(np.uint8)  # clipped, too
    found = residual(as_image(eight), as_image(np.rint(clean * 255).astype(np.uint8)), GaussianNoise(sigma))
    assert found.part < 0.02


def test_strips_leave_no_trace():
    clean, texture = scene(STRIP + 170, 120)
    picture, restored = as_image(noisy(clean + texture, 20)), as_image(clean.astype(np.float32))
    whole = residual(picture, restored, GaussianNoise(20)).structure
    shift = 48
    later = [as_image(np.asarray(image.samples)[shift:]) for image in (picture, restored)]
    moved = residual(*later, GaussianNoise(20)).structure
    assert np.array_equal(whole[shift // CELL + 2 : -2], moved[2:-2])


def test_noise_that_grows_with_the_light_is_measured_by_its_own_level():
    clean, _ = scene()
    noise = PoissonGaussian(0.02, 3)
    picture = noise.apply(clean.astype(np.float32)[np.newaxis], np.random.default_rng(0))[0]
    found = residual(as_image(picture), as_image(clean.astype(np.float32)), noise)
    assert found.part == 0
    assert 0.95 < found.ratio < 1.05


def test_what_cannot_be_told_says_why():
    picture = as_image(np.zeros((20, 20), np.uint8))
    assert "no level is known" in str(residual(picture, picture, None))
    assert "the noise is not white" in str(residual(picture, picture, CameraNoise(8)))
    assert "no noise that could be seen" in str(residual(picture, picture, GaussianNoise(0)))
    assert "another one" in str(residual(picture, as_image(np.zeros((40, 40), np.uint8)), GaussianNoise(9)))


def test_the_report_and_the_sheet_tell_of_it():
    clean, texture = scene()
    picture = noisy(clean + texture, 10)
    _, kind = nonloc.denoise(picture, sigma=10, method="nonloc-s", return_report=True)
    _, harsh = nonloc.denoise(picture, sigma=70, method="gaussian", return_report=True)
    assert kind.found[STRUCTURE].mean() < 0.01 < harsh.found[STRUCTURE].mean()
    assert 0.8 < kind.removed < 1.05
    assert f"{STRUCTURE}: 0.00% of the picture" in str(kind)
    assert harsh.as_dict()["found"][STRUCTURE] == round(float(harsh.found[STRUCTURE].mean()), 6)
    compared = nonloc.compare(picture, ["nonloc-s"], sigma=10).entries[0].as_dict()
    assert compared["structure_removed"] < 0.01
