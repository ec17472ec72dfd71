"""Cutting and padding."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nonloc.engine.tiles import count, pad, tiles

sides = st.integers(1, 60)


@given(sides, sides, st.one_of(st.none(), st.integers(1, 70)), st.integers(0, 20), st.sampled_from([1, 2, 3, 8]))
def test_cores_cover_each_pixel_once(height, width, side, halo, grid):
    seen = np.zeros((height, width), int)
    pieces = list(tiles(height, width, side, halo, grid))
    for tile in pieces:
        seen[tile.core] += 1
        block = np.zeros(tile.shape)
        assert block[tile.inner].shape == seen[tile.core].shape
    assert (seen == 1).all()
    assert count(height, width, side, grid) == len(pieces)


@given(sides, sides, st.integers(1, 30), st.integers(0, 20), st.sampled_from([1, 2, 3, 8]))
def test_halos_reach_as_far_as_they_must_and_begin_on_the_grid(height, width, side, halo, grid):
    for tile in tiles(height, width, side, halo, grid):
        for core, read, length in zip(tile.core, tile.read, (height, width), strict=True):
            assert core.start - read.start >= min(halo, core.start)
            assert read.stop - core.stop >= min(halo, length - core.stop)
            assert read.start % grid == 0
            assert core.start % grid == 0


@given(
    arrays(np.float32, st.tuples(st.integers(1, 2), sides, sides), elements=st.floats(0, 1, width=32)),
    st.sampled_from([1, 2, 8]),
    st.integers(1, 70),
)
def test_padding_mirrors_and_keeps_the_picture(pixels, multiple, minimum):
    out = pad(pixels, multiple, minimum)
    height, width = pixels.shape[-2:]
    np.testing.assert_array_equal(out[..., :height, :width], pixels)
    for side in out.shape[-2:]:
        assert side % multiple == 0
        assert side >= minimum
    if out.shape[-1] > width:
        np.testing.assert_array_equal(out[..., :height, width], pixels[..., width - 1])
