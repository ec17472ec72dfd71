"""Verbs from Python: arrays in, arrays out, levels in every unit, nothing silent."""

import numpy as np
import pytest

import nonloc
from nonloc import testing
from nonloc.degradation import GaussianNoise
from nonloc.errors import ImageError, SigmaOutOfRange, SigmaUnitError, UnknownMethod, UsageError
from nonloc.image.image import Image
from nonloc.verbs.estimate import PIXELS, estimate_picture
from nonloc.verbs.levels import read_sigma
from nonloc.verbs.options import Options

METHOD = "nl-means"


def array(dtype, channels=3, height=48, width=64, sigma=25):
    samples = testing.sample(height, width, channels, sigma).samples
    if np.dtype(dtype).kind == "f":
        return samples.astype(dtype)
    return (np.clip(samples, 0, 1) * np.iinfo(dtype).max).round().astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3])
def test_array_in_array_out(dtype, channels):
    noisy = array(dtype, channels)
    before = noisy.copy()
    clean = nonloc.denoise(noisy, sigma=25, method=METHOD)
    assert isinstance(clean, np.ndarray)
    assert (clean.dtype, clean.shape) == (noisy.dtype, noisy.shape)
    assert not np.array_equal(clean, noisy)
    np.testing.assert_array_equal(noisy, before)


def test_depths_agree():
    eight, sixteen = (nonloc.denoise(array(d), sigma=25, method=METHOD) for d in (np.uint8, np.uint16))
    assert np.abs(eight / 255 - sixteen / 65535).max() < 2 / 255


def test_the_channel_axis_stays_where_it_was():
    noisy = array(np.uint8)
    last = nonloc.denoise(noisy, sigma=25, method=METHOD)
    first = nonloc.denoise(np.moveaxis(noisy, -1, 0).copy(), sigma=25, method=METHOD, channel_axis=0)
    np.testing.assert_array_equal(np.moveaxis(first, 0, -1), last)


def test_a_path_gives_an_image(tmp_path):
    path = nonloc.write(Image(array(np.uint8), scale=1 / 255), tmp_path / "a.png")
    clean = nonloc.denoise(path, sigma=25, method=METHOD)
    assert isinstance(clean, nonloc.Image)
    np.testing.assert_array_equal(clean.samples, nonloc.denoise(array(np.uint8), sigma=25, method=METHOD))


@pytest.mark.parametrize("given", [25, "25", "25.0", GaussianNoise(25), f"{25 / 255}u"])
def test_a_level_can_be_written_in_several_ways(given):
    expected = nonloc.denoise(array(np.float32), sigma=25.0, method="gaussian")
    np.testing.assert_allclose(nonloc.denoise(array(np.float32), sigma=given, method="gaussian"), expected, atol=1e-6)


def test_stored_numbers_are_a_unit_too():
    assert read_sigma("257dn", Image(np.zeros((2, 2), np.uint16), scale=1 / 65535)) == pytest.approx(1)


def test_a_sigma_of_the_wrong_scale_is_told():
    with pytest.raises(SigmaUnitError, match=r"Give 25\.5"):
        nonloc.denoise(array(np.float32), sigma=0.1)
    nonloc.denoise(array(np.uint8), sigma=0.5, method="gaussian")  # an integer picture has no such trap


@pytest.mark.parametrize("wrong", ["loud", -1, "nan", "u", "25x"])
def test_what_is_no_level_is_told(wrong):
    with pytest.raises(UsageError, match="no level of noise"):
        nonloc.denoise(array(np.uint8), sigma=wrong)


def test_a_given_level_far_from_the_picture_is_a_warning_not_a_silence():
    _, report = nonloc.denoise(array(np.float32, 1, 96, 96), sigma=3, method="gaussian", return_report=True)
    assert "sigma 3 was given" in report.warnings[0]
    _, report = nonloc.denoise(array(np.float32, 1, 96, 96), sigma=20, method="gaussian", return_report=True)
    assert report.warnings == []


def test_a_clean_picture_comes_back_as_it_was():
    y, x = np.mgrid[:80, :90]
    clean = ((x + y) % 256).astype(np.uint8)
    out, report = nonloc.restore(clean, return_report=True)
    np.testing.assert_array_equal(out, clean)
    assert not report.changed
    assert "left as it is" in str(report)


