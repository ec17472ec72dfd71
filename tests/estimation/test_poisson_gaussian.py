"""The estimate of shot and read noise: known answers, and when it must not see any."""

import zlib

import numpy as np
import pytest

from nonloc.datasets import load
from nonloc.degradation import Clip8, GaussianNoise
from nonloc.degradation.poisson_gaussian import PoissonGaussian
from nonloc.errors import ImageError
from nonloc.estimation.clipped_counts import moments, through
from nonloc.estimation.clipping import Ends
from nonloc.estimation.poisson_gaussian import estimate_poisson_gaussian

BOTH = Ends(True, True, 0.1)


def scene(channels=1, size=224):
    """Flat parts of several brightnesses, edges and texture."""
    y, x = np.mgrid[:size, :size] / size
    shapes = 0.15 + 0.35 * (np.hypot(y - 0.5, x - 0.4) < 0.3) + 0.05 * np.sin(60 * x) * (y > 0.8) + 0.4 * x
    return np.stack([shapes * (1 - 0.2 * channel) for channel in range(channels)])


def shot(noise, clean, clipped=False, seed=0):
    rng = np.random.default_rng(seed)
    noisy = noise.apply(clean, rng)
    return (Clip8().apply(noisy, rng) if clipped else noisy).astype(np.float32)


@pytest.mark.parametrize(("gain", "channels"), [(0.25, 1), (0.03, 1), (0.002, 1), (0.03, 3)])
@pytest.mark.parametrize("read", [0, 4])
def test_gain_and_read_noise_are_found(gain, read, channels):
    found = estimate_poisson_gaussian(shot(PoissonGaussian(gain, read), scene(channels)))
    assert found.signal_dependent
    assert found.confidence > 0.8
    assert found.gain == pytest.approx(gain, rel=0.1)
    assert found.gain_range[0] <= gain <= found.gain_range[1]
    assert found.sigma_range[0] <= read <= found.sigma_range[1]
    assert found.degradation == PoissonGaussian(found.gain, found.sigma)
    assert len(found.channels) == channels


@pytest.mark.parametrize("gain", [0.25, 0.1, 0.02])
def test_clipping_to_8_bits_does_not_lower_the_gain(gain):
    pixels = shot(PoissonGaussian(gain, 4), scene(), clipped=True)
    assert estimate_poisson_gaussian(pixels, step=1 / 255).gain == pytest.approx(gain, rel=0.15)


def test_counts_without_read_noise_are_not_taken_for_clipped_read_noise():
    middling = np.broadcast_to(np.linspace(0.3, 0.75, 224), (1, 224, 224))  # nothing dark, where the two would differ
    found = estimate_poisson_gaussian(shot(PoissonGaussian(0.25, 0), middling, clipped=True), step=1 / 255)
    assert found.gain == pytest.approx(0.25, rel=0.08)
    assert found.sigma < 5


@pytest.mark.parametrize("clipped", [False, True])
@pytest.mark.parametrize("sigma", [0, 2, 10, 25, 75])
def test_white_noise_is_not_called_signal_dependent(sigma, clipped):
    pixels = shot(GaussianNoise(sigma), scene(), clipped)
    found = estimate_poisson_gaussian(pixels, step=1 / 255 if clipped else None)
    assert not found.signal_dependent
    assert found.confidence > 0.5
    assert isinstance(found.degradation, GaussianNoise)
    assert found.level == pytest.approx(sigma, rel=0.06, abs=0.6)


def test_each_channel_has_its_own_figures():
    clean = scene(3)
    noises = [PoissonGaussian(0.01, 2), PoissonGaussian(0.04, 2), PoissonGaussian(0.02, 2)]
    pixels = np.concatenate([shot(n, c[None], seed=i) for i, (n, c) in enumerate(zip(noises, clean, strict=True))])
    found = estimate_poisson_gaussian(pixels)
    for one, noise in zip(found.channels, noises, strict=True):
        assert one.gain == pytest.approx(noise.gain, rel=0.12)
    assert 0.01 < found.gain < 0.04


def test_gray_saved_as_colour_is_one_channel():
    gray = shot(PoissonGaussian(0.02, 3), scene())
    found = estimate_poisson_gaussian(np.repeat(gray, 3, 0))
    assert len(found.channels) == 1
    assert found.gain == estimate_poisson_gaussian(gray).gain


def test_a_hole_in_the_picture_changes_little():
    pixels = shot(PoissonGaussian(0.1, 4), scene(), clipped=True)
    pixels[:, 50:60, 70:90] = np.nan
    assert estimate_poisson_gaussian(pixels, step=1 / 255).gain == pytest.approx(0.1, rel=0.15)


@pytest.mark.parametrize("shape", [(1, 0, 5), (1, 1, 1), (1, 8, 8), (3, 5, 40)])
def test_too_little_to_tell_is_told(shape):
    found = estimate_poisson_gaussian(np.random.default_rng(0).random(shape).astype(np.float32))
    assert not found.signal_dependent
    assert found.confidence == 0


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_constant_picture_tells_nothing(value):
    assert not estimate_poisson_gaussian(np.full((1, 64, 64), value, np.float32)).signal_dependent


def test_another_number_of_axes_is_refused():
    with pytest.raises(ImageError, match="shape"):
        estimate_poisson_gaussian(np.zeros((4, 4), np.float32))


@pytest.mark.parametrize(
    "noise", [PoissonGaussian(0.25, 0), PoissonGaussian(0.1, 8), PoissonGaussian(0.004, 12)], ids=str
)
def test_the_moments_after_clipping_are_those_of_clipped_samples(noise):
    signal = np.array([0.02, 0.3, 0.7, 1.0])
    samples = noise.apply(np.repeat(signal[:, None], 300_000, 1), np.random.default_rng(1)).clip(0, 1)
    mean, variance, black = moments(signal, noise, BOTH)
    np.testing.assert_allclose(mean, samples.mean(1), atol=0.002)
    np.testing.assert_allclose(variance, samples.var(1), rtol=0.02, atol=1e-5)
    np.testing.assert_allclose(black, (samples < 0.5 / 255).mean(1), atol=0.01)


def test_without_clipping_all_of_the_variance_is_seen():
    seen = through(PoissonGaussian(0.1, 5), Ends(False, False, 0.0))
    mean = np.linspace(0, 1, 5)
    np.testing.assert_allclose(seen.variance(mean), PoissonGaussian(0.1, 5).variance(mean))
    np.testing.assert_array_equal(seen.left(mean), 1)


@pytest.mark.data
@pytest.mark.parametrize("peak", [4, 10, 30])
def test_the_gain_of_photographs_is_found_within_ten_percent(data_root, peak):
    errors = []
    for picture in load("bsd32val", root=data_root)[::8]:
        clean = picture.pixels8("gray")[None] / 255
        found = estimate_poisson_gaussian(
            shot(PoissonGaussian(1 / peak, 5), clean, seed=zlib.crc32(picture.name.encode()))
        )
        assert found.signal_dependent
        errors.append(abs(found.gain * peak - 1))
    assert np.mean(errors) < 0.1
