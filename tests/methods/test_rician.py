"""Methods on Rician noise: variance made the same, and a mean that is that of the signal."""

import numpy as np
import pytest

from nonloc.degradation import GaussianNoise, Rician
from nonloc.methods import rician
from nonloc.methods.registry import create
from nonloc.methods.rician import RicianStabiliser, unbiased


def noisy(x, number=200_000):
    rng = np.random.default_rng(0)
    return np.hypot(x + rng.standard_normal(number), rng.standard_normal(number))


@pytest.mark.parametrize("x", [0.0, 0.5, 1.0, 2.0, 5.0, 20.0])
def test_moments_are_those_of_samples(x):
    m = noisy(x)
    assert abs(m.mean() - rician.mean(np.array(x))) < 0.01
    assert abs(m.std() - rician.deviation(np.array(x))) < 0.01


@pytest.mark.parametrize("x", [0.0, 0.5, 1.0, 2.0, 5.0, 39.0, 41.0, 100.0])
def test_the_variance_is_the_same_everywhere_and_the_inverse_has_no_bias(x):
    stabiliser = RicianStabiliser(Rician(5), (0, 75))
    stable = stabiliser.forward(noisy(x) * 5 / 255)
    assert abs(stable.std() / (5 / 255) - 1) < 0.13
    assert abs(stabiliser.inverse(stable.mean()) / (5 / 255) - x) < (0.02 if x else 0.1)


def test_no_signal_may_be_another_value_than_black():
    pixels = noisy(1.0, 100) * 5 / 255
    for sigma in ((0, 75), (25, 25)):
        one, other = (RicianStabiliser(Rician(5, z), sigma) for z in (0.0, -0.3))
        np.testing.assert_allclose(other.forward(pixels - 0.3), one.forward(pixels), atol=1e-9)
        np.testing.assert_allclose(
            other.inverse(one.forward(pixels)), one.inverse(one.forward(pixels)) - 0.3, atol=1e-9
        )


def phantom():
    y, x = np.mgrid[-1:1:96j, -1:1:96j]
    clean = np.zeros((96, 96), np.float32)
    for radius, level in ((0.9, 0.8), (0.75, 0.35), (0.45, 0.15), (0.25, 0.6)):
        clean[x * x + y * y < radius**2] = level
    return clean


def inner(clean, level):
    """Pixels of one level, at least 3 from any other."""
    from scipy.ndimage import binary_erosion

    return binary_erosion(clean == np.float32(level), iterations=3)


def test_a_phantom_is_restored_without_the_bias_of_the_magnitude():
    clean, noise = phantom(), Rician(30)
    method = create("bm3d", channels=1, sigma=30)
    plain, better = [], []
    for seed in range(2):
        pixels = noise.apply(clean, np.random.default_rng(seed))[None, None]
        plain.append(method.restore(pixels, GaussianNoise(30))[0, 0])
        better.append(unbiased(method).restore(pixels, noise)[0, 0])
    for level in (0.0, 0.15, 0.35, 0.6, 0.8):
        where = inner(clean, level)
        bias = abs(np.mean(better, 0)[where].mean() - level)
        assert bias < 0.01
    assert np.mean(plain, 0)[inner(clean, 0.0)].mean() > 0.1
    assert np.mean((np.array(better) - clean) ** 2) < 0.5 * np.mean((np.array(plain) - clean) ** 2)


def test_other_noise_is_left_to_the_method_inside():
    method = create("bm3d", channels=1, sigma=25)
    pixels = phantom()[None, None, :32, :32]
    np.testing.assert_array_equal(
        unbiased(method).restore(pixels, GaussianNoise(25)), method.restore(pixels, GaussianNoise(25))
    )


def test_a_network_is_brought_back_as_the_array_methods_are():
    import torch

    from nonloc.methods.networks.conditional import ConditionalMethod

    method = create("nonloc-s", channels=1, sigma=15)
    assert isinstance(method, ConditionalMethod)
    clean, noise = phantom(), Rician(20)
    pixels = torch.from_numpy(noise.apply(clean, np.random.default_rng(0)))[None, None]
    with torch.no_grad():
        out = unbiased(method).restore(pixels, noise)
    assert (out.dtype, out.shape) == (pixels.dtype, pixels.shape)
    for level in (0.15, 0.35, 0.6, 0.8):
        assert abs(float(out[0, 0].numpy()[inner(clean, level)].mean()) - level) < 0.02
