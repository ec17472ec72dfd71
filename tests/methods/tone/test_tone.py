import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonloc.degradation import GaussianNoise
from nonloc.methods.registry import create
from nonloc.methods.tone.clahe import curve, equalise
from nonloc.methods.tone.lab import from_lab, to_lab
from nonloc.methods.tone.lightness import change_lightness


@pytest.fixture
def scene():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:80, :120]
    u = 0.3 + 0.2 * x / 120 + 0.1 * (np.hypot(y - 40, x - 50) < 20)
    colour = np.stack([u, 0.7 * u + 0.1 * (y > 40), 0.9 - 1.2 * u])
    return np.clip(colour + rng.normal(0, 0.01, colour.shape), 0, 1).astype(np.float32)[None]


def hue_and_chroma(rgb):
    _, a, b = to_lab(rgb)
    return np.degrees(np.arctan2(b, a)), np.hypot(a, b)


@pytest.mark.parametrize("name", ["clahe", "levels", "unsharp", "white-balance"])
def test_no_amount_is_the_picture_bit_for_bit(scene, name):
    out = create(name, channels=3, arguments={"amount": 0}).restore(scene, None)
    np.testing.assert_array_equal(out, scene)
    assert out is not scene


@pytest.mark.parametrize("name", ["clahe", "levels", "unsharp", "white-balance"])
def test_an_amount_changes_the_picture(scene, name):
    assert np.abs(create(name, channels=3, arguments={"amount": 1}).restore(scene, None) - scene).max() > 0.02


@given(st.integers(0, 999), st.floats(1, 8))
def test_clahe_curves_are_monotone_keep_black_and_white_and_the_clip(seed, clip):
    values = np.random.default_rng(seed).beta(2, 5, (12, 13))
    tone = curve(values, clip)
    slopes = np.diff(tone) * (len(tone) - 1)
    assert (slopes >= 0).all()
    assert slopes.max() <= clip * (1 + 1e-6)
    assert (tone[0], tone[-1]) == (0, 1)


def test_clahe_turns_no_hue_and_keeps_gray_gray(scene):
    for pixels in (scene[0], np.random.default_rng(1).random((3, 40, 50), dtype=np.float32)):
        out = create("clahe", channels=3, arguments={"amount": 1, "clip": 4}).restore(pixels[None], None)[0]
        assert out.min() >= -1e-4
        assert out.max() <= 1 + 1e-4
        (before, chroma), (after, left) = hue_and_chroma(pixels), hue_and_chroma(out)
        turned = np.abs((after - before + 180) % 360 - 180)[(chroma > 5) & (left > 5)]
        assert turned.max() < 2
    gray = np.repeat(scene[:, :1], 3, 1)
    out = create("clahe", channels=3).restore(gray, None)
    assert np.ptp(out, axis=1).max() < 1e-3


def test_clahe_spreads_a_flat_picture_and_spares_noise(scene):
    flat = 0.4 + 0.15 * scene[:, :1]
    method = create("clahe", channels=1, arguments={"amount": 1, "clip": 3})
    local = [np.abs(np.diff(pixels)).mean() for pixels in (flat, method.restore(flat, None))]
    assert local[1] > 1.5 * local[0]
    known = method.restore(flat, GaussianNoise(2))
    np.testing.assert_allclose(known, flat, atol=2e-3)  # a gain of 1 at sigma 2


def test_clahe_without_contrast_limit_room_is_the_identity():
    lightness = np.random.default_rng(0).random((40, 40))
    np.testing.assert_allclose(equalise(lightness, 1.0), lightness, atol=1e-6)


def test_lab_goes_there_and_back_and_knows_white():
    rgb = np.random.default_rng(0).uniform(-0.1, 1.1, (3, 20, 20))
    np.testing.assert_allclose(from_lab(to_lab(rgb)), rgb, atol=1e-9)
    np.testing.assert_allclose(to_lab(np.ones((3, 1, 1))).ravel(), [100, 0, 0], atol=1e-9)


def test_lab_equals_another_program():
    color = pytest.importorskip("skimage.color")
    rgb = np.random.default_rng(0).random((20, 20, 3))
    ours = np.moveaxis(to_lab(np.moveaxis(rgb, -1, 0)), 0, -1)
    np.testing.assert_allclose(ours, color.rgb2lab(rgb), atol=0.03)  # it rounds the white point


def test_lightness_left_alone_leaves_the_bits(scene):
    np.testing.assert_array_equal(change_lightness(scene[0], lambda old: old), scene[0])


def test_levels_use_the_whole_range_and_keep_order(scene):
    out = create("levels", channels=3, arguments={"cut": 0}).restore(scene, None)
    assert (out.min(), out.max()) == (0, 1)
    order = np.argsort(scene, axis=None)
    assert (np.diff(out.ravel()[order]) >= 0).all()
    bright = create("levels", channels=3, arguments={"cut": 0, "gamma": 2}).restore(scene, None)
    np.testing.assert_allclose(bright, np.sqrt(out), atol=1e-6)
    one = np.full((1, 1, 5, 5), 0.4, np.float32)
    np.testing.assert_array_equal(create("levels", channels=1).restore(one, None), one)


@pytest.mark.parametrize("light", ["shades-of-gray", "gray-world", "white-patch"])
def test_white_balance_takes_a_planted_cast_away(light):
    from nonloc.methods.tone.lab import encoded, linear

    rng = np.random.default_rng(0)
    gray = np.repeat(rng.uniform(0.1, 0.7, (1, 1, 40, 40)), 3, 1)
    cast = encoded(linear(gray) * np.array([1.4, 1.0, 0.6])[:, None, None]).astype(np.float32)
    out = create("white-balance", channels=3, arguments={"light": light}).restore(cast, None)
    assert np.ptp(out, axis=1).max() < 0.01
    assert np.ptp(cast, axis=1).max() > 0.2
    again = create("white-balance", channels=3, arguments={"light": light}).restore(out, None)
    np.testing.assert_allclose(again, out, atol=0.01)


def test_unsharp_sharpens_edges_leaves_noise_and_turns_no_colour(scene):
    x = np.mgrid[:40, :60][1]
    soft = np.repeat((0.3 + 0.4 / (1 + np.exp(-(x - 30) / 0.7)))[None, None], 3, 1).astype(np.float32)
    soft[:, 1] *= 0.8
    out = create("unsharp", channels=3).restore(soft, None)
    assert np.abs(np.diff(out)).max() > 1.05 * np.abs(np.diff(soft)).max()
    np.testing.assert_allclose(out[:, 0] - out[:, 1], soft[:, 0] - soft[:, 1], atol=1e-6)
    noise = (0.5 + 5 / 255 * np.random.default_rng(0).standard_normal((1, 1, 60, 60))).astype(np.float32)
    assert np.abs(create("unsharp", channels=1).restore(noise, GaussianNoise(5)) - noise).mean() < 1e-4
