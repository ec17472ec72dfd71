"""Resizing by the rules of MATLAB's imresize: against a plain loop, and against the figures of the literature."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonloc.errors import UsageError
from nonloc.image.resize import KERNELS, resize


def by_loop(pixels, scale, method, antialias=True):
    """The rule, one sample after another, rounded after each axis where the samples are whole numbers."""
    kernel, width = KERNELS[method]
    for axis in (0, 1):
        length = pixels.shape[axis]
        out_length = math.ceil(round(scale * length, 9))
        shrink = scale if antialias and scale < 1 and method != "nearest" else 1
        lines = []
        for x in range(1, out_length + 1):
            u = x / scale + 0.5 * (1 - 1 / scale)
            left = math.floor(u - width / shrink / 2)
            indices = range(left, left + math.ceil(width / shrink) + 2)
            shares = [float(shrink * kernel(np.array(shrink * (u - index)))) for index in indices]
            line = 0.0
            for index, share in zip(indices, shares, strict=True):
                place = (index - 1) % (2 * length)
                place = place if place < length else 2 * length - 1 - place
                line = line + share / sum(shares) * np.take(pixels, place, axis).astype(float)
            lines.append(line)
        out = np.stack(lines, axis)
        pixels = np.floor(np.clip(out, 0, 255) + 0.5).astype(np.uint8) if pixels.dtype == np.uint8 else out
    return pixels


@given(
    st.integers(3, 19),
    st.integers(3, 19),
    st.sampled_from([0.25, 1 / 3, 0.37, 0.5, 0.8, 1.5, 2, 2.7, 3, 4]),
    st.sampled_from(sorted(KERNELS)),
    st.booleans(),
    st.integers(0, 1000),
)
def test_no_sample_differs_from_the_loop(height, width, scale, method, antialias, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    np.testing.assert_array_equal(
        resize(pixels, scale, method=method, antialias=antialias), by_loop(pixels, scale, method, antialias)
    )


@given(st.integers(4, 20), st.integers(4, 20), st.sampled_from([0.4, 0.5, 2, 3.3]), st.sampled_from(sorted(KERNELS)))
def test_tensors_and_arrays_of_floats_agree_and_are_not_clipped(height, width, scale, method):
    import torch

    pixels = np.random.default_rng(height * width).standard_normal((height, width, 3)) * 3
    expected = resize(pixels, scale, method=method)
    np.testing.assert_allclose(expected[..., 1], by_loop(pixels[..., 1], scale, method), atol=1e-12)
    found = resize(torch.from_numpy(pixels.transpose(2, 0, 1)), scale, method=method)
    np.testing.assert_allclose(found.numpy().transpose(1, 2, 0), expected, atol=1e-12)
    assert abs(expected).max() > 1


def test_gradients_are_those_of_a_linear_map():
    import torch

    x = torch.randn(1, 1, 7, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: resize(t, 1.7), (x,))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_a_flat_picture_stays_flat_and_keeps_its_kind(dtype):
    for scale in (0.3, 0.5, 2, 3.7):
        out = resize(np.full((11, 14, 3), 200, dtype), scale)
        assert out.dtype == dtype
        np.testing.assert_allclose(out, 200, rtol=1e-6)
    assert resize(np.zeros((10, 11), dtype), size=(7, 30)).shape == (7, 30)


def test_the_axis_that_shrinks_most_goes_first():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30)).astype(np.uint8)
    both = resize(pixels, (0.5, 0.3))
    np.testing.assert_array_equal(both, resize(resize(pixels, (1, 0.3)), (0.5, 1)))
    assert (both != resize(resize(pixels, (0.5, 1)), (1, 0.3))).any()


@pytest.mark.parametrize(
    "asked", [{}, {"scale": 0}, {"scale": -1}, {"scale": math.nan}, {"scale": 2, "method": "cubic"}]
)
def test_senseless_sizes_and_methods_are_told(asked):
    with pytest.raises(UsageError):
        resize(np.zeros((8, 8)), **asked)


@pytest.mark.data
@pytest.mark.parametrize(("factor", "expected"), [(2, 33.66), (3, 30.39), (4, 28.42)])
def test_set5_has_the_figures_of_the_literature(data_root, factor, expected):
    from nonloc.datasets import load

    scores = []
    for picture in load("set5"):
        rgb = picture.pixels8("rgb").astype(float)
        height, width = (side // factor * factor for side in rgb.shape[:2])
        y = np.floor(16.5 + rgb[:height, :width] @ [65.481, 128.553, 24.966] / 255)
        back = np.floor(np.clip(resize(resize(y, 1 / factor), factor), 0, 255) + 0.5)
        error = (back - y)[factor:-factor, factor:-factor]
        scores.append(10 * np.log10(255**2 / np.mean(error**2)))
    assert np.mean(scores) == pytest.approx(expected, abs=0.01)
