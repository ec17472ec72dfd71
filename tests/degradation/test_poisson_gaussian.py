"""Poisson-Gaussian noise: what it does to pixels, and its text."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import poisson as reference

from nonloc.degradation.poisson_gaussian import PoissonGaussian, PoissonGaussianLevels, poisson, read
from nonloc.errors import DegradationError

gains = st.floats(1e-5, 1).map(lambda value: float(f"{value:g}"))
sigmas = st.floats(0, 50).map(lambda value: float(f"{value:g}"))


def value(degradation):
    """What stands after the name, of the text form."""
    name, _, value = str(degradation).partition(":")
    assert name == "poisson-gaussian"
    return value


@given(gains, sigmas)
def test_a_fixed_one_reads_back(gain, sigma):
    made = PoissonGaussian(gain, sigma)
    assert read(value(made), "") == made


@given(gains, gains, sigmas, sigmas)
def test_a_range_reads_back(a, b, c, d):
    made = PoissonGaussianLevels((min(a, b), max(a, b) * 2), (min(c, d), max(c, d)))
    made = PoissonGaussianLevels(tuple(float(f"{gain:g}") for gain in made.gains), made.sigmas)
    assert read(value(made), "") == made


def test_read_noise_may_be_left_out():
    assert read("0.02", "") == PoissonGaussian(0.02, 0.0)


@pytest.mark.parametrize("text", ["", "x", "0.1,2,3", "-1", "0.2..0.1", "nan", "inf,1", "0..1,2", "0.1,-2"])
def test_a_wrong_text_says_what_is_wrong(text):
    with pytest.raises(DegradationError, match=r"no level|begins at 0"):
        read(text, f"poisson-gaussian:{text}")


def test_gains_are_drawn_evenly_over_their_logarithm():
    levels = PoissonGaussianLevels((1e-4, 1e-2), (0, 10))
    rng = np.random.default_rng(0)
    drawn = [levels.sample(rng) for _ in range(2000)]
    assert np.mean([d.gain < 1e-3 for d in drawn]) == pytest.approx(0.5, abs=0.04)
    assert np.mean([d.sigma for d in drawn]) == pytest.approx(5, abs=0.3)


@pytest.mark.parametrize("gain", [1.0, 0.25, 0.03, 1e-3])
@pytest.mark.parametrize("sigma", [0, 5])
def test_mean_and_variance_are_what_it_says(gain, sigma):
    noise = PoissonGaussian(gain, sigma)
    signal = np.repeat([[0.0], [0.05], [0.4], [1.0]], 200_000, 1)
    noisy = noise.apply(signal, np.random.default_rng(0))
    expected = noise.variance(signal[:, 0])
    np.testing.assert_allclose(noisy.mean(1), signal[:, 0], atol=5 * (expected.max() / 200_000) ** 0.5)
    np.testing.assert_allclose(noisy.var(1), expected, rtol=0.05, atol=1e-12)


@pytest.mark.parametrize("mean", [0.0, 0.1, 3.0, 9.9])
def test_few_counts_are_those_of_the_inverse_distribution(mean):
    normal = np.random.default_rng(1).standard_normal(100_000)
    exact = reference.ppf(ndtr(normal), mean).clip(0)
    np.testing.assert_array_equal(poisson(np.full_like(normal, mean), normal), exact)


@pytest.mark.parametrize("mean", [10.0, 14.0, 50.0, 3000.0])
def test_many_counts_are_hardly_ever_another(mean):
    normal = np.random.default_rng(2).standard_normal(100_000)
    apart = poisson(np.full_like(normal, mean), normal) - reference.ppf(ndtr(normal), mean)
    assert np.abs(apart).max() <= 1
    assert np.mean(apart != 0) < 0.004


def test_single_precision_draws_no_absurd_counts():
    normal = np.linspace(4, 6, 1000, dtype=np.float32)
    assert poisson(np.full_like(normal, 0.1), normal).max() < 12


def test_arrays_and_tensors_are_damaged_alike():
    pixels = np.random.default_rng(1).random((3, 6, 7)) * 1.2 - 0.1

    class Same:
        """The same numbers for both kinds of array."""

        def __init__(self, kind):
            self.kind = kind

        def standard_normal(self, size):
            return self.kind(np.random.default_rng(2).standard_normal(size))

    noise = PoissonGaussian(0.05, 5)
    array = noise.apply(pixels, Same(np.asarray))
    tensor = noise.apply(torch.from_numpy(pixels), Same(torch.from_numpy))
    np.testing.assert_allclose(tensor.numpy(), array, atol=1e-12)
    assert noise.apply(pixels.astype(np.float32), Same(np.asarray)).dtype == np.float32


def test_a_method_of_one_level_is_told_that_of_middle_gray():
    noise = PoissonGaussian(0.02, 5)
    assert noise.noise.std**2 == pytest.approx(0.02 * 0.5 + (5 / 255) ** 2)
