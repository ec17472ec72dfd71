"""Eigenvalues of many small matrices: what LAPACK says, each alone, and no trouble with flat ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonloc.methods.classical.symmetric_eigen import eigen


def solved(matrices):
    count, n = matrices.shape[:2]
    padded = -(-n // 8) * 8
    values, vectors = np.empty((n, count), np.float32), np.empty((count, n, padded), np.float32)
    eigen(matrices.copy(), values, vectors, (0,) * padded)
    assert (vectors[:, :, n:] == 0).all()
    return values.T, vectors[:, :, :n]


def grams(rng, count, n, rank):
    z = rng.standard_normal((count, rank, n)) * np.exp(-np.arange(n) / 5) * 100
    return (z.transpose(0, 2, 1) @ z).astype(np.float32)


@given(
    n=st.sampled_from([36, 49]),
    count=st.integers(1, 9),
    rank=st.integers(1, 60),
    seed=st.integers(0, 2**32 - 1),
)
def test_rebuilds_the_matrix_from_orthonormal_vectors(n, count, rank, seed):
    matrices = grams(np.random.default_rng(seed), count, n, rank)
    values, vectors = solved(matrices)
    size = np.abs(matrices).max()
    rebuilt = np.einsum("tij,ti,tik->tjk", vectors.astype(float), values, vectors)
    np.testing.assert_allclose(rebuilt, matrices, atol=2e-5 * size)
    np.testing.assert_allclose(
        vectors @ vectors.transpose(0, 2, 1), np.broadcast_to(np.eye(n), matrices.shape), atol=5e-5
    )
    np.testing.assert_allclose(np.sort(values), np.linalg.eigvalsh(matrices.astype(float)), atol=2e-5 * size)


def test_a_matrix_has_the_same_bits_whatever_is_beside_it():
    matrices = grams(np.random.default_rng(0), 8, 49, 80)
    values, vectors = solved(matrices)
    for t in (0, 3, 7):
        value, vector = solved(matrices[t : t + 1])
        assert value[0].tobytes() == values[t].tobytes()
        assert vector[0].tobytes() == vectors[t].tobytes()


@pytest.mark.parametrize("kind", ["zero", "diagonal", "one", "equal", "tiny"])
def test_matrices_that_fall_apart_are_no_trouble(kind):
    n = 36
    ramp = np.arange(n, dtype=np.float32)
    matrix = {
        "zero": np.zeros((n, n)),
        "diagonal": np.diag(ramp),
        "one": np.outer(ramp, ramp),
        "equal": np.ones((n, n)),
        "tiny": np.outer(ramp, ramp) * 1e-24,
    }[kind].astype(np.float32)
    values, vectors = solved(matrix[np.newaxis])
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(
        np.sort(values[0]), np.linalg.eigvalsh(matrix.astype(float)), atol=1e-5 * matrix.max() + 2e-20
    )
