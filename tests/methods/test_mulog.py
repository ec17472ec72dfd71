"""Methods on speckle: white noise on logarithms, and a mean that is that of the picture."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.optimize import minimize_scalar

from nonloc.degradation import GaussianNoise, Speckle
from nonloc.engine import Plan, run
from nonloc.image.image import Image
from nonloc.methods import mulog
from nonloc.methods.mulog import despeckled, proximal, steps
from nonloc.methods.registry import create
from nonloc.methods.speckle import SpeckleStabiliser


def clean(height=96, width=112):
    y, x = np.mgrid[:height, :width]
    picture = 0.15 + 0.3 * x / width + 0.3 * (np.hypot(y - 40, x - 50) < 25) - 0.1 * (y > 70)
    return picture.astype(np.float32)[None, None]


def noisy(noise, seed=0, shape=(96, 112)):
    return noise.apply(clean(*shape), np.random.default_rng(seed))


def error(out, truth):
    return float(np.sqrt(np.mean((np.asarray(out) - truth) ** 2)))


@pytest.mark.parametrize("looks", [1, 1.5, 4, 16])
@pytest.mark.parametrize("amplitude", [False, True])
@pytest.mark.parametrize("levels", [(0, 75), (25, 25)])
def test_noise_of_logarithms_is_of_the_level_that_is_told_and_the_inverse_has_no_bias(looks, amplitude, levels):
    noise = Speckle(looks, amplitude, zero=-0.2)
    log = SpeckleStabiliser(noise, levels)
    for signal in (0.05, 0.3, 0.9):
        stable = log.forward(noise.apply(np.full((400, 400), signal - 0.2), np.random.default_rng(0)))
        assert abs(stable.std() * 255 / log.sigma - 1) < 0.02
        assert abs(log.inverse(stable.mean()) + 0.2 - signal) < 0.01 * signal
        alone = log.inverse(log.forward(np.array([signal - 0.2]))) + 0.2
        np.testing.assert_allclose(alone, signal * np.exp(-log.bias / (2 if amplitude else 1)))
    assert levels[0] <= log.sigma <= levels[1]


def test_nothing_and_less_than_nothing_stay_finite():
    noise = Speckle(1)
    assert np.isfinite(SpeckleStabiliser(noise, (0, 75)).forward(np.array([-1.0, 0, 1e-30, 1]))).all()
    method = despeckled(create("gaussian", channels=1), noise)
    for pixels in (np.zeros((1, 1, 9, 8)), np.full((1, 1, 9, 8), -0.1), np.pad(np.ones((1, 1, 4, 4)), 20)):
        out = method.restore(pixels.astype(np.float32), noise)
        assert np.isfinite(out).all()
        assert out.min() > -1e-3


@pytest.mark.parametrize("looks", [0.7, 1.0, 4.0])
def test_the_proximal_step_has_the_least_cost(looks):
    rng = np.random.default_rng(0)
    y, z, beta = rng.normal(-1, 2, 20), rng.normal(-1, 1, 20), 1.3
    found = proximal(y + 0.5, z, y, looks, beta)
    for i in range(20):
        cost = lambda x, i=i: beta / 2 * (x - z[i]) ** 2 + looks * (x + np.exp(y[i] - x))  # noqa: E731
        assert abs(found[i] - minimize_scalar(cost, bracket=(found[i] - 1, found[i] + 1)).x) < 1e-5


@pytest.mark.parametrize("looks", [1, 4, 16])
@pytest.mark.parametrize("amplitude", [False, True])
def test_speckle_goes_and_the_mean_stays(looks, amplitude):
    noise = Speckle(looks, amplitude)
    method = create("bm3d", channels=1, sigma=25)
    pixels = noisy(noise)
    out = despeckled(method, noise).restore(pixels, noise)
    assert error(out, clean()) < 0.35 * error(pixels, clean())
    power = 2 if amplitude else 1
    around = [gaussian_filter(p[0, 0].astype(float) ** power, 10) for p in (out, pixels)]
    assert np.abs(around[0] / around[1] - 1).max() < 0.04  # in every neighbourhood
    assert abs((out.astype(float) ** power).mean() / (pixels.astype(float) ** power).mean() - 1) < 0.01


def test_few_looks_are_asked_several_times_and_that_brings_something():
    assert [steps(Speckle(looks)) for looks in (1, 4, 5, 16)] == [mulog.STEPS, mulog.STEPS, 1, 1]
    noise, method = Speckle(1), create("bm3d", channels=1, sigma=75)
    several, once = despeckled(method, noise), despeckled(method, Speckle(16))
    truth, seeds = clean(), range(3)
    errors = [[error(m.restore(noisy(noise, s), noise), truth) for s in seeds] for m in (several, once)]
    assert np.mean(errors[0]) < 0.95 * np.mean(errors[1])


def test_other_noise_is_left_to_the_method_inside():
    method = create("bm3d", channels=1, sigma=25)
    pixels = clean()[..., :32, :32]
    np.testing.assert_array_equal(
        despeckled(method, Speckle(1)).restore(pixels, GaussianNoise(25)), method.restore(pixels, GaussianNoise(25))
    )


@pytest.mark.parametrize(("name", "looks", "side"), [("nonloc-s", 1, 136), ("nl-means", 2, 64), ("nl-means", 9, 64)])
def test_tiles_leave_no_trace(name, looks, side):
    noise = Speckle(looks)
    picture = Image(noisy(noise, shape=(64, 550))[0, 0], scale=1.0)
    method = despeckled(create(name, channels=1, sigma=50), noise)
    whole, tiled = (run(Plan(method, noise, tile=tile), picture)[0].samples for tile in (None, side))
    np.testing.assert_allclose(tiled, whole, atol=2e-5)


def test_colour_is_restored_by_a_network_and_stays_as_it_was_made():
    import torch

    noise = Speckle(3)
    pixels = np.concatenate([noisy(noise, seed) for seed in range(3)], 1)
    method = despeckled(create("nonloc-s", channels=3, sigma=25), noise)
    with torch.no_grad():
        out = method.restore(torch.from_numpy(pixels), noise)
    assert (out.dtype, out.shape) == (torch.float32, pixels.shape)
    assert error(out.numpy(), clean()) < 0.3 * error(pixels, clean())
