import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nonloc.methods.filters.structuring import closing, dilate, element, erode, opening
from nonloc.methods.registry import card, create

planes = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(-1, 2, width=32))
elements = st.sampled_from(card("morphology").arguments["shape"].choices).map(element)


def shifted(plane, offsets, fill):
    """plane(x + b) for each offset b, with `fill` outside the picture."""
    r = int(np.abs(offsets).max())
    around = np.pad(plane, r, constant_values=fill)
    height, width = plane.shape
    return np.array([around[r + dy : r + dy + height, r + dx : r + dx + width] for dy, dx in offsets])


@given(planes, elements)
def test_erosion_and_dilation_equal_their_definitions(plane, offsets):
    np.testing.assert_array_equal(erode(plane, offsets), shifted(plane, offsets, np.inf).min(0))
    np.testing.assert_array_equal(dilate(plane, offsets), shifted(plane, -offsets, -np.inf).max(0))


@given(planes, elements)
def test_opening_lowers_closing_raises_and_twice_is_once(plane, offsets):
    opened, closed = opening(plane, offsets), closing(plane, offsets)
    assert (opened <= plane).all()
    assert (closed >= plane).all()
    np.testing.assert_array_equal(opening(opened, offsets), opened)
    np.testing.assert_array_equal(closing(closed, offsets), closed)
    np.testing.assert_array_equal(closed, -opening(-plane, -offsets))


@pytest.mark.parametrize("value", [0, 1])
def test_removes_lone_pixels_bright_or_dark(value):
    pixels = np.full((1, 1, 9, 9), 0.5, np.float32)
    pixels[0, 0, 4, 4] = value
    arguments = {"operation": "mean-of-orders", "shape": "disk-1"}
    assert (create("morphology", channels=1, arguments=arguments).restore(pixels, None) == 0.5).all()


def test_each_operation_is_the_one_it_names():
    pixels = np.random.default_rng(0).random((1, 1, 20, 20), dtype=np.float32)
    plane, offsets = pixels[0, 0], element("disk-1")
    expected = {
        "opening": opening(plane, offsets),
        "closing": closing(plane, offsets),
        "mean": (opening(plane, offsets) + closing(plane, offsets)) / 2,
        "mean-of-orders": (
            closing(opening(plane, offsets), offsets) + opening(closing(plane, offsets), offsets)
        ) / 2,
    }  # fmt: skip
    for operation, result in expected.items():
        method = create("morphology", channels=1, arguments={"operation": operation, "shape": "disk-1"})
        np.testing.assert_array_equal(method.restore(pixels, None)[0, 0], result)


def test_each_operation_reaches_as_far_as_the_halo_says():
    """Over all rows of eleven black and white pixels; gray pictures are stacks of such ones."""
    width, middle = 11, 5
    rows = ((np.arange(2**width)[:, None] >> np.arange(width)) & 1).astype(np.float32)
    for operation, reach in (("opening", 2), ("closing", 2), ("mean", 2), ("mean-of-orders", 4)):
        method = create("morphology", channels=1, arguments={"operation": operation, "shape": "disk-1"})
        out = method.restore(rows[:, None, None], None)[:, 0, 0, middle]
        moves = [(out != out[np.arange(len(rows)) ^ (1 << k)]).any() for k in range(width)]
        assert [k for k in range(width) if moves[k]] == list(range(middle - reach, middle + reach + 1))
    assert card("morphology").halo_exact == 4 * 5  # the largest element has a radius of 5
