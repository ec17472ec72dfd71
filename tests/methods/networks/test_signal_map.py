"""A network told a map of the noise: what it is told, and that the picture it gives back is the user's own."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from nonloc.degradation import GaussianNoise
from nonloc.degradation.poisson_gaussian import PoissonGaussian
from nonloc.methods.networks.conditional import ConditionalMethod
from nonloc.methods.networks.signal_map import RADIUS, REACH, level_map, mapped, smooth
from nonloc.methods.registry import card

STRONGEST = 75 / 255


class Listening(torch.nn.Module):
    """Gives the picture back, and keeps what it was told."""

    def forward(self, y, std):
        self.seen, self.told = y, std
        return y


def listening():
    method = mapped(ConditionalMethod(card("nonloc-s"), module=Listening()))
    return method, method.module


def pictures(seed, shape):
    return torch.from_numpy(np.random.default_rng(seed).random(shape)).float()


sides = st.integers(1, 20)  # smaller than the reach, too


@given(st.integers(0, 99), st.sampled_from([1, 3]), sides, sides)
def test_smoothing_equals_its_definition(seed, channels, height, width):
    pixels = pictures(seed, (2, channels, height, width))
    definition = gaussian_filter(
        pixels.numpy().astype(np.float64), (0, 0, RADIUS, RADIUS), mode="nearest", truncate=REACH / RADIUS
    )
    np.testing.assert_allclose(smooth(pixels).numpy(), definition, atol=1e-5)


@pytest.mark.parametrize("noise", [PoissonGaussian(0.25, 0), PoissonGaussian(0.02, 10)], ids=str)
def test_on_a_flat_picture_the_map_is_the_level_of_the_noise(noise):
    for signal in (0.0, 0.1, 0.9):
        told = level_map(torch.full((1, 3, 9, 12), signal), noise)
        assert told.shape == (1, 1, 9, 12)
        np.testing.assert_allclose(told, noise.variance(np.array(signal)) ** 0.5, rtol=1e-5, atol=1e-7)


def test_each_place_is_told_its_own_level():
    noise = PoissonGaussian(0.05, 2)
    pixels = torch.cat([torch.full((1, 1, 16, 20), signal) for signal in (0.1, 0.8)], 3)
    method, module = listening()
    method.restore(pixels, noise)
    for column, signal in ((4, 0.1), (35, 0.8)):
        level = float(noise.variance(np.array(signal))) ** 0.5
        np.testing.assert_allclose(module.told[..., column], level, rtol=1e-4)
    torch.testing.assert_close(module.seen, pixels)


@pytest.mark.parametrize("gain", [0.02, 0.25, 1.0])
def test_no_level_is_told_that_the_network_does_not_know(gain):
    noise = PoissonGaussian(gain, 20)
    pixels = torch.from_numpy(noise.apply(np.full((1, 1, 40, 40), 0.9), np.random.default_rng(0))).float()
    method, module = listening()
    restored = method.restore(pixels, noise)
    assert module.told.max() <= STRONGEST + 1e-6
    # told and seen on one scale: the contrast that the picture has lost is lost by the level, too
    contrast = float(module.seen.std() / pixels.std())
    wanted = (contrast * level_map(pixels, noise)).clip(max=STRONGEST)
    np.testing.assert_allclose(module.told, wanted, rtol=1e-4)
    torch.testing.assert_close(restored, pixels, atol=1e-5, rtol=0)


def test_other_noise_is_told_as_one_level():
    method, module = listening()
    method.restore(pictures(0, (1, 1, 8, 8)), GaussianNoise(25))
    assert module.told == pytest.approx(25 / 255)


def test_a_pixel_sees_as_far_as_the_card_says():
    inside = card("nonloc-s")
    method, _ = listening()
    assert method.card.halo_exact == inside.halo_exact + REACH
    assert method.card.halo_8bit == inside.halo_8bit + REACH
    pixels = torch.full((1, 1, 31, 31), 0.5)
    before = level_map(pixels, PoissonGaussian(0.1, 0))
    pixels[..., 15, 15] = 0.9
    rows, columns = torch.nonzero((level_map(pixels, PoissonGaussian(0.1, 0)) != before)[0, 0], as_tuple=True)
    assert int(max((rows - 15).abs().max(), (columns - 15).abs().max())) == REACH
    assert "noise map" in method.card.title
