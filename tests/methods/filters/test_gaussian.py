import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonloc.degradation import GaussianNoise
from nonloc.methods.registry import create


def definition(plane, s):
    r = int(4 * s + 0.5)
    d = np.arange(-r, r + 1)
    kernel = np.exp(-(d**2) / (2 * s**2))
    kernel = np.outer(kernel, kernel) / kernel.sum() ** 2
    around = np.pad(plane.astype(np.float64), r, mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(around, kernel.shape)
    return (windows * kernel).sum((-2, -1))


@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    s=st.sampled_from([0.4, 1.0, 1.9, 4.0]),
    seed=st.integers(0, 99),
)
def test_equals_its_definition(height, width, s, seed):
    pixels = np.random.default_rng(seed).random((1, 1, height, width), dtype=np.float32)
    restored = create("gaussian", channels=1, arguments={"width": s}).restore(pixels, None)
    np.testing.assert_allclose(restored[0, 0], definition(pixels[0, 0], s), atol=2e-6)


def test_a_given_width_is_kept_even_without_noise():
    pixels = np.random.default_rng(0).random((1, 1, 9, 9), dtype=np.float32)
    restored = create("gaussian", channels=1, arguments={"width": 1.0}).restore(pixels, GaussianNoise(0))
    assert not np.array_equal(restored, pixels)


@pytest.mark.parametrize(("sigma", "width"), [(15, 0.6), (25, 0.8), (50, 1.4)])
def test_the_rule_is_near_what_was_measured(sigma, width):
    from nonloc.methods.filters.gaussian import Gaussian

    assert Gaussian.rule(sigma) == pytest.approx(width, abs=0.05)
