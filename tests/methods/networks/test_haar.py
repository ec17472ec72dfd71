"""The Haar transform: undone by its inverse, orthonormal, and its sub-bands are what they are called."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from nonloc.methods.networks.haar import haar, inverse


@given(b=st.integers(1, 2), c=st.integers(1, 3), h=st.integers(1, 6), w=st.integers(1, 6), seed=st.integers(0, 99))
def test_it_is_undone_and_keeps_the_energy(b, c, h, w, seed):
    x = torch.randn(b, c, 2 * h, 2 * w, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    s = haar(x)
    assert s.shape == (b, 4 * c, h, w)
    torch.testing.assert_close(inverse(s), x)
    torch.testing.assert_close(s.square().sum(), x.square().sum())


def test_sub_bands_come_in_their_order_for_every_colour():
    x = torch.tensor([[1.0, 2.0], [4.0, 8.0]]).expand(1, 2, 2, 2) * torch.tensor([1.0, 10.0]).reshape(1, 2, 1, 1)
    # mean, bottom less top, right less left, diagonal: each of both colours
    expected = [15 / 2, 150 / 2, 9 / 2, 90 / 2, 5 / 2, 50 / 2, 3 / 2, 30 / 2]
    assert haar(x).flatten().tolist() == expected
