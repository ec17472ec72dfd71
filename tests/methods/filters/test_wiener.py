import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nonloc.methods.filters.wiener import wiener

planes = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.floats(-0.5, 1.5, width=32))


@given(planes, st.sampled_from([1e-4, 0.01, 0.2]), st.sampled_from([3, 5, 7]))
def test_equals_its_definition(y, s2, n):
    around = np.pad(y.astype(np.float64), n // 2, mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(around, (n, n))
    m, v = windows.mean((-2, -1)), windows.var((-2, -1))
    expected = m + np.maximum(v - s2, 0) / np.maximum(v, s2) * (y - m)
    np.testing.assert_allclose(wiener(y, s2, n), expected, atol=1e-6)


def test_flat_noise_becomes_its_mean_and_strong_texture_stays():
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal((60, 60))
    assert np.std(wiener(0.5 + noise, 0.02, 7)) < 0.25 * 0.1
    texture = np.indices((60, 60)).sum(0) % 2 * 10.0
    np.testing.assert_allclose(wiener(texture, 0.01, 5), texture, atol=0.01)
