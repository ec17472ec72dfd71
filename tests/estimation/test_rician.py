"""Sigma of magnitudes, seen in the background."""

import numpy as np
import pytest

from nonloc.degradation import Rician
from nonloc.estimation.rician import estimate_rician


def head(size=160):
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    clean = np.zeros((size, size), np.float32)
    for radius, level in ((0.8, 0.8), (0.65, 0.35), (0.3, 0.6)):
        clean[x * x + y * y < radius**2] = level
    return clean


@pytest.mark.parametrize("sigma", [3, 10, 25])
@pytest.mark.parametrize("zero", [0.0, -0.1])
def test_the_level_is_seen_to_2_percent(sigma, zero):
    for seed in range(3):
        noisy = Rician(sigma, zero).apply(head() + np.float32(zero), np.random.default_rng(seed))
        assert abs(estimate_rician(noisy[None], zero=zero) / sigma - 1) < 0.02


def test_what_a_scanner_set_to_zero_is_no_background_and_what_it_left_is():
    noisy = Rician(10).apply(head(), np.random.default_rng(0))
    noisy[:60] = 0
    assert abs(estimate_rician(noisy[None]) / 10 - 1) < 0.03
    noisy[head() == 0] = 0
    assert estimate_rician(noisy[None]) is None


@pytest.mark.parametrize("sigma", [3, 10, 25, 50])
def test_a_picture_without_background_is_not_told(sigma):
    noisy = Rician(sigma).apply(0.3 + 0.7 * head(), np.random.default_rng(0))
    assert estimate_rician(noisy[None]) is None


def test_a_picture_without_pixels_enough_is_not_told():
    assert estimate_rician(np.ones((1, 5, 9))) is None
