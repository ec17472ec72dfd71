"""Block matching in volumes: the fast way gives what the definition says."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nonloc.nonlocal_ops.matching import match, reference_grid
from nonloc.nonlocal_ops.matching3d import match3d, match3d_by_definition

sides = st.integers(2, 6)


@settings(max_examples=40)
@given(
    shape=st.tuples(sides, sides, sides),
    cube=st.integers(1, 3),
    window=st.sampled_from([1, 3, 5]),
    count=st.sampled_from([1, 4, 16]),
    step=st.integers(1, 3),
    limit=st.sampled_from([np.inf, 20.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_its_definition(shape, cube, window, count, step, limit, seed):
    cube = min(cube, *shape)
    # whole numbers: no rounding, and many cubes that are equally near
    volume = np.random.default_rng(seed).integers(0, 8, shape).astype(np.float32)
    grid = tuple(reference_grid(length, cube, step) for length in shape)
    fast = match3d(volume, cube, window, count, grid, limit)
    slow = match3d_by_definition(volume, cube, window, count, grid, limit)
    np.testing.assert_array_equal(fast.found, slow.found)
    np.testing.assert_array_equal(fast.neighbours, slow.neighbours)
    np.testing.assert_allclose(fast.distances, slow.distances, rtol=1e-6)


def test_in_one_slice_it_is_that_of_pictures():
    picture = np.random.default_rng(0).random((12, 13)).astype(np.float32)
    rows, columns = (reference_grid(length, 1, 2) for length in picture.shape)
    flat = match(picture[None, None], 1, 5, 8, rows, columns)
    deep = match3d(picture[None], 1, 5, 8, (np.array([0]), rows, columns))
    np.testing.assert_array_equal(deep.neighbours, flat.neighbours)
