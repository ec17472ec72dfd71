import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from nonloc.methods.filters.area_opening import area_opening
from nonloc.methods.registry import card, create

# few levels, so that there are flat zones
planes = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
)


def definition(u, area):
    """Level by level: a pixel keeps the level if it lies in a connected set of that many pixels as bright."""
    out = np.full_like(u, u.min())
    for level in np.unique(u):
        labels, _ = ndimage.label(u >= level, np.ones((3, 3)))
        large = np.bincount(labels.ravel()) >= area
        large[0] = False
        out[large[labels]] = level
    return out


@given(planes, st.integers(1, 20))
def test_equals_its_definition(u, area):
    np.testing.assert_array_equal(area_opening(u, area), definition(u, area))


@given(arrays(np.float32, (7, 8), elements=st.floats(-1, 2, width=32)), st.integers(2, 9))
def test_equals_its_definition_on_any_values(u, area):
    np.testing.assert_array_equal(area_opening(u, area), definition(u, area))


def test_specks_go_and_a_thin_line_stays():
    pixels = np.full((1, 1, 30, 30), 0.5, np.float32)
    pixels[0, 0, np.arange(20), np.arange(20)] = 1  # a slanted line, 20 pixels long
    pixels[0, 0, 25:27, 5:8] = 1
    pixels[0, 0, 5:7, 24:27] = 0
    expected = np.full_like(pixels, 0.5)
    expected[0, 0, np.arange(20), np.arange(20)] = 1
    np.testing.assert_array_equal(create("area-opening", channels=1).restore(pixels, None), expected)


def test_only_the_specks_asked_for_go():
    pixels = np.full((1, 1, 9, 9), 0.5, np.float32)
    pixels[0, 0, 2, 2], pixels[0, 0, 6, 6] = 1, 0
    for specks, kept in (("bright", (6, 6)), ("dark", (2, 2))):
        restored = create("area-opening", channels=1, arguments={"specks": specks}).restore(pixels, None)[0, 0]
        assert np.argwhere(restored != 0.5).tolist() == [list(kept)]


def test_it_reaches_as_far_as_the_halo_says():
    """Over all rows of eleven black and white pixels; gray pictures are stacks of such ones."""
    width, middle = 11, 5
    rows = ((np.arange(2**width)[:, None] >> np.arange(width)) & 1).astype(np.float32)
    for area in (2, 3):
        out = create("area-opening", channels=1, arguments={"area": area}).restore(rows[:, None, None], None)
        out, reach = out[:, 0, 0, middle], 2 * (area - 1)
        moves = [(out != out[np.arange(len(rows)) ^ (1 << k)]).any() for k in range(width)]
        assert not any(moves[: middle - reach] + moves[middle + reach + 1 :])
        assert moves[middle - reach] or area == 2
    assert card("area-opening").halo_exact == 2 * (card("area-opening").arguments["area"].range[1] - 1)
