"""Monte Carlo SURE: the forecast meets the truth, and says nothing where it cannot."""

import math

import numpy as np
import pytest

import nonloc
from nonloc.datasets import load
from nonloc.degradation import CameraNoise, GaussianNoise, MotionBlur, PoissonGaussian, Sequence
from nonloc.engine import Plan, run
from nonloc.errors import UnknownMethod
from nonloc.estimation.forecast import best_of, forecast, noise_in
from nonloc.image.image import Image
from nonloc.methods.registry import card
from nonloc.testing import sample
from nonloc.verbs.options import Options


def truth(plan: Plan, noisy: Image, clean: np.ndarray) -> float:
    return -10 * math.log10(float(np.square(np.asarray(run(plan, noisy)[0].samples) - clean).mean()))


@pytest.mark.parametrize("method", ["gaussian", "nl-means", "total-variation", "nonloc-s"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_forecast_is_near_the_truth(method, channels):
    clean, noisy = (sample(128, 128, channels, sigma=s) for s in (0, 25))
    plan = Plan(method, GaussianNoise(25))
    found = forecast(plan, noisy)
    assert found.psnr == pytest.approx(truth(plan, noisy, clean.samples), abs=max(0.2, 2 * found.error))
    assert 0 < found.error < 2.5


def test_shot_noise_is_forecast_by_its_own_variance():
    clean = sample(160, 160, 1, sigma=0).samples
    noise = PoissonGaussian(0.02, 3)
    noisy = Image(noise.apply(clean, np.random.default_rng(0)).astype(np.float32), 1.0)
    plan = Plan("nl-means", noise)
    assert noise_in(Sequence((noise,))) == noise
    assert forecast(plan, noisy).psnr == pytest.approx(truth(plan, noisy, clean), abs=0.5)


def test_doing_nothing_is_forecast_as_what_it_is():
    found = forecast(Plan("gaussian", GaussianNoise(25), strength=0.0), sample(128, 128, sigma=25))
    assert found.psnr == pytest.approx(20 * math.log10(255 / 25), abs=0.3)


@pytest.mark.parametrize("damage", [None, CameraNoise(8), Sequence((MotionBlur(5), GaussianNoise(2)))])
def test_it_says_why_where_it_says_nothing(damage):
    found = forecast(Plan("gaussian", damage), sample(64, 64))
    assert found.psnr is None
    assert found.why_not in str(found)


def test_the_better_of_two_is_taken():
    noisy = sample(128, 128, sigma=25)
    plans = [Plan(name, GaussianNoise(25)) for name in ("gaussian", "nonloc-s", "median")]
    chosen, found = best_of(plans, noisy)
    assert chosen == 1
    assert found[1].psnr > found[0].psnr


def test_users_get_it_in_the_report_and_restore_takes_the_best():
    noisy = sample(96, 96, 1, sigma=25).samples
    _, record = nonloc.denoise(noisy, sigma=25, method="nl-means", options=Options(forecast=True), return_report=True)
    assert 20 < record.forecast[0] < 40
    assert "expected PSNR" in str(record)
    _, record = nonloc.restore(noisy, best=True, return_report=True)
    assert "best forecast of" in record.reason
    assert len(record.considered) >= 3


@pytest.mark.data
def test_photographs_are_forecast_within_a_third_of_a_decibel(data_root):
    apart = []
    for sigma in (15, 50):
        for picture in load("bsd32val", root=data_root)[:2]:
            clean = picture.pixels8("gray") / 255
            noise = np.random.default_rng(0).standard_normal(clean.shape)
            noisy = Image((clean + sigma / 255 * noise).astype(np.float32), 1.0)
            plan = Plan("nonloc-s", GaussianNoise(sigma))
            apart.append(abs(forecast(plan, noisy).psnr - truth(plan, noisy, clean)))
    assert np.mean(apart) < 0.3


def test_within_a_budget_the_best_of_what_fits_it_is_taken():
    rng = np.random.default_rng(1)
    clean = np.kron(rng.uniform(0.2, 0.8, (8, 8)), np.ones((16, 16)))
    noisy = (clean + rng.normal(0, 25 / 255, clean.shape)).astype(np.float32)
    _, record = nonloc.restore(noisy, options=Options(budget=0.5), return_report=True)
    assert card(record.method).seconds_per_mp <= 0.5
    assert "forecast" in record.reason
    tried = {line.split(":")[0] for line in record.considered}
    assert {"nl-means", "wavelet"} <= tried
    assert "bm3d" not in tried
    _, record = nonloc.denoise(noisy, options=Options(budget=0.5), return_report=True)
    assert card(record.method).seconds_per_mp <= 0.5
    with pytest.raises(UnknownMethod, match=r"within 0\.001 s"):
        nonloc.restore(noisy, options=Options(budget=0.001))
