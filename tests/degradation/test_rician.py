"""Rician noise: its moments, and its text."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest, rice

from nonloc.degradation import GaussianNoise, Rician, parse, parse_fixed
from nonloc.errors import DegradationError


@pytest.mark.parametrize("x", [0.0, 0.02, 0.1, 0.8])
def test_samples_follow_the_rice_distribution(x):
    noise = Rician(10)
    found = noise.apply(np.full((200, 200), x), np.random.default_rng(0)) / noise.std
    assert kstest(found.ravel(), rice(x / noise.std).cdf).pvalue > 0.01


def test_no_signal_may_be_another_value_than_black():
    pixels = np.random.default_rng(1).random((9, 9))
    one, other = (Rician(10, z).apply(pixels + z, np.random.default_rng(0)) for z in (0, -0.3))
    np.testing.assert_allclose(other, one - 0.3, atol=1e-12)


def test_tensors_and_arrays_keep_their_kind():
    class Torch:
        def standard_normal(self, size):
            return torch.randn(size, generator=generator)

    generator = torch.Generator().manual_seed(0)
    out = Rician(10).apply(torch.zeros(1, 3, 4, 5), Torch())
    assert (out.dtype, out.shape) == (torch.float32, (1, 3, 4, 5))
    assert Rician(10).apply(np.zeros((4, 5), np.float32), np.random.default_rng(0)).dtype == np.float32


def test_the_text_reads_back():
    assert parse("rician:15") == Rician(15)
    assert str(parse("rician:15 + clip8")) == "rician:15 + clip8"
    assert str(parse("rician:15,-0.2")) == "rician:15,-0.2" == str(Rician(15, -0.2))
    assert parse_fixed("rician:15").noise == GaussianNoise(15)
    for text in ("rician:", "rician:15,", "rician:15,nan", "rician:-1", "rician:x", "rician:inf"):
        with pytest.raises(DegradationError, match="rician:15"):
            parse(text)
