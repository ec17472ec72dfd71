import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nonloc.methods.filters.bilateral import Bilateral, bilateral

sides = st.integers(1, 9)


def definition(u, ss, sr):
    """One pixel after the other, one neighbour after the other."""
    _, height, width = u.shape
    u, r = u.astype(np.float64), math.ceil(2.5 * ss)
    out = np.empty_like(u)
    for y, x in np.ndindex(height, width):
        total, mean = 0.0, 0.0
        for j in range(max(0, y - r), min(height, y + r + 1)):
            for i in range(max(0, x - r), min(width, x + r + 1)):
                place = (j - y) ** 2 + (i - x) ** 2
                value = np.sum((u[:, j, i] - u[:, y, x]) ** 2)
                w = np.exp(-place / (2 * ss**2) - value / (2 * sr**2))
                total, mean = total + w, mean + w * u[:, j, i]
        out[:, y, x] = mean / total
    return out


@given(
    channels=st.sampled_from([1, 3]),
    height=sides,
    width=sides,
    ss=st.sampled_from([0.5, 1.0, 2.2]),
    sr=st.sampled_from([0.01, 0.2, 1.0]),
    seed=st.integers(0, 99),
)
def test_equals_its_definition(channels, height, width, ss, sr, seed):
    u = np.random.default_rng(seed).random((channels, height, width), dtype=np.float32)
    np.testing.assert_allclose(bilateral(u, ss, sr), definition(u, ss, sr), atol=2e-6)


def test_smooths_a_side_of_an_edge_without_the_other():
    rng = np.random.default_rng(0)
    u = np.zeros((1, 40, 40), np.float32)
    u[..., 20:] = 1
    noisy = u + 0.05 * rng.standard_normal(u.shape).astype(np.float32)
    restored = bilateral(noisy, 1.5, 0.15)
    assert np.abs(restored - u).max() < 0.2
    assert np.std(restored - u) < 0.5 * 0.05


def test_the_rule_widens_with_the_noise():
    for channels in (1, 3):
        rules = [Bilateral.rule(sigma, channels) for sigma in (5, 15, 25, 50, 100)]
        assert rules == sorted(rules)
        assert rules[-1][0] <= 6  # what the card's halo allows
