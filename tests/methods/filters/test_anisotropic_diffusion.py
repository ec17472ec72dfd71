import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nonloc.methods.filters.anisotropic_diffusion import STEP, diffuse


def definition(u, edge, steps):
    u = u.astype(np.float64)
    _, height, width = u.shape
    for _ in range(steps):
        after = u.copy()
        for y, x in np.ndindex(height, width):
            for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                if 0 <= y + dy < height and 0 <= x + dx < width:
                    difference = u[:, y + dy, x + dx] - u[:, y, x]
                    c = 1 / (1 + np.mean(difference**2) / edge**2)
                    after[:, y, x] += STEP * c * difference
        u = after
    return u


@given(
    channels=st.sampled_from([1, 3]),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    edge=st.sampled_from([0.02, 0.2, 2.0]),
    steps=st.sampled_from([1, 2, 5]),
    seed=st.integers(0, 99),
)
def test_equals_its_definition(channels, height, width, edge, steps, seed):
    u = np.random.default_rng(seed).random((channels, height, width), dtype=np.float32)
    np.testing.assert_allclose(diffuse(u, edge, steps), definition(u, edge, steps), atol=1e-5)


def test_no_heat_is_lost_and_nothing_new_appears():
    u = np.random.default_rng(0).random((1, 40, 50), dtype=np.float32)
    after = diffuse(u, 0.5, 40)
    assert abs(after.mean() - u.mean()) < 1e-5
    assert u.min() <= after.min() < after.max() <= u.max()


def test_an_edge_stands_where_small_differences_melt():
    u = np.zeros((1, 30, 30), np.float32)
    u[..., 15:] = 1
    u += 0.01 * np.random.default_rng(0).standard_normal(u.shape).astype(np.float32)
    after = diffuse(u, 0.03, 30)
    assert after[..., 15].min() - after[..., 14].max() > 0.95
    assert after[..., :14].std() < 0.003
