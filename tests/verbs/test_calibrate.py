"""A level chosen by the noisy picture alone is the one that the clean picture would choose."""

import numpy as np
import pytest

import nonloc
from nonloc import testing
from nonloc.degradation import GaussianNoise, PoissonGaussian
from nonloc.errors import CardError, UsageError

LEVELS = [20 * 1.15**i for i in range(12)]  # 20 to 93


def clean(side=96, channels=1):
    return testing.sample(side, side, channels, sigma=0).samples


def noisy(noise, side=96, channels=1, seed=0):
    return noise.apply(clean(side, channels).astype(np.float64), np.random.default_rng(seed)).astype(np.float32)


def squared_error(picture, truth):
    return float(np.mean((picture - truth) ** 2))


@pytest.mark.parametrize("method", ["gaussian", "nl-means", pytest.param("bm3d", marks=pytest.mark.slow)])
@pytest.mark.parametrize("photons", [10, 30])
def test_on_shot_noise_the_level_is_within_15_percent_of_the_best(method, photons):
    picture = noisy(PoissonGaussian(1 / photons))
    found = nonloc.calibrate(picture, method, sigma=LEVELS, data_range=(0, 1))
    restored = [nonloc.denoise(picture, method=method, sigma=level, data_range=(0, 1)) for level in LEVELS]
    best = LEVELS[int(np.argmin([squared_error(one, clean()) for one in restored]))]
    assert 1 / 1.151 < found.sigma / best < 1.151


def test_the_loss_is_the_error_that_nobody_can_see_and_the_noise():
    noise = PoissonGaussian(0.05)
    picture = noisy(noise)
    found = nonloc.calibrate(picture, "gaussian", sigma=[15, 30, 60], data_range=(0, 1))
    variance = float(noise.variance(clean()).mean())
    for trial in found.tried:
        restored = nonloc.denoise(picture, method="gaussian", sigma=trial.sigma, data_range=(0, 1))
        assert trial.loss == pytest.approx(squared_error(restored, clean()) + variance, rel=0.1)
    assert found.loss == min(trial.loss for trial in found.tried)


def test_an_argument_of_the_method_can_be_chosen():
    picture = noisy(GaussianNoise(30))
    widths = [0.2, 0.6, 1.0, 1.6, 3.0]
    found = nonloc.calibrate(picture, "gaussian", arguments={"width": widths})
    restored = {w: nonloc.denoise(picture, method="gaussian", arguments={"width": w}) for w in widths}
    best = min(widths, key=lambda w: squared_error(restored[w], clean()))
    assert found.arguments == {"width": best}
    assert found.sigma is None
    again = nonloc.denoise(picture, method=found.method, sigma=found.sigma, arguments=found.arguments)
    np.testing.assert_array_equal(again, restored[best])


def test_without_levels_those_around_the_estimated_one_are_tried():
    found = nonloc.calibrate(noisy(GaussianNoise(25), 64, 3), "gaussian")
    tried = [trial.sigma for trial in found.tried]
    assert len(tried) >= 15
    assert tried[0] < 12 < 50 < tried[-1]
    assert tried[0] < found.sigma < tried[-1]


def test_levels_and_arguments_are_tried_in_every_combination():
    found = nonloc.calibrate(noisy(GaussianNoise(25), 48), "nl-means", sigma=[20, 30], arguments={"patch": [3, 5]})
    assert [(t.sigma, t.arguments["patch"]) for t in found.tried] == [(20, 3), (20, 5), (30, 3), (30, 5)]


@pytest.mark.parametrize(
    ("method", "given", "error", "words"),
    [
        ("zs-n2n", {}, UsageError, "nothing to choose from"),
        ("sr-fast", {"sigma": [5]}, UsageError, "upscale"),
        ("gaussian", {"arguments": {"colour": [1]}}, CardError, "no such argument"),
        ("gaussian", {"sigma": []}, UsageError, "nothing to choose from"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_in_words(method, given, error, words):
    with pytest.raises(error, match=words):
        nonloc.calibrate(noisy(GaussianNoise(25), 48), method, **given)
