"""Mixtures of Gaussians: the table equals the definition, gradients are right, and the potential is their integral."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nonloc.methods.unrolled.radial_basis import RadialBasis, mixture, potential


def drawn(channels=3, first=-310, last=310, step=10, width=10, seed=0, **options):
    torch.manual_seed(seed)
    functions = RadialBasis(channels, range(first, last + 1, step), width, **options)
    torch.nn.init.uniform_(functions.weights, -1, 1)
    return functions


def definition(functions, v):
    clipped = v.clamp(functions.low, functions.high)
    return mixture(clipped, functions.weights, functions.centres.to(v), functions.width)


@given(
    channels=st.integers(1, 4),
    shape=st.sampled_from([(1, 1), (5, 3), (7,), ()]),
    grid=st.sampled_from([(-310, 310, 10, 10), (-260, 260, 10, 10), (-100, 100, 4, 4), (0, 6, 3, 2)]),
    spread=st.sampled_from([1, 30, 400]),
    seed=st.integers(0, 1000),
)
def test_the_table_equals_the_definition(channels, shape, grid, spread, seed):
    functions = drawn(channels, *grid, seed=seed)
    v = spread * torch.randn(2, channels, *shape)
    found = functions(v)
    torch.testing.assert_close(found, definition(functions, v), rtol=0, atol=1e-3)
    with torch.no_grad():  # another way through
        torch.testing.assert_close(functions(v), found, rtol=0, atol=0)


def test_gradients_equal_those_of_the_definition():
    functions = drawn()
    v = (60 * torch.randn(2, 3, 9, 7)).requires_grad_()
    pull = torch.randn_like(v)
    ours = torch.autograd.grad((functions(v) * pull).sum(), (v, functions.weights))
    theirs = torch.autograd.grad((definition(functions, v) * pull).sum(), (v, functions.weights))
    torch.testing.assert_close(ours[0], theirs[0], rtol=0, atol=3e-2 * float(theirs[0].abs().max()))
    torch.testing.assert_close(ours[1], theirs[1], rtol=0, atol=1e-2)


def test_gradients_are_exactly_those_of_the_interpolated_table():
    functions = drawn(2, -20, 20, 10).double()
    v = (15 * torch.randn(1, 2, 4, dtype=torch.float64)).requires_grad_()

    def value(argument, weights):
        return torch.func.functional_call(functions, {"weights": weights}, (argument,))

    # steps too small to leave a cell of the table
    assert torch.autograd.gradcheck(value, (v, functions.weights), eps=1e-7, atol=1e-5)


def test_a_clipped_argument_keeps_its_value_and_has_no_gradient():
    functions = drawn(1, low=-50, high=40)
    v = torch.tensor([[[-900.0, -50.0, 40.0, 41.0, 900.0]]], requires_grad=True)
    found = functions(v)
    torch.testing.assert_close(found[0, 0, 0], found[0, 0, 1])
    torch.testing.assert_close(found[0, 0, 3:], found[0, 0, 2].expand(2))
    found.sum().backward()
    assert v.grad[0, 0].tolist()[0] == 0
    assert v.grad[0, 0].tolist()[3:] == [0, 0]


def test_the_mixture_is_the_derivative_of_the_potential():
    functions = drawn().double()
    v = (100 * torch.randn(1, 3, 50, dtype=torch.float64)).requires_grad_()
    args = (functions.weights.detach(), functions.centres, functions.width)
    (slope,) = torch.autograd.grad(potential(v, *args).sum(), v)
    torch.testing.assert_close(slope, mixture(v.detach(), *args))
    torch.testing.assert_close(potential(torch.zeros_like(v), *args), torch.zeros_like(v))


def test_fitted_to_a_function_it_follows_it():
    functions = RadialBasis(2, range(-260, 261, 10), 10)
    functions.fit(lambda v: v)
    v = torch.linspace(-100, 100, 200).expand(1, 2, -1)
    torch.testing.assert_close(functions(v), v, rtol=0, atol=0.3)


def test_half_precision_around_it_costs_nothing():
    functions = drawn()
    v = 100 * torch.randn(1, 3, 20)
    with torch.autocast("cpu", torch.bfloat16):
        found = functions(v)
    torch.testing.assert_close(found, functions(v), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_only_the_weights_are_stored(dtype):
    functions = drawn().to(dtype)
    assert list(functions.state_dict()) == ["weights"]
    assert functions(torch.zeros(1, 3, 2, dtype=dtype)).dtype == dtype
