"""Variance stabilisation: white noise for the method, no bias for the user."""

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import poisson as counts_of

from nonloc.degradation import Degradation, GaussianNoise
from nonloc.degradation.poisson_gaussian import PoissonGaussian
from nonloc.engine import Plan, run
from nonloc.errors import UsageError
from nonloc.image.image import Image
from nonloc.methods.base import ArrayMethod
from nonloc.methods.registry import card, create
from nonloc.methods.stabilise import Stabiliser, adapted, expected_anscombe, stabilised
from nonloc.testing import sample

NOISES = [PoissonGaussian(*both) for both in ((0.25, 0), (0.25, 5), (0.1, 10), (1 / 30, 5), (0.001, 5), (1e-6, 20))]
SIGNALS = np.array([0.02, 0.1, 0.3, 0.6, 1.0])


class Mean(ArrayMethod):
    """An ideal denoiser of a flat picture; it keeps what it was told."""

    def restore(self, pixels, degradation):
        self.told = degradation
        return np.broadcast_to(pixels.mean((2, 3), keepdims=True), pixels.shape).astype(pixels.dtype)


@pytest.mark.parametrize("noise", NOISES, ids=str)
def test_what_comes_back_has_no_bias(noise):
    for signal in SIGNALS:
        noisy = noise.apply(np.full((1, 1, 400, 500), signal), np.random.default_rng(3))
        restored = stabilised(Mean(card("median"))).restore(noisy, noise)
        sure = (noise.variance(np.array(signal)) / noisy.size) ** 0.5
        assert restored.mean() == pytest.approx(signal, abs=4 * sure)


@pytest.mark.parametrize("noise", NOISES[1:], ids=str)
def test_the_method_inside_sees_the_level_that_it_is_told(noise):
    stabiliser = Stabiliser(noise)
    for signal in SIGNALS[4 * noise.gain < SIGNALS]:  # fewer counts cannot be stabilised
        noisy = noise.apply(np.full(200_000, signal), np.random.default_rng(4))
        assert 255 * stabiliser.forward(noisy).std() == pytest.approx(stabiliser.sigma, rel=0.04)


@pytest.mark.parametrize("read", [0.0, 0.3, 2.0])
def test_the_expectation_equals_its_definition(read):
    x, k = np.array([0.0, 0.2, 1.5, 8.0, 40.0]), np.arange(200)
    n = np.linspace(-9, 9, 4001)
    weight = norm.pdf(n) / norm.pdf(n).sum()
    definition = [
        sum(
            counts_of.pmf(i, one) * (weight * 2 * np.sqrt(np.maximum(i + read * n + 3 / 8 + read**2, 0))).sum()
            for i in k
            if counts_of.pmf(i, one) > 1e-15
        )
        for one in x
    ]
    np.testing.assert_allclose(expected_anscombe(x, read), definition, atol=5e-5)


def test_the_inverse_joins_its_closed_form_without_a_step():
    stabiliser = Stabiliser(PoissonGaussian(1 / 80, 4))  # white is 80 counts, the table ends at 60
    signal = stabiliser.inverse(np.linspace(stabiliser.forward(np.array(0.6)), stabiliser.forward(np.array(0.9)), 9999))
    steps = np.diff(signal)
    assert steps.min() > 0
    assert steps.max() < 2 * np.median(steps)


@pytest.mark.parametrize("levels", [(25.0, 25.0), (0.0, 50.0), (60.0, 75.0)])
def test_the_level_is_one_that_the_method_allows(levels):
    stabiliser = Stabiliser(PoissonGaussian(0.1, 5), levels)
    noisy = PoissonGaussian(0.1, 5).apply(np.full(200_000, 0.7), np.random.default_rng(5))
    assert levels[0] <= stabiliser.sigma <= levels[1]
    assert 255 * stabiliser.forward(noisy).std() == pytest.approx(stabiliser.sigma, rel=0.04)
    assert stabiliser.inverse(np.array(stabiliser.forward(noisy).mean())) == pytest.approx(0.7, abs=0.003)


def test_other_noise_goes_to_the_method_as_it_is():
    inside = Mean(card("median"))
    pixels = np.random.default_rng(6).random((1, 1, 8, 8)).astype(np.float32)
    restored = stabilised(inside).restore(pixels, GaussianNoise(25))
    assert inside.told == GaussianNoise(25)
    np.testing.assert_array_equal(restored, inside.restore(pixels, GaussianNoise(25)))


def test_a_method_that_measures_whole_pictures_is_refused():
    class Measuring(Mean):
        def measure(self, pixels, degradation) -> Degradation | None:
            return degradation

    with pytest.raises(UsageError, match="measures the whole picture"):
        stabilised(Measuring(card("median")))


def shot(noise, channels=1):
    clean = np.atleast_3d(sample(120, 150, channels, sigma=0).samples).astype(np.float64)
    return clean, Image(noise.apply(clean, np.random.default_rng(7)).astype(np.float32), scale=1.0)


def error(image, clean):
    return float(np.sqrt(np.mean((np.atleast_3d(image.samples) - clean) ** 2)))


@pytest.mark.parametrize("name", ["bm3d", "nonloc-s"])
@pytest.mark.parametrize("gain", [0.05, 0.25])
def test_shot_noise_is_removed_better_than_as_white_noise(name, gain):
    noise = PoissonGaussian(gain, 3)
    clean, noisy = shot(noise)
    method = create(name, channels=1, sigma=25)
    adapted_to_it = run(Plan(adapted(method, noise), noise), noisy)[0]
    one_level = run(Plan(method, GaussianNoise(min(noise.noise.sigma, 75))), noisy)[0]
    assert error(adapted_to_it, clean) < 0.98 * error(one_level, clean)


@pytest.mark.parametrize(("gain", "channels"), [(0.05, 1), (0.25, 3)])
def test_tiles_leave_no_trace(gain, channels):
    noise = PoissonGaussian(gain, 3)
    clean = sample(140, 90, channels, sigma=0).samples
    noisy = Image(noise.apply(clean, np.random.default_rng(8)).astype(np.float32), scale=1.0)
    method = adapted(create("nonloc-s", channels=channels, sigma=25), noise)
    whole, tiled = (run(Plan(method, noise, tile=side, halo="exact"), noisy)[0].samples for side in (None, 64))
    np.testing.assert_allclose(tiled, whole, atol=1e-4)


def test_the_record_says_how_the_noise_was_taken():
    for gain, words in ((0.05, "stabilised"), (0.25, "noise map")):
        noise = PoissonGaussian(gain, 3)
        record = run(Plan(adapted(create("nonloc-s", channels=1, sigma=25), noise), noise), shot(noise)[1])[1]
        assert words in record.title
        assert record.degradation == str(noise)


def test_a_network_that_knows_one_level_for_all_places_is_not_told_a_map():
    import torch

    from nonloc.methods.registry import method_class
    from nonloc.methods.stabilise import by_map

    made = {name: method_class(card(name))(card(name), None, torch.nn.Identity()) for name in ("ffdnet", "bm3d-net")}
    assert [by_map(method, PoissonGaussian(0.2, 0)) for method in made.values()] == [True, False]
