"""Non-local means in three dimensions: the definition, and what slabs may not change."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nonloc.methods.volume.nl_means import nl_means_3d, nl_means_3d_by_definition

sides = st.integers(1, 5)


@settings(max_examples=12)
@given(
    shape=st.tuples(sides, sides, sides),
    patch=st.sampled_from([1, 3]),
    window=st.sampled_from([3, 5]),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_its_definition(shape, patch, window, seed):
    u = np.random.default_rng(seed).random(shape).astype(np.float32)
    fast, slow = (f(u, 0.1, patch, window, 0.2) for f in (nl_means_3d, nl_means_3d_by_definition))
    np.testing.assert_allclose(fast, slow, atol=1e-5)


def test_a_slab_with_the_rim_on_the_card_gives_the_same_bits():
    u = np.random.default_rng(0).random((40, 37, 20)).astype(np.float32)
    whole = nl_means_3d(u, 0.1, 3, 5, 0.2)
    np.testing.assert_array_equal(nl_means_3d(u[7:33, 5:30], 0.1, 3, 5, 0.2)[3:-3, 3:-3], whole[10:30, 8:27])
