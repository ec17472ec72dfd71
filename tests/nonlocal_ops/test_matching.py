"""Block matching: the fast path equals the definition, ties and borders included."""

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonloc.errors import UsageError
from nonloc.nonlocal_ops.matching import match, match_by_definition, reference_grid


@given(
    batch=st.integers(1, 2),
    channels=st.integers(1, 3),
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    patch=st.integers(1, 9),
    step=st.integers(1, 4),
    window=st.sampled_from([1, 3, 7, 25]),
    count=st.integers(1, 12),
    levels=st.sampled_from([1, 2, 200]),
    limit=st.sampled_from([0.0, 0.5, 4000.0, np.inf]),
    seed=st.integers(0, 2**32 - 1),
)
def test_finds_what_the_definition_finds(
    batch, channels, height, width, patch, step, window, count, levels, limit, seed
):
    """Whole numbers, so that every sum is exact; few levels, so that ties are the rule."""
    patch = min(patch, height, width)
    pixels = np.random.default_rng(seed).integers(0, levels, (batch, channels, height, width)).astype(np.float32)
    asked = (patch, window, count, reference_grid(height, patch, step), reference_grid(width, patch, step), limit)
    fast, slow = match(pixels, *asked), match_by_definition(pixels, *asked)
    np.testing.assert_array_equal(fast.neighbours, slow.neighbours)
    np.testing.assert_array_equal(fast.found, slow.found)
    np.testing.assert_allclose(fast.distances, slow.distances, rtol=1e-6)


def test_finds_the_copies_of_a_patch_and_puts_the_reference_first():
    rng = np.random.default_rng(0)
    pixels = rng.random((1, 1, 30, 40), np.float32)
    copies = [(4, 5), (4, 15), (13, 5), (20, 17)]
    for y, x in copies[1:]:
        pixels[0, 0, y : y + 6, x : x + 6] = pixels[0, 0, 4:10, 5:11]
    found = match(pixels, 6, 39, 4, np.array([13]), np.array([5]))
    places = [divmod(int(p), 40) for p in found.neighbours[0, 0, 0]]
    assert places == [(13, 5), (4, 5), (4, 15), (20, 17)]
    assert (found.distances == 0).all()


def test_choices_do_not_depend_on_where_the_picture_begins():
    """Bit for bit: a tile finds what the whole picture finds, wherever its rows and columns begin."""
    pixels = np.random.default_rng(1).normal(0.5, 0.2, (1, 1, 60, 70)).astype(np.float32)
    whole = match(pixels, 7, 11, 9, np.array([25, 30]), np.array([21, 28, 36]))
    tile = match(pixels[:, :, 19:48, 14:59], 7, 11, 9, np.array([6, 11]), np.array([7, 14, 22]))
    y, x = np.divmod(tile.neighbours, 45)
    np.testing.assert_array_equal((y + 19) * 70 + x + 14, whole.neighbours)
    assert tile.distances.tobytes() == whole.distances.tobytes()


def test_two_threads_find_the_same_as_one():
    pixels = np.random.default_rng(2).random((2, 1, 40, 40), np.float32)
    grid = reference_grid(40, 8, 3)
    results = []
    before = numba.get_num_threads()
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            results.append(match(pixels, 8, 21, 16, grid, grid, 0.1))
    finally:
        numba.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        assert one.tobytes() == two.tobytes()


@given(length=st.integers(1, 60), patch=st.integers(1, 12), step=st.integers(1, 12))
def test_references_cover_every_pixel(length, patch, step):
    patch, step = min(patch, length), min(step, patch)
    covered = np.zeros(length, bool)
    for start in reference_grid(length, patch, step):
        covered[start : start + patch] = True
    assert covered.all()


def test_says_what_is_wrong():
    pixels = np.zeros((1, 1, 20, 20), np.float32)
    grid = np.array([0, 4])
    with pytest.raises(UsageError, match="odd"):
        match(pixels, 5, 10, 4, grid, grid)
    with pytest.raises(UsageError, match="references at rows 0 to 16"):
        match(pixels, 5, 9, 4, np.array([0, 16]), grid)
    with pytest.raises(UsageError, match="a side of 6"):
        reference_grid(6, 8, 3)
