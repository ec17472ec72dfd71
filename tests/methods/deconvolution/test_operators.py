"""Forward operators: each with its adjoint, each data step against a dense solve, shrinking against `imresize`."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve

from nonloc.image.resize import resize
from nonloc.methods.deconvolution.operators import Blurred, BlurredAndSmaller, Masked, Mosaic, Operator, Within
from nonloc.methods.deconvolution.pnp_upscale import shrinking

SIDE = 12


def kernel(seed=0, size=5):
    values = np.random.default_rng(seed).random((size, size))  # not symmetric: a turned one would be seen
    return values / values.sum()


def mask(height, width, share=0.4):
    return torch.from_numpy(np.random.default_rng(1).random((height, width)) < share)


def operators():
    rim = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    rim[3:9, 2:10] = True
    small = torch.zeros(4, 4, dtype=torch.bool)
    small[1:3, 1:] = True
    return {
        "blurred": Blurred(kernel()),
        "blurred, kernel larger than the picture": Blurred(kernel(size=15)),
        "smaller by 2": BlurredAndSmaller(kernel(1, 7), 2),
        "smaller by 3": BlurredAndSmaller(kernel(2), 3),
        "masked": Masked(mask(SIDE, SIDE)),
        "mosaic": Mosaic("GBRG"),
        "blurred within": Within(Blurred(kernel(3)), rim, steps=150),
        "smaller within": Within(BlurredAndSmaller(kernel(4), 3), small, steps=150),
    }


def random(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def channels(operator):
    return 3 if isinstance(operator, Mosaic) else 1


def matrix(operator, count):
    """H, dense, its columns from single points (count, H, W)."""
    points = torch.eye(count * SIDE * SIDE, dtype=torch.float64).reshape(-1, count, SIDE, SIDE)
    return operator.forward(points).flatten(1).T


@pytest.mark.parametrize("name", operators())
def test_the_adjoint_is_one(name):
    operator = operators()[name]
    x = random(2, channels(operator), SIDE, SIDE)
    y = random(*operator.forward(x).shape, seed=1)
    forward, back = (operator.forward(x) * y).sum(), (x * operator.adjoint(y)).sum()
    torch.testing.assert_close(forward, back, rtol=0, atol=1e-10)


@pytest.mark.parametrize("alpha", [0.003, 0.5])
@pytest.mark.parametrize("name", operators())
def test_the_data_step_equals_a_dense_solve(name, alpha):
    operator = operators()[name]
    count = channels(operator)
    z = random(1, count, SIDE, SIDE)
    y = random(*operator.forward(z).shape, seed=1)
    h = matrix(operator, count)
    due = torch.linalg.solve(
        h.T @ h + alpha * torch.eye(h.shape[1], dtype=h.dtype), h.T @ y.flatten() + alpha * z.flatten()
    )
    torch.testing.assert_close(operator.nearest(y, z, alpha).flatten(), due, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in operators() if "within" not in name])
def test_the_inverse_equals_a_dense_solve(name):
    operator = operators()[name]
    count = channels(operator)
    h, v = matrix(operator, count), random(1, count, SIDE, SIDE)
    due = torch.linalg.solve(h.T @ h + 0.1 * torch.eye(h.shape[1], dtype=h.dtype), v.flatten())
    torch.testing.assert_close(operator.inverse(v, 0.1).flatten(), due, rtol=0, atol=1e-9)


def test_a_blur_is_a_convolution_that_wraps_around():
    x = random(1, 1, 9, 14)
    due = convolve(x[0, 0].numpy(), kernel(), mode="wrap")
    np.testing.assert_allclose(Blurred(kernel()).forward(x)[0, 0].numpy(), due, atol=1e-12)


@settings(max_examples=20)
@given(
    factor=st.sampled_from([2, 3, 4, 5]),
    method=st.sampled_from(["bicubic", "bilinear", "lanczos3"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_fewer_samples_are_those_of_imresize(factor, method, seed):
    x = random(1, 1, 12 * factor, 14 * factor, seed=seed)
    small = BlurredAndSmaller(shrinking(factor, method), factor).forward(x)
    due = resize(x, 1 / factor, method=method)
    rim = 4  # where one wraps around and the other mirrors
    inside = (..., slice(rim, -rim), slice(rim, -rim))
    torch.testing.assert_close(small[inside], due[inside], rtol=0, atol=1e-12)


def test_a_blur_before_is_part_of_the_kernel():
    x = random(1, 1, 48, 48)
    both = BlurredAndSmaller(shrinking(2, blur=kernel()), 2).forward(x)
    one = BlurredAndSmaller(shrinking(2), 2).forward(Blurred(kernel()).forward(x))
    torch.testing.assert_close(both, one, rtol=0, atol=1e-12)


def test_a_mosaic_sees_each_colour_at_its_places():
    light = torch.arange(3.0).reshape(1, 3, 1, 1).expand(1, 3, 4, 6)
    raw = Mosaic("GRBG").forward(light)[0, 0]
    assert raw[:2, :2].tolist() == [[1, 0], [2, 1]]
    torch.testing.assert_close(raw[2:, 4:], raw[:2, :2])


def test_channels_and_pictures_do_not_mix():
    """Conjugate gradients take steps of their own in each."""
    seen = mask(SIDE, SIDE, 0.7)
    operator = Within(Blurred(kernel()), seen, steps=3)
    y, z = random(2, 3, SIDE, SIDE), random(2, 3, SIDE, SIDE, seed=1)
    together = operator.nearest(y, z, 0.01)
    alone = operator.nearest(y[1:, 2:], z[1:, 2:], 0.01)
    torch.testing.assert_close(together[1:, 2:], alone, rtol=0, atol=1e-12)


def test_a_data_step_with_nothing_to_do_changes_nothing():
    operator, z = Within(Blurred(kernel()), torch.ones(SIDE, SIDE, dtype=torch.bool)), random(1, 1, SIDE, SIDE).float()
    torch.testing.assert_close(operator.nearest(operator.forward(z), z, 1e-4), z, rtol=0, atol=1e-5)
    zero = torch.zeros_like(z)
    assert (operator.nearest(zero, zero, 1e-4) == 0).all()


def test_an_operator_without_its_parts_says_so():
    with pytest.raises(TypeError, match="forward"):
        Operator().forward(random(1, 1, 2, 2))
