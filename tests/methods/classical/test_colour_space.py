"""Opponent colours: there and back, and what they do to noise."""

import numpy as np

from nonloc.methods.classical.colour_space import NOISE, ROWS, from_opponent, to_opponent


def test_there_and_back_is_the_same_picture():
    rgb = np.random.default_rng(0).random((2, 3, 5, 6), np.float32)
    there = to_opponent(rgb)
    np.testing.assert_allclose(there, np.einsum("ij,bjhw->bihw", ROWS, rgb), atol=1e-6)
    np.testing.assert_allclose(from_opponent(there), rgb, atol=1e-6)


def test_gray_has_no_colour_differences():
    gray = np.full((3, 4, 4), 0.3, np.float32)
    np.testing.assert_allclose(to_opponent(gray)[1:], 0, atol=1e-7)


def test_noise_has_the_stated_level_in_each_channel():
    noise = np.random.default_rng(1).normal(size=(3, 400, 400))
    np.testing.assert_allclose(to_opponent(noise).std(axis=(1, 2)), NOISE, rtol=0.01)
    np.testing.assert_allclose(NOISE, [0.577, 0.707, 0.612], atol=1e-3)
