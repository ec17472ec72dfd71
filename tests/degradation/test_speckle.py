"""Speckle: its distribution, its mean, and its text."""

import numpy as np
import pytest
import torch
from scipy.stats import gamma, kstest, nakagami

from nonloc.degradation import GaussianNoise, Speckle, parse, parse_fixed
from nonloc.errors import DegradationError


@pytest.mark.parametrize("looks", [0.7, 1, 4, 16])
def test_samples_follow_the_gamma_distribution_of_mean_one(looks):
    found = Speckle(looks).apply(np.full((200, 200), 0.3), np.random.default_rng(0)) / 0.3
    assert kstest(found.ravel(), gamma(looks, scale=1 / looks).cdf).pvalue > 0.01
    assert abs(found.mean() - 1) < 4 / 200 / looks**0.5


@pytest.mark.parametrize("looks", [1, 4])
def test_an_amplitude_is_the_root_of_an_intensity(looks):
    draw = Speckle(looks, amplitude=True)
    found = draw.apply(np.full((200, 200), 0.3), np.random.default_rng(0)) / 0.3
    assert kstest(found.ravel(), nakagami(looks).cdf).pvalue > 0.01
    intensity = Speckle(looks).apply(np.full((200, 200), 0.09), np.random.default_rng(0))
    np.testing.assert_allclose((0.3 * found) ** 2, intensity)
    on_gray = draw.apply(np.full((200, 200), 0.5), np.random.default_rng(1))
    assert abs(draw.noise.std / on_gray.std() - 1) < 0.02


def test_no_signal_has_no_noise_and_may_be_another_value_than_black():
    pixels = np.linspace(-0.5, 1, 31).reshape(1, 31)
    out = Speckle(1).apply(pixels, np.random.default_rng(0))
    np.testing.assert_array_equal(out[pixels <= 0], pixels[pixels <= 0])
    assert (out[pixels > 0] > 0).all()
    moved = Speckle(1, zero=-0.3).apply(pixels - 0.3, np.random.default_rng(0))
    np.testing.assert_allclose(moved, out - 0.3, atol=1e-12)


def test_tensors_and_arrays_keep_their_kind_and_get_the_same_noise():
    class Torch:
        def standard_normal(self, size):
            return torch.from_numpy(np.random.default_rng(0).standard_normal(size)).float()

    clean = np.full((1, 3, 4, 5), 0.4, np.float32)
    out = Speckle(2).apply(torch.from_numpy(clean), Torch())
    array = Speckle(2).apply(clean, np.random.default_rng(0))
    assert (out.dtype, out.shape, array.dtype) == (torch.float32, (1, 3, 4, 5), np.float32)
    np.testing.assert_allclose(out.numpy(), array, rtol=1e-5)


def test_even_numbers_far_out_give_finite_noise():
    class Far:
        def standard_normal(self, size):
            return np.resize([-40.0, -9, 0, 9, 40], size)

    out = Speckle(1).apply(np.ones((1, 5)), Far())
    assert np.isfinite(out).all()
    assert (np.diff(out[0]) >= 0).all()


def test_the_text_reads_back():
    assert parse("speckle:4") == Speckle(4)
    assert parse("speckle:1.5,amplitude") == Speckle(1.5, amplitude=True)
    for text in ("speckle:4 + clip8", "speckle:4,amplitude", "speckle:4,amplitude,-0.1", "speckle:4,-0.1"):
        assert str(parse(text)) == text
    assert parse("speckle:4,-0.1") == Speckle(4, zero=-0.1)
    assert parse_fixed("speckle:4").noise == GaussianNoise(255 / 4)
    for text in ("speckle:", "speckle:0", "speckle:-1", "speckle:x", "speckle:4,", "speckle:4,root", "speckle:nan"):
        with pytest.raises(DegradationError, match="speckle:4"):
            parse(text)