def test_strength_and_sigma_0_change_nothing():
    noisy = array(np.uint8)
    for options in ({"strength": 0.0}, {"sigma": 0}):
        out, report = nonloc.denoise(noisy, return_report=True, **options)
        np.testing.assert_array_equal(out, noisy)
        assert not report.changed


def test_unknown_methods_and_levels_outside_the_card_are_refused():
    with pytest.raises(UnknownMethod, match="nl-means"):
        nonloc.denoise(array(np.uint8), method="nl-mean")
    with pytest.raises(SigmaOutOfRange, match="Take"):
        nonloc.denoise(array(np.uint8), sigma=2000, method="nl-means")
    with pytest.raises(ImageError):
        nonloc.denoise(np.zeros((4, 4), bool))


def test_the_report_says_what_was_run():
    _, report = nonloc.denoise(array(np.uint8), sigma=25, method=METHOD, options=Options(tile=32), return_report=True)
    told = report.as_dict()
    assert told["method"] == METHOD
    assert told["tile"] >= 32
    assert told["tiles"] > 1
    assert told["reason"] == "asked for"
    assert "sigma 25 given" in told["diagnosis"]


def test_a_large_picture_is_estimated_from_windows():
    rng = np.random.default_rng(0)
    ramp = np.linspace(60, 180, 3000)[None] + np.zeros((2000, 1))
    assert ramp.size > PIXELS
    noisy = np.clip(ramp + rng.normal(0, 10, ramp.shape), 0, 255).round().astype(np.uint8)
    assert estimate_picture(Image(noisy, scale=1 / 255)).sigma == pytest.approx(10, rel=0.03)


def test_methods_can_be_listed_from_python():
    import nonloc.methods.registry  # the subpackage must not hide the function

    assert METHOD in nonloc.methods(task="denoise", runnable=True)
    assert nonloc.methods("*means") == [METHOD]
    assert METHOD in nonloc.methods(licence="open")
    assert nonloc.methods.registry.card(METHOD).name == METHOD


def test_comparison_tells_who_could_not_run():
    found = nonloc.compare(array(np.uint8), ["gaussian", "dncnn"], sigma=25)
    assert found.entries[0].picture is not None
    assert found.entries[1].error is not None
    assert found.sheet(32).samples.ndim == 3


@pytest.mark.parametrize("method", [None, "bm3d"])
@pytest.mark.parametrize("channels", [1, 3])
def test_noise_stronger_than_any_method_knows_is_removed_by_lowering_contrast(method, channels):
    rng = np.random.default_rng(0)
    clean = np.kron(rng.uniform(0.1, 0.9, (6, 6, channels)), np.ones((24, 24, 1))).squeeze().astype(np.float32)
    noisy = clean + rng.normal(0, 130 / 255, clean.shape).astype(np.float32)
    out, report = nonloc.denoise(noisy, method=method, data_range=(0, 1), return_report=True)
    assert np.mean((out - clean) ** 2) < np.mean((noisy - clean) ** 2) / 20
    assert "contrast is lowered" in report.reason
    with pytest.raises(SigmaOutOfRange, match="Take"):
        nonloc.denoise(noisy, method="bm3d", sigma=130, data_range=(0, 1))
    assert "contrast" in nonloc.denoise(noisy, sigma=130, data_range=(0, 1), return_report=True)[1].reason


def test_who_names_the_method_for_photographs_has_noise_removed_that_is_too_faint_to_be_told_from_texture():
    faint = array(np.uint8, sigma=0, height=160, width=176)
    _, left = nonloc.denoise(faint, return_report=True)
    assert not left.changed
    _, asked = nonloc.denoise(faint, method="nonloc-photo", return_report=True)
    assert asked.changed
    assert asked.degradation == "camera:6"
    assert "told sigma 6, since it was asked for by name" in asked.warnings[0]
    _, other = nonloc.denoise(faint, method="nonloc-photo", sigma="auto", return_report=True)
    assert not other.changed  # what is estimated, and no more
    _, none = nonloc.denoise(faint, method="nonloc-photo", strength=0, return_report=True)
    assert not none.changed


def test_who_names_the_method_for_photographs_is_told_the_noise_that_is_seen_where_it_is_strong_or_white():
    white = array(np.uint8, sigma=4, height=160, width=176)
    _, record = nonloc.denoise(white, method="nonloc-photo", return_report=True)
    assert record.degradation.startswith("gaussian:")
    assert not record.warnings
