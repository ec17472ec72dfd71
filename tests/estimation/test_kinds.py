"""Which kind of noise a picture is said to have, how sure that is, and what a method is told then."""

import io
import json
from dataclasses import asdict
from importlib import resources

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from nonloc.datasets import load
from nonloc.degradation import CameraNoise, Clip8, GaussianNoise, PoissonGaussian, parse
from nonloc.estimation.noise import CLEAN, estimate_any_noise, estimate_noise

Y, X = np.mgrid[:224, :224] / 224
SCENE = 0.15 + 0.35 * (np.hypot(Y - 0.5, X - 0.4) < 0.3) + 0.05 * np.sin(60 * X) * (Y > 0.8) + 0.4 * X


def shot(noise, clean=SCENE, clipped=True):
    rng = np.random.default_rng(0)
    noisy = noise.apply(np.atleast_3d(clean).transpose(2, 0, 1), rng)
    return (Clip8().apply(noisy, rng) if clipped else noisy).astype(np.float32)


def seen(noise, clean=SCENE, clipped=True):
    return estimate_any_noise(shot(noise, clean, clipped), step=1 / 255 if clipped else None)


@pytest.mark.parametrize("clipped", [False, True])
@pytest.mark.parametrize(
    ("noise", "kind"),
    [
        (GaussianNoise(25), "white"),
        (GaussianNoise(5), "white"),
        (GaussianNoise(0), "none"),
        (PoissonGaussian(0.25, 0), "poisson-gaussian"),
        (PoissonGaussian(0.03, 5), "poisson-gaussian"),
    ],
    ids=str,
)
def test_the_kind_is_the_one_that_was_added(noise, kind, clipped):
    found = seen(noise, clipped=clipped)
    assert found.kind == kind
    assert found.sure > 0.8
    assert found.low <= found.sigma <= found.high
    if kind != "none":
        assert found.sigma == pytest.approx(noise.noise.sigma, rel=0.1)


def test_the_file_of_a_camera_is_a_cameras_first():
    with resources.as_file(resources.files("nonloc") / "samples" / "harbour.png") as path, Image.open(path) as picture:
        clean = np.stack([gaussian_filter(plane / 255, 0.8) for plane in np.moveaxis(np.asarray(picture), -1, 0)])
    noise = gaussian_filter(np.random.default_rng(0).standard_normal(clean.shape[1:]), 0.7)
    noisy = np.clip(clean + 10 / 255 * noise / noise.std() * np.sqrt(clean / 0.5), 0, 1)  # it grows with the light, too
    file = io.BytesIO()
    Image.fromarray(np.rint(255 * np.moveaxis(noisy, 0, -1)).astype(np.uint8)).save(file, "JPEG", quality=90)
    pixels = np.moveaxis(np.asarray(Image.open(file)), -1, 0).astype(np.float32) / 255
    found = estimate_any_noise(pixels, step=1 / 255)
    assert found.kind == "camera"
    assert isinstance(found.told, CameraNoise)
    assert found.sure == found.confidence > 0.5


def test_what_a_method_is_told_reads_back():
    for noise in (PoissonGaussian(1 / 30, 5), GaussianNoise(17)):
        told = seen(noise).told
        assert type(told) is type(noise)
        assert parse(str(told)) == told


def test_one_level_of_shot_noise_is_that_of_middle_gray():
    found = seen(PoissonGaussian(0.1, 5))
    assert found.at(12) == GaussianNoise(12)
    assert found.sigma == pytest.approx(found.degradation.noise.sigma)
    assert "shot noise of gain 0.1" in str(found)


def test_white_noise_keeps_its_level_and_interval():
    pixels = shot(GaussianNoise(25))
    white, found = estimate_noise(pixels, step=1 / 255), estimate_any_noise(pixels, step=1 / 255)
    assert (found.sigma, found.low, found.high, str(found)) == (white.sigma, white.low, white.high, str(white))


def test_nothing_is_said_where_nothing_can_be_seen():
    found = estimate_any_noise(np.full((1, 3, 3), 0.5, np.float32))
    assert (found.kind, found.sure) == ("none", 0)


def test_all_of_it_is_json():
    told = json.loads(json.dumps(asdict(seen(PoissonGaussian(0.1, 5)))))
    assert told["shot"]["gain"] == pytest.approx(0.1, rel=0.1)


@pytest.mark.data
def test_white_noise_on_photographs_stays_white(data_root):
    for name in ("bsd68", "cbsd68"):
        for picture, sigma in zip(load(name, root=data_root)[::34], (10, 50), strict=True):
            clean = picture.pixels8("gray" if name == "bsd68" else None) / 255
            assert seen(GaussianNoise(sigma), clean).kind == "white"


@pytest.mark.data
def test_no_real_photograph_of_a_camera_is_said_to_have_shot_noise(data_root):
    for picture in load("polyu40", root=data_root)[::13]:
        pixels = np.moveaxis(picture.noisy8("rgb") / 255, -1, 0).astype(np.float32)
        found = estimate_any_noise(pixels, step=1 / 255)
        assert found.kind in ("camera", "none")
        assert (found.kind == "none") == (found.sigma < CLEAN)
