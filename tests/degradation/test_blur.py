"""Blurs: their kernels, and what they do to a picture."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import convolve

from nonloc.degradation import Defocus, GaussianBlur, KernelBlur, MotionBlur, TurnedGaussianBlur, parse, parse_fixed
from nonloc.errors import DegradationError

blurs = st.one_of(
    st.builds(MotionBlur, st.floats(1, 40), st.floats(-180, 180)),
    st.builds(GaussianBlur, st.floats(0.1, 6)),
    st.builds(Defocus, st.floats(0.3, 12)),
    st.builds(TurnedGaussianBlur, st.floats(0.2, 10), st.floats(0.2, 10), st.floats(0, 180)),
)


@given(blurs)
def test_a_kernel_is_odd_sums_to_one_and_keeps_a_point_in_its_place(blur):
    kernel = blur.kernel
    k = len(kernel)
    assert kernel.shape == (k, k)
    assert k % 2 == 1
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1)
    y, x = np.indices(kernel.shape) - k // 2
    assert abs((kernel * y).sum()) < 1e-9
    assert abs((kernel * x).sum()) < 1e-9


def test_kernels_have_the_size_that_their_numbers_say():
    level = MotionBlur(9).kernel
    assert np.allclose(level[4], 1 / 9)
    assert level[[0, 8]].sum() == 0
    upright = MotionBlur(9, 90).kernel
    assert np.allclose(upright, level.T)
    rising = MotionBlur(21, 45).kernel  # counter-clockwise: to the right and up
    assert rising[3, -4] > 0
    assert rising[3, 3] == 0
    _, x = np.indices(GaussianBlur(2).kernel.shape) - 8
    assert (GaussianBlur(2).kernel * x**2).sum() == pytest.approx(4, rel=0.01)
    _, x = np.indices(Defocus(5).kernel.shape) - 5
    assert (Defocus(5).kernel * x**2).sum() == pytest.approx(25 / 4, rel=0.03)  # of a disk: a quarter of its radius^2


def test_a_turned_gaussian_has_its_variances_along_its_own_axes():
    kernel = TurnedGaussianBlur(4, 0.5, 45).kernel
    y, x = np.indices(kernel.shape) - 7
    assert (kernel * (x - y) ** 2).sum() / 2 == pytest.approx(4, rel=0.02)  # up and to the right
    assert (kernel * (x + y) ** 2).sum() / 2 == pytest.approx(0.5, rel=0.02)
    any_of_them = parse("turned-gaussian-blur:0.1..10")
    drawn = [any_of_them.sample(np.random.default_rng(seed)) for seed in range(100)]
    assert all(0.1 <= one.narrow <= one.wide <= 10 for one in drawn)
    assert str(any_of_them) == "turned-gaussian-blur:0.1..10"


@given(blurs, st.integers(20, 40), st.integers(20, 40))
def test_a_picture_is_convolved_with_mirrored_borders(blur, height, width):
    picture = np.random.default_rng(0).random((2, height, width))
    if blur.radius > 20:
        return
    expected = [convolve(plane, blur.kernel, mode="reflect") for plane in picture]
    assert np.allclose(blur.apply(picture), expected, atol=1e-10)
    assert np.allclose(blur.apply(torch.from_numpy(picture)).numpy(), expected, atol=1e-10)


def test_any_array_can_be_a_kernel_and_nonsense_is_refused():
    made = KernelBlur(np.array([[0, 2], [2, 4]]))
    assert made.kernel.shape == (3, 3)
    assert made.kernel.sum() == 1
    for wrong in (np.zeros((3, 3)), -np.ones((3, 3)), np.full((3, 3), np.nan), np.ones(5)):
        with pytest.raises(DegradationError, match="no kernel"):
            KernelBlur(wrong)


@pytest.mark.parametrize(
    "text",
    ["motion:15,30", "gaussian-blur:1.6", "defocus:3.5", "turned-gaussian-blur:4,1,30", "motion:15,30 + gaussian:2"],
)
def test_a_blur_reads_back(text):
    found = parse_fixed(text)
    assert str(found) == text
    assert found.blur is not None


@pytest.mark.parametrize("text", ["motion:", "motion:0", "motion:3,4,5", "defocus:-2", "gaussian-blur:x"])
def test_a_wrong_blur_is_told(text):
    with pytest.raises(DegradationError):
        parse_fixed(text)
