import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nonloc.methods.filters.median import median
from nonloc.methods.filters.structuring import disk, element, square
from nonloc.methods.registry import card, create

planes = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(-1, 2, width=32))
neighbourhoods = st.sampled_from(card("median").arguments["neighbourhood"].choices)


@given(planes, neighbourhoods)
def test_equals_its_definition(plane, name):
    offsets = element(name)
    r = np.abs(offsets).max()
    around = np.pad(plane, r, mode="symmetric")
    height, width = plane.shape
    neighbours = [around[r + dy : r + dy + height, r + dx : r + dx + width] for dy, dx in offsets]
    np.testing.assert_array_equal(median(plane, offsets), np.median(neighbours, axis=0))


def test_removes_a_lone_dead_pixel():
    pixels = np.full((1, 1, 5, 5), 0.5, np.float32)
    pixels[0, 0, 2, 2] = 1
    assert (create("median", channels=1).restore(pixels, None) == 0.5).all()


def test_keeps_a_straight_edge():
    pixels = np.zeros((1, 1, 12, 12), np.float32)
    pixels[..., 6:] = 1
    arguments = {"neighbourhood": "disk-3"}
    np.testing.assert_array_equal(create("median", channels=1, arguments=arguments).restore(pixels, None), pixels)


def test_takes_away_impulses_on_a_tenth_of_a_picture():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:60, :80]
    clean = (0.5 + 0.3 * np.sin(x / 9) * np.cos(y / 7)).astype(np.float32)
    hit = rng.random(clean.shape) < 0.1
    pixels = np.where(hit, rng.integers(0, 2, clean.shape), clean).astype(np.float32)
    restored = create("median", channels=1).restore(pixels[None, None], None)[0, 0]
    assert np.mean((restored - clean) ** 2) < 0.01 * np.mean((pixels - clean) ** 2)


def test_neighbourhoods_are_what_their_names_say():
    assert [len(disk(r)) for r in (1, 2, 3)] == [5, 13, 29]
    assert len(square(5)) == 25
    assert disk(2).mean() == 0
