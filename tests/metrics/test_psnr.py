"""PSNR and the 8-bit rounding before it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nonloc.errors import ImageError
from nonloc.metrics import im2uint8, psnr

samples = arrays(np.uint8, array_shapes(min_dims=2, max_dims=3, max_side=9))


def test_a_difference_of_one_level_everywhere_is_48_dB():
    clean = np.full((5, 7), 100, np.uint8)
    assert psnr(clean, clean + 1, data_range=255) == pytest.approx(20 * np.log10(255))


def test_colour_has_one_error_over_all_channels():
    clean = np.zeros((4, 4, 3), np.uint8)
    restored = clean.copy()
    restored[..., 0] = 3  # squared errors 9, 0, 0: mean 3
    assert psnr(clean, restored, data_range=255) == pytest.approx(10 * np.log10(255**2 / 3))


def test_small_integers_do_not_wrap_around():
    assert psnr(np.uint8([[0]]), np.uint8([[255]]), data_range=255) == 0


@given(samples, st.floats(0.1, 1000))
def test_only_the_ratio_to_the_peak_counts(clean, scale):
    restored = clean[::-1, ::-1]
    expected = psnr(clean, restored, data_range=255)
    assert psnr(clean * scale, restored * scale, data_range=255 * scale) == pytest.approx(expected)


def test_identical_pictures_are_infinitely_near():
    clean = np.arange(12).reshape(3, 4)
    assert psnr(clean, clean, data_range=255) == float("inf")


@pytest.mark.parametrize(
    ("restored", "peak", "said"),
    [
        (np.zeros((3, 4)), 1, "shapes"),
        (np.full((4, 3), np.nan), 1, "NaN"),
        (np.zeros((4, 3)), 0, "data_range"),
        (np.zeros((4, 3)), np.nan, "data_range"),
    ],
)
def test_what_cannot_be_compared_is_an_error(restored, peak, said):
    with pytest.raises(ImageError, match=said):
        psnr(np.zeros((4, 3)), restored, data_range=peak)


def test_eight_bits_are_clipped_and_halves_go_up():
    pixels = np.array([0.5 / 255, 1.5 / 255, -0.1, 1.1, np.inf, 0.4999 / 255])
    assert im2uint8(pixels).tolist() == [1, 2, 0, 255, 255, 0]


@given(samples)
def test_eight_bits_survive_the_way_through_float32(stored):
    np.testing.assert_array_equal(im2uint8((stored / 255).astype(np.float32)), stored)


def test_nan_has_no_eight_bits():
    with pytest.raises(ImageError, match="NaN"):
        im2uint8(np.array([0.5, np.nan]))
