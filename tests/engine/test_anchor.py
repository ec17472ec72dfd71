"""What a method for white noise changes slowly in a camera's picture is put back, whatever the tiles."""

import dataclasses

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from nonloc.degradation import CameraNoise, GaussianNoise
from nonloc.engine import Plan, prepare, run
from nonloc.image.image import Image
from nonloc.methods import registry
from nonloc.methods.base import ArrayMethod


@pytest.fixture
def picture() -> Image:
    rng = np.random.default_rng(0)
    slope = np.linspace(0.3, 0.7, 150, dtype=np.float32)
    return Image(slope[:, None, None] + 0.05 * rng.standard_normal((150, 130, 3)).astype(np.float32), scale=1.0)


class Shifting(ArrayMethod):
    """Removes fast changes, and shifts the colours."""

    def restore(self, pixels, degradation):
        return uniform_filter(pixels, (0, 0, 3, 3)) + np.float32(0.1)


def test_slow_changes_are_put_back_and_fast_ones_stay(picture):
    method = Shifting(dataclasses.replace(registry.card("gaussian"), halo_exact=1))
    white = run(Plan(method, GaussianNoise(20)), picture)[0].samples
    camera = run(Plan(method, CameraNoise(20)), picture)[0].samples
    assert abs((white - picture.samples).mean() - 0.1) < 1e-3
    assert abs((camera - picture.samples).mean()) < 1e-3
    rough = [np.diff(samples, axis=1).std() for samples in (picture.samples, white, camera)]
    assert rough[2] < 1.05 * rough[1] < 0.5 * rough[0]


def test_a_method_made_for_camera_noise_is_left_alone(picture):
    method = Shifting(dataclasses.replace(registry.card("gaussian"), halo_exact=1, handles=("camera",)))
    camera = run(Plan(method, CameraNoise(20)), picture)[0].samples
    assert abs((camera - picture.samples).mean() - 0.1) < 1e-3


@pytest.mark.parametrize("method", ["gaussian", "nonloc-s"])
def test_tiles_equal_the_whole_picture(picture, method):
    whole = run(Plan(method, CameraNoise(20), tile=None), picture)[0].samples
    tiled = run(Plan(method, CameraNoise(20), tile=48, halo="exact"), picture)[0].samples
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


def test_the_halo_grows_by_the_reach_of_what_is_put_back(picture):
    halos = [prepare(Plan("gaussian", noise(20), tile=48), picture)[1].halo for noise in (GaussianNoise, CameraNoise)]
    assert halos[1] == halos[0] + 24
