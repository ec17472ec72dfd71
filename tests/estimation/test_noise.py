"""The estimate of Gaussian noise: known answers, what must not change it, and odd pictures."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nonloc.degradation import GaussianNoise
from nonloc.errors import ImageError
from nonloc.estimation import estimate_noise

STEP = 1 / 255


def noisy(clean, sigma, seed=0):
    rng = np.random.default_rng(seed)
    return (clean + sigma / 255 * rng.standard_normal(clean.shape)).astype(np.float32)


def clip8(pixels):
    return (np.rint(pixels.clip(0, 1) * 255) / 255).astype(np.float32)


def ramp(channels=1, height=160, width=200):
    return np.broadcast_to(np.linspace(0.1, 0.9, width), (channels, height, width))


def scene(channels=1, size=192):
    """Flat parts, edges and texture."""
    y, x = np.mgrid[:size, :size] / size
    shapes = 0.3 + 0.4 * (np.hypot(y - 0.5, x - 0.4) < 0.25) + 0.1 * np.sin(60 * x) * (y > 0.7) + 0.2 * x
    return np.stack([shapes * (1 - 0.15 * channel) for channel in range(channels)])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [1, 5, 25, 75])
@pytest.mark.parametrize("clean", [np.full_like, lambda a, _: a], ids=["flat", "ramp"])
def test_noise_on_flat_and_on_ramp_is_found_within_three_percent(clean, sigma, channels):
    pixels = noisy(clean(ramp(channels), 0.5), sigma)
    assert estimate_noise(pixels).sigma == pytest.approx(sigma, rel=0.03)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [5, 25, 50, 75])
def test_what_clipping_took_away_is_put_back(sigma, channels):
    pixels = clip8(noisy(np.broadcast_to(np.linspace(0.0, 0.9, 200), (channels, 160, 200)), sigma))
    estimate = estimate_noise(pixels, step=STEP)
    assert estimate.sigma == pytest.approx(sigma, rel=0.05)
    assert estimate.clipped == np.mean((pixels == 0) | (pixels == 1))


@pytest.mark.parametrize("level", [0.05, 0.1])
def test_a_dark_flat_picture_is_no_less_noisy_for_being_clipped(level):
    pixels = clip8(noisy(np.full((1, 160, 200), level), 25))
    assert pixels.std() * 255 < 22  # what is left to see
    assert estimate_noise(pixels, step=STEP).sigma == pytest.approx(25, rel=0.06)


def test_unclipped_noise_near_black_is_not_put_down_to_clipping():
    pixels = noisy(np.full((1, 160, 200), 0.05), 25)
    pixels[:, :20] = 0  # a border that piles up at black
    assert estimate_noise(pixels).sigma == pytest.approx(25, rel=0.03)


def test_rounding_is_not_counted_as_noise():
    smooth = 0.3 + 0.4 * ramp()
    pixels = clip8(noisy(smooth, 0.5))
    assert estimate_noise(pixels, step=STEP).sigma == pytest.approx(0.5, abs=0.05)
    assert estimate_noise(pixels).sigma == pytest.approx(np.hypot(0.5, 1 / 12**0.5), abs=0.05)


@pytest.mark.parametrize("channels", [1, 3])
def test_more_noise_is_a_higher_level(channels):
    levels = [estimate_noise(noisy(scene(channels), sigma)).sigma for sigma in (0.5, 2, 5, 10, 20, 40, 80)]
    assert levels == sorted(levels)


@pytest.mark.parametrize("channels", [1, 3])
def test_mirrors_and_turns_leave_the_level_as_it_is(channels):
    pixels = clip8(noisy(scene(channels, 150)[:, :, :121], 20))
    level = estimate_noise(pixels).sigma
    for view in (pixels[:, ::-1], pixels[:, :, ::-1], pixels.swapaxes(1, 2)):
        assert estimate_noise(view).sigma == pytest.approx(level, rel=1e-4)


def test_sampled_patches_of_a_large_picture_are_the_same_from_either_end():
    pixels = noisy(ramp(1, 700, 900), 20)
    level = estimate_noise(pixels).sigma
    assert estimate_noise(pixels[:, ::-1, ::-1]).sigma == pytest.approx(level, rel=1e-4)
    assert level == pytest.approx(20, rel=0.01)


def test_half_the_contrast_is_half_the_noise():
    pixels = noisy(scene(), 20)
    half = estimate_noise((0.5 * pixels + 0.25).astype(np.float32)).sigma
    assert half == pytest.approx(0.5 * estimate_noise(pixels).sigma, rel=1e-3)


@pytest.mark.parametrize("border", [0.0, 0.5, 1.0])
def test_a_constant_border_does_not_hide_the_noise(border):
    pixels = np.full((1, 300, 300), border, np.float32)
    pixels[:, 60:240, 60:240] = clip8(noisy(scene(1, 180), 15))
    assert estimate_noise(pixels, step=STEP).sigma == pytest.approx(15, rel=0.1)


def test_a_drawing_with_sharp_edges_is_clean():
    marks = np.random.default_rng(0).random((1, 80, 80)) < 0.3
    drawing = np.where(np.kron(marks, np.ones((1, 3, 3), bool)), 40, 220).astype(np.float32) / 255
    assert estimate_noise(drawing, step=STEP).sigma < 1.5


def test_gray_saved_as_colour_is_gray():
    gray = clip8(noisy(scene(), 20))
    same = estimate_noise(np.repeat(gray, 3, axis=0), step=STEP)
    assert same.sigma == estimate_noise(gray, step=STEP).sigma


def test_a_toned_picture_does_not_hide_its_noise():
    gray = 1.25 * noisy(scene(), 16)  # white is clipped in one channel before the others
    sepia = clip8(np.concatenate([gray, 0.9 * gray, 0.7 * gray]))
    assert estimate_noise(sepia, step=STEP).sigma == pytest.approx(20, rel=0.15)


def test_an_empty_channel_says_nothing_about_the_others():
    green = clip8(noisy(scene(), 20))
    picture = np.concatenate([np.zeros_like(green), green, np.zeros_like(green)])
    assert estimate_noise(picture, step=STEP).sigma == pytest.approx(20, rel=0.1)


def test_missing_samples_are_left_out():
    pixels = noisy(scene(), 20)
    pixels[:, 50:60, 50:90] = np.nan
    assert estimate_noise(pixels).sigma == pytest.approx(20, rel=0.1)


def test_a_constant_picture_is_clean_unless_it_is_saturated():
    assert estimate_noise(np.full((1, 64, 64), 0.4, np.float32)).high < 1
    black = estimate_noise(np.zeros((3, 64, 64), np.float32))
    assert (black.sigma, black.high, black.confidence) == (0, 255, 0)


def test_one_pixel_says_nothing():
    estimate = estimate_noise(np.full((1, 1, 1), 0.4, np.float32))
    assert (estimate.sigma, estimate.low, estimate.high, estimate.confidence) == (0, 0, 255, 0)


sides = st.tuples(st.sampled_from([1, 2, 3, 4]), st.integers(0, 24), st.integers(0, 24))


@given(
    arrays(np.float32, sides, elements=st.floats(-1, 2, width=32), fill=st.sampled_from([0, 0.5, 1])),
    st.sampled_from([None, STEP]),
)
def test_any_small_picture_gets_finite_levels_in_order(pixels, step):
    before = pixels.copy()
    estimate = estimate_noise(pixels, step=step)
    assert 0 <= estimate.low <= estimate.sigma <= estimate.high < np.inf
    assert 0 <= estimate.confidence <= 1
    assert 0 <= estimate.clipped <= 1
    np.testing.assert_array_equal(pixels, before)


@given(sides, st.integers(0, 1000), st.sampled_from([0.0, 3.0, 30.0, 120.0]), st.booleans())
def test_any_small_noisy_picture_gets_finite_levels_in_order(shape, seed, sigma, clipped):
    pixels = noisy(np.full(shape, 0.3), sigma, seed)
    estimate = estimate_noise(clip8(pixels) if clipped else pixels)
    assert 0 <= estimate.low <= estimate.sigma <= estimate.high < np.inf


def test_a_smaller_picture_is_known_less_well():
    small, large = (estimate_noise(noisy(np.full((1, side, side), 0.5), 20)) for side in (24, 200))
    assert large.high - large.low < small.high - small.low
    assert large.confidence > small.confidence


def test_reads_as_words_and_as_a_degradation():
    estimate = estimate_noise(noisy(scene(), 20))
    assert str(estimate) == f"sigma {estimate.sigma:.1f} ({estimate.low:.1f} to {estimate.high:.1f})"
    assert estimate.degradation == GaussianNoise(estimate.sigma)


def test_a_stack_is_refused():
    with pytest.raises(ImageError, match=r"\(2, 1, 8, 8\)"):
        estimate_noise(np.zeros((2, 1, 8, 8), np.float32))


def pictures(data_root, name, every):
    from PIL import Image

    for path in sorted((data_root / "test" / name).glob("*.png"))[::every]:
        with Image.open(path) as file:
            pixels = np.atleast_3d(np.asarray(file, np.float32)) / 255
        yield path.name, np.ascontiguousarray(np.moveaxis(pixels, -1, 0))


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["bsd68", "cbsd68"])
def test_photographs_are_within_five_percent(data_root, name):
    """Mean absolute error on every eighth picture: 5 % of sigma (8 % for gray at 5), clipped or not."""
    errors: dict[tuple[int, bool], list[float]] = {}
    inside = []
    for file, clean in pictures(data_root, name, 8):
        for sigma in (5, 15, 25, 50, 75):
            pixels = noisy(clean, sigma, [0, zlib.crc32(file.encode())])
            for clipped in (False, True):
                estimate = estimate_noise(clip8(pixels), step=STEP) if clipped else estimate_noise(pixels)
                errors.setdefault((sigma, clipped), []).append(estimate.sigma - sigma)
                inside.append(estimate.low <= sigma <= estimate.high)
    for (sigma, clipped), found in errors.items():
        limit = 0.08 if sigma == 5 and name == "bsd68" else 0.05
        assert np.mean(np.abs(found)) < limit * sigma, (sigma, clipped)
    assert np.mean(inside) > 0.8


@pytest.mark.data
@pytest.mark.parametrize("name", ["bsd68", "cbsd68"])
def test_clean_photographs_are_left_as_they_are(data_root, name):
    levels = [estimate_noise(clean, step=STEP).sigma for _, clean in pictures(data_root, name, 4)]
    assert np.mean(levels) < 0.6
    assert np.quantile(levels, 0.9) < 1.5
