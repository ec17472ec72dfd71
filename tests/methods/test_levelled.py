"""Noise whose level differs from channel to channel, or from place to place."""

import numpy as np
import pytest
import tifffile

import nonloc
from nonloc import testing
from nonloc.degradation import GaussianMap, GaussianNoise
from nonloc.engine import Plan, run
from nonloc.errors import SigmaUnitError, UsageError
from nonloc.image.image import Image
from nonloc.methods.levelled import levelled
from nonloc.methods.registry import create
from nonloc.verbs.denoise import plan_denoise
from nonloc.verbs.levels import read_noise

RAMP = np.broadcast_to(np.linspace(10, 38, 130, dtype=np.float32), (97, 130))


def clean(channels=1):
    return testing.sample(97, 130, channels, sigma=0)


def noisy(noise, channels=1):
    planes = np.moveaxis(np.atleast_3d(clean(channels).samples), -1, 0)
    out = np.moveaxis(noise.apply(planes, np.random.default_rng(0)), 0, -1)
    return Image(np.ascontiguousarray(out[..., 0] if channels == 1 else out), scale=1.0)


def error(picture):
    truth = clean(picture.channels).samples
    return float(np.sqrt(np.mean((np.asarray(picture.samples) - truth) ** 2)))


@pytest.mark.parametrize("method", ["nonloc-s", "nl-means"])
def test_a_map_is_better_than_one_level_for_all_places(method):
    noise = GaussianMap(RAMP[None])
    picture = noisy(noise)
    restored = nonloc.denoise(picture, sigma=RAMP, method=method)
    single = nonloc.denoise(picture, sigma=noise.noise.sigma, method=method)
    assert error(restored) < 0.98 * error(single)


def test_levels_of_channels_can_be_given_in_three_ways():
    for given in ((10, 20, 40), "10,20,40", np.array([10, 20, 40])):
        noise = read_noise(given)
        assert str(noise) == "gaussian-map:10,20,40"
        np.testing.assert_array_equal(noise.sigmas[:, 0, 0], [10, 20, 40])
        assert not noise.local


def test_channels_restored_alone_are_told_their_own_levels_and_together_one_for_all():
    given = (10, 20, 40)
    noise = GaussianMap(np.array([10, 20, 40], np.float32)[:, None, None])
    picture = noisy(noise, 3)
    restored, record = nonloc.denoise(picture, sigma=given, method="nlrn-fast", return_report=True)
    for c, sigma in enumerate((10, 20, 40)):
        alone = nonloc.denoise(np.ascontiguousarray(picture.samples[..., c]), sigma=sigma, method="nlrn-fast")
        assert np.abs(restored.samples[..., c] - alone).mean() < 0.01
    assert record.degradation == "gaussian-map:10,20,40"
    assert "differs from place to place" in record.reason
    joint, record = nonloc.denoise(picture, sigma=given, method="nonloc-s", return_report=True)
    one = nonloc.denoise(picture, sigma=noise.noise.sigma, method="nonloc-s")
    np.testing.assert_allclose(joint.samples, one.samples, atol=2e-5)
    assert "told one for all" in record.reason


@pytest.mark.parametrize("method", ["nonloc-s", "nl-means"])
def test_levels_that_are_all_alike_do_what_one_level_does(method):
    picture = noisy(GaussianNoise(25), 3)
    one = nonloc.denoise(picture, sigma=25, method=method).samples
    for alike in ([25, 25, 25], np.full((97, 130, 3), 25)):
        np.testing.assert_allclose(nonloc.denoise(picture, sigma=alike, method=method).samples, one, atol=2e-5)


@pytest.mark.parametrize(("name", "side"), [("nonloc-s", 40), ("nl-means", 40)])
def test_tiles_leave_no_trace(name, side):
    noise = GaussianMap(RAMP[None])
    picture = noisy(noise)
    method = levelled(create(name, channels=1, sigma=25), noise)
    whole, tiled = (run(Plan(method, noise, tile=tile), picture)[0].samples for tile in (None, side))
    np.testing.assert_allclose(tiled, whole, atol=2e-5)


def test_places_without_noise_stay_nearly_as_they_are_where_a_network_is_told_a_map():
    levels = np.where(np.arange(130) < 60, 0, 30).astype(np.float32) * np.ones((97, 1), np.float32)
    picture = noisy(GaussianMap(levels[None]))
    restored = nonloc.denoise(picture, sigma=levels).samples
    assert np.abs(restored - picture.samples)[:, :50].mean() < 1 / 255
    with pytest.raises(UsageError, match="nonloc-s or ffdnet"):
        nonloc.denoise(picture, sigma=levels, method="bm3d")


def test_a_map_may_be_a_file_of_levels_or_of_floats(tmp_path):
    tifffile.imwrite(tmp_path / "levels.tif", np.full((97, 130), 20, np.uint8))
    tifffile.imwrite(tmp_path / "floats.tif", np.full((97, 130), 20 / 255, np.float32))
    for name in ("levels.tif", "floats.tif"):
        for given in (str(tmp_path / name), tmp_path / name):
            plan, record = plan_denoise(noisy(GaussianNoise(20)), given)
            np.testing.assert_allclose(plan.degradation.sigmas, 20, rtol=1e-6)
            assert record.diagnosis.startswith(f"gaussian-map:{name} given")


def test_a_text_of_levels_may_have_units():
    picture = Image(np.zeros((5, 5, 3), np.uint16), scale=1 / 65535)
    np.testing.assert_allclose(read_noise("0.1u,25,257dn", picture).sigmas.ravel(), [25.5, 25, 1], rtol=1e-5)


@pytest.mark.parametrize("wrong", [(10, 20), "10,20", np.ones((9, 9)), [1, -1, 1], [1, np.nan, 2], "10,x,3", [], ["a"]])
def test_levels_that_do_not_fit_are_refused(wrong):
    with pytest.raises(UsageError, match="sigma"):
        nonloc.denoise(noisy(GaussianNoise(20), 3), sigma=wrong)


def test_levels_of_three_channels_are_refused_for_gray_and_small_ones_on_floats_are_questioned():
    with pytest.raises(UsageError, match="the picture has 1"):
        nonloc.denoise(noisy(GaussianNoise(20)), sigma=(10, 20, 30))
    with pytest.raises(SigmaUnitError):
        nonloc.denoise(noisy(GaussianNoise(20)), sigma=np.full((97, 130), 0.1))
    assert plan_denoise(noisy(GaussianNoise(20)), np.zeros((97, 130)))[0] is None


def test_noise_follows_the_levels():
    noise = GaussianMap(np.array([10, 40], np.float32)[:, None, None])
    out = noise.apply(np.zeros((2, 300, 300), np.float32), np.random.default_rng(0))
    np.testing.assert_allclose(out.std((1, 2)) * 255, [10, 40], rtol=0.01)
    assert abs(noise.noise.sigma - np.sqrt((100 + 1600) / 2)) < 1e-5
    part = GaussianMap(RAMP[None]).part(slice(3, 9), slice(50, 60))
    np.testing.assert_array_equal(part.sigmas, RAMP[None, 3:9, 50:60])
    assert part.noise == GaussianMap(RAMP[None]).noise
