"""The transforms of BM3D: bases, inverses, and what a constant becomes."""

import numpy as np
import pytest

from nonloc.methods.classical.block_transforms import bior15, cosine, kaiser
from nonloc.methods.classical.collaborative import haar, haar_back, power_of_two


@pytest.mark.parametrize("n", [1, 2, 8, 11])
def test_cosine_is_orthonormal(n):
    np.testing.assert_allclose(cosine(n) @ cosine(n).T, np.eye(n), atol=1e-12)


@pytest.mark.parametrize("transform", [bior15, cosine])
def test_noise_keeps_its_level_in_every_coefficient_and_a_constant_has_only_a_mean(transform):
    rows = transform(8)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1)
    np.testing.assert_allclose((rows @ np.ones(8))[1:], 0, atol=1e-12)
    assert np.linalg.cond(rows) < 4


def test_bior15_differences_are_haar_and_its_averages_are_smoother():
    """The finest four rows are differences of neighbours; the average reaches over the whole period."""
    rows = bior15(8)
    np.testing.assert_allclose(rows[4], [0.5**0.5, -(0.5**0.5), 0, 0, 0, 0, 0, 0], atol=1e-12)
    assert (rows[0] > 0.3).all()


def test_kaiser_has_the_values_of_the_authors():
    window = kaiser(8, 2.0)
    assert window[0, 0] == pytest.approx(0.1924, abs=5e-5)
    assert window[3, 4] == pytest.approx(0.9718, abs=5e-5)


@pytest.mark.parametrize("size", [1, 2, 8, 32])
def test_haar_keeps_energy_and_finds_its_way_back(size):
    stack = np.random.default_rng(size).normal(size=(size, 8, 8)).astype(np.float32)
    there, scratch = stack.copy(), np.empty_like(stack)
    haar(there, scratch, (0,) * 8)
    assert np.square(there).sum() == pytest.approx(np.square(stack).sum(), rel=1e-5)
    np.testing.assert_allclose(there[0], stack.sum(0) / np.sqrt(size), atol=1e-5)
    haar_back(there, scratch, (0,) * 8)
    np.testing.assert_allclose(there, stack, atol=1e-5)


def test_stacks_are_cut_to_powers_of_two():
    assert [power_of_two(n) for n in (1, 2, 3, 7, 8, 31, 32)] == [1, 2, 2, 4, 8, 16, 32]
