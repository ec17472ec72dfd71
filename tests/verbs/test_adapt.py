"""Noise that grows with the light, from a picture or a user's words to the plan that removes it."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow

import nonloc
from nonloc import testing
from nonloc.degradation import CameraNoise, GaussianNoise, PoissonGaussian, Rician
from nonloc.engine import run
from nonloc.errors import UsageError
from nonloc.image.image import Image
from nonloc.verbs.denoise import plan_denoise
from nonloc.verbs.estimate import estimate_picture
from nonloc.verbs.levels import read_noise, read_sigma

NOISE = PoissonGaussian(0.05, 5)


def clean(channels=1):
    return testing.sample(150, 170, channels, sigma=0).samples.astype(np.float64)


def noisy(noise=NOISE, channels=1):
    return Image(noise.apply(clean(channels), np.random.default_rng(0)).astype(np.float32), scale=1.0)


def error(picture, channels=1):
    return float(np.sqrt(np.mean((np.asarray(picture.samples) - clean(channels)) ** 2)))


@pytest.mark.parametrize("channels", [1, 3])
def test_shot_noise_is_seen_and_the_plan_says_what_is_done_and_why(channels):
    restored, record = nonloc.restore(noisy(channels=channels), return_report=True)
    told = str(record)
    assert "shot noise of gain 0.0" in record.diagnosis
    assert record.degradation.startswith("poisson-gaussian:0.0")
    assert record.method == "nonloc-s"
    assert "on stabilised variance" in record.title
    assert "the noise grows with the light" in record.reason
    assert record.reason in told
    # as one that is told the level on middle gray
    single = nonloc.denoise(noisy(channels=channels), sigma=GaussianNoise(NOISE.noise.sigma))
    assert error(restored, channels) < error(single, channels)


def test_few_counts_are_told_as_a_map_where_the_method_can_be_told_one():
    noise = PoissonGaussian(0.25, 0)
    for method, words in (("nonloc-s", "a map of its level"), ("bm3d", "made the same everywhere")):
        plan, _ = plan_denoise(noisy(noise), noise, method)
        assert words in plan.reason
        assert plan.reason.startswith("asked for")


@pytest.mark.parametrize("given", [NOISE, "poisson-gaussian:0.05,5", " poisson-gaussian:0.05,5 "])
def test_the_noise_can_be_given_as_an_object_or_in_words(given):
    plan, record = plan_denoise(noisy(), given, "bm3d")
    assert plan.degradation == NOISE
    assert record.diagnosis.startswith("poisson-gaussian:0.05,5 given (estimated")
    assert read_sigma(given, noisy()) == NOISE.noise.sigma


def test_camera_noise_and_levels_can_be_given_in_words_too():
    assert read_noise("camera:8") == CameraNoise(8)
    assert plan_denoise(noisy(), "gaussian:20", "bm3d")[0].degradation == GaussianNoise(20)
    assert read_noise("25") is read_noise(25) is read_noise("auto") is read_noise(None) is None


@pytest.mark.parametrize(
    "wrong", ["poisson-gaussian:much", "poisson-gaussian:0.1..0.2,3", "gausian:5", "gaussian:5 + clip8", "clip8:"]
)
def test_words_that_name_no_one_noise_are_refused(wrong):
    with pytest.raises(UsageError, match="sigma"):
        nonloc.denoise(noisy(), sigma=wrong)


def test_a_level_that_is_given_is_white_noise_whatever_the_picture_looks_like():
    plan, record = plan_denoise(noisy(), 25)
    assert plan.degradation == GaussianNoise(25)
    assert plan.method == "nonloc-s"
    assert "shot noise" in record.diagnosis


def test_nothing_of_nothing_is_left_as_it_is():
    assert plan_denoise(noisy(), PoissonGaussian(0, 0))[0] is None


def test_a_gray_method_takes_colour_channel_by_channel():
    picture = noisy(channels=3)
    plan, _ = plan_denoise(picture, NOISE, "nlrn-fast")
    restored, record = run(plan, picture)
    assert "each of the 3 channels" in record.fallbacks[0]
    assert error(restored, 3) < 0.6 * error(picture, 3)


def test_methods_are_compared_on_shot_noise_of_any_strength():
    noise = PoissonGaussian(0.25, 10)  # stronger on middle gray than bm3d and nl-means know
    assert noise.noise.sigma > 75
    picture, truth = (
        Image(np.rint(255 * np.clip(samples, 0, 1)).astype(np.uint8), scale=1 / 255)
        for samples in (noisy(noise).samples, clean())
    )
    found = nonloc.compare(picture, sigma=noise, reference=truth)
    assert found.sigma == noise.noise.sigma
    assert {"nonloc-s", "bm3d", "nl-means"} <= {entry.method for entry in found.entries}
    assert all(entry.psnr > 15 for entry in found.entries)


def jpeg(sigma, quality):
    file = io.BytesIO()
    samples = np.clip(testing.sample(150, 170, 3, sigma=sigma).samples * 255, 0, 255).round().astype(np.uint8)
    Pillow.fromarray(samples).save(file, "JPEG", quality=quality)
    return nonloc.read(file.getvalue())


def test_the_quality_of_a_jpeg_is_told_by_estimate_and_restore():
    picture = jpeg(15, 85)
    found = nonloc.estimate(picture)
    assert found.jpeg.quality == 85
    assert str(found).endswith("JPEG of quality 85, chroma halved")
    assert found.noise == estimate_picture(picture)
    assert found.sigma == found.noise.sigma
    assert found.as_dict()["kind"] == found.noise.kind
    assert "JPEG of quality 85" in nonloc.restore(picture, return_report=True)[1].diagnosis
    assert nonloc.estimate(noisy()).jpeg is None


def test_noise_of_a_magnitude_is_removed_without_its_bias():
    clean = np.where(np.indices((96, 96)).sum(0) < 96, 0.3, 0.7).astype(np.float32)
    noise = Rician(30)
    noisy = noise.apply(clean[None], np.random.default_rng(0))[0].astype(np.float32)
    out, record = nonloc.denoise(noisy, sigma="rician:30", method="nl-means", return_report=True)
    assert "magnitude" in record.reason
    dark = np.indices((96, 96)).sum(0) < 80
    assert abs(float((out - clean)[dark].mean())) < abs(float((noisy - clean)[dark].mean())) / 2
