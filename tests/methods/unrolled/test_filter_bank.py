"""Filters of mean 0 and norm 1, and an adjoint that is one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nonloc.methods.unrolled.filter_bank import PADDINGS, FilterBank, adjoint, correlate, dct_filters, pad, pad_adjoint

NUMPY = {"symmetric": "symmetric", "replicate": "edge", "circular": "wrap"}
sides = st.integers(1, 12)  # smaller than the filters, too


def inner(a, b):
    return float((a * b).sum())


@pytest.mark.parametrize("size", [3, 5, 7])
def test_the_basis_is_orthonormal_and_has_no_constant(size):
    basis = dct_filters(size)
    assert basis.shape == (size**2 - 1, 1, size, size)
    flat = basis.flatten(1)
    torch.testing.assert_close(flat @ flat.T, torch.eye(size**2 - 1), rtol=0, atol=1e-6)
    torch.testing.assert_close(flat.sum(1), torch.zeros(size**2 - 1), rtol=0, atol=1e-6)


def test_the_first_filters_vary_along_a_row():
    torch.testing.assert_close(dct_filters(5)[0, 0].diff(dim=0), torch.zeros(4, 5))


@given(size=st.sampled_from([3, 5]), filters=st.sampled_from([None, 2]), turning=st.sampled_from([1, 4]))
def test_any_mixture_has_mean_0_and_norm_1(size, filters, turning):
    bank = FilterBank(size, filters, turning)
    torch.testing.assert_close(bank(), bank.basis[: bank.count])
    torch.nn.init.normal_(bank.mixing)
    found = bank().flatten(1)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(bank.count))
    torch.testing.assert_close(found.mean(1), torch.zeros(bank.count), rtol=0, atol=1e-6)


@given(height=sides, width=sides, rim=st.integers(0, 14), padding=st.sampled_from(PADDINGS))
def test_padding_is_numpys(height, width, rim, padding):
    x = torch.randn(2, 1, height, width)
    wanted = np.pad(x.numpy(), [(0, 0), (0, 0), (rim, rim), (rim, rim)], mode=NUMPY[padding])
    np.testing.assert_array_equal(pad(x, rim, padding).numpy(), wanted)


@given(height=sides, width=sides, rim=st.integers(0, 14), padding=st.sampled_from(PADDINGS))
def test_the_adjoint_of_padding_is_its_adjoint(height, width, rim, padding):
    x = torch.randn(2, 1, height, width, dtype=torch.float64)
    y = torch.randn(2, 1, height + 2 * rim, width + 2 * rim, dtype=torch.float64)
    assert inner(pad(x, rim, padding), y) == pytest.approx(inner(x, pad_adjoint(y, rim, padding)), abs=1e-10)


@given(height=sides, width=sides, size=st.sampled_from([3, 5, 7]), padding=st.sampled_from(PADDINGS))
def test_the_adjoint_of_correlation_is_its_adjoint(height, width, size, padding):
    filters = torch.randn(4, 1, size, size, dtype=torch.float64)
    x = torch.randn(2, 1, height, width, dtype=torch.float64)
    z = torch.randn(2, 4, height, width, dtype=torch.float64)
    left, right = inner(correlate(x, filters, padding), z), inner(x, adjoint(z, filters, padding))
    assert left == pytest.approx(right, abs=1e-9)


def test_an_unknown_padding_is_refused():
    with pytest.raises(ValueError, match="mirror"):
        pad(torch.zeros(1, 1, 2, 2), 1, "mirror")
