import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nonloc.methods.filters.total_variation import TAU, total_variation


def gradient(u):
    g = np.zeros((2, *u.shape))
    g[0, :, :-1] = u[:, 1:] - u[:, :-1]
    g[1, :, :, :-1] = u[:, :, 1:] - u[:, :, :-1]
    return g


def divergence(p):
    """Minus the adjoint of `gradient`."""
    d = np.zeros(p.shape[1:])
    d[:, :-1] += p[0, :, :-1]
    d[:, 1:] -= p[0, :, :-1]
    d[:, :, :-1] += p[1, :, :, :-1]
    d[:, :, 1:] -= p[1, :, :, :-1]
    return d


def definition(y, w, steps):
    y = y.astype(np.float64)
    p = np.zeros((2, *y.shape))
    for _ in range(steps):
        g = gradient(divergence(p) - y / w)
        p = (p + TAU * g) / (1 + TAU * np.sqrt((g**2).sum((0, 1))))
    return y - w * divergence(p)


def energy(u, y, w):
    return np.sum((u - y) ** 2) / 2 + w * np.sqrt((gradient(u) ** 2).sum((0, 1))).sum()


@given(
    channels=st.sampled_from([1, 3]),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    w=st.sampled_from([0.01, 0.2, 2.0]),
    steps=st.sampled_from([1, 7, 30]),
    seed=st.integers(0, 99),
)
def test_equals_its_definition(channels, height, width, w, steps, seed):
    y = np.random.default_rng(seed).random((channels, height, width), dtype=np.float32)
    np.testing.assert_allclose(total_variation(y, w, steps), definition(y, w, steps), atol=1e-5)


def test_a_disk_loses_height_as_theory_says():
    """A disk of radius R on a wide ground loses 2 w / R of its height (Strong and Chan, Inverse Problems 19, 2003)."""
    y, x = np.mgrid[-40:41, -40:41]
    inside = y**2 + x**2 <= 20**2
    u = total_variation(inside[None].astype(np.float32), 1.0, 2000)[0]
    assert abs((1 - u[y**2 + x**2 <= 15**2].mean()) - 2 * 1.0 / 20) < 0.02


def test_more_steps_come_nearer_to_the_least_energy():
    y = np.random.default_rng(0).random((3, 30, 30), dtype=np.float32)
    energies = [energy(total_variation(y, 0.3, steps).astype(np.float64), y, 0.3) for steps in (5, 20, 60, 400)]
    assert energies == sorted(energies, reverse=True)
    assert energies[2] < 1.01 * energies[3]


def test_the_mean_stays():
    y = np.random.default_rng(0).random((1, 33, 20), dtype=np.float32)
    assert abs(total_variation(y, 1.0, 60).mean() - y.mean()) < 1e-5
