"""Noise draws and input regimes."""

from zlib import crc32

import numpy as np
import pytest

from nonloc.benchmark.draws import Track, noisy, parse_tracks
from nonloc.benchmark.matlab4 import Matlab4
from nonloc.datasets import load
from nonloc.errors import UsageError
from nonloc.metrics import im2uint8, psnr, ssim

GRAY = np.random.default_rng(0).integers(0, 256, (37, 41), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (17, 23, 3), dtype=np.uint8)


def field(samples, track, sigma=255, name="a.png"):
    """The noise itself, in units of its standard deviation."""
    return noisy(samples, name, sigma, *parse_tracks(track)) - samples / 255


@pytest.mark.parametrize("samples", [GRAY, COLOUR])
def test_matlab4_is_made_in_float64_and_rounded_once(samples):
    planes = Matlab4().standard_normal((3, 17, 23) if samples.ndim == 3 else (37, 41))
    numbers = np.moveaxis(planes, 0, -1) if samples.ndim == 3 else planes
    expected = (samples / 255 + 25 / 255 * numbers).astype(np.float32)
    result = noisy(samples, "a.png", 25, Track("matlab4"))
    assert result.dtype == np.float32
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, expected)


def test_matlab4_is_the_same_for_all_pictures_of_a_size():
    np.testing.assert_array_equal(field(GRAY, "matlab4", name="a.png"), field(GRAY, "matlab4", name="b.png"))


@pytest.mark.parametrize("samples", [GRAY, COLOUR])
def test_numpy_draws_lie_in_memory_order_and_hang_on_seed_and_file_name(samples):
    expected = np.random.default_rng([3, crc32(b"a.png")]).standard_normal(samples.shape)
    np.testing.assert_allclose(field(samples, "numpy:3"), expected, atol=1e-6)
    assert abs(np.corrcoef(field(GRAY, "numpy:3").ravel(), field(GRAY, "numpy:3", name="b.png").ravel())[0, 1]) < 0.1
    assert abs(np.corrcoef(field(GRAY, "numpy:3").ravel(), field(GRAY, "numpy:4").ravel())[0, 1]) < 0.1


def test_numpy_legacy_is_the_scripts_call():
    np.random.seed(0)  # noqa: NPY002
    expected = COLOUR / 255 + np.random.normal(0, 25 / 255, COLOUR.shape)  # noqa: NPY002
    np.testing.assert_allclose(noisy(COLOUR, "a.png", 25, Track("numpy-legacy")), expected, atol=1e-6)


def test_truncated_noise_stays_within_two_and_is_smaller():
    noise = field(np.zeros((400, 500), np.uint8), "truncated")
    assert np.abs(noise).max() <= 2
    assert np.abs(noise).max() > 1.99
    assert noise.std() == pytest.approx(0.87963, abs=0.005)
    assert (noise == np.clip(noise, -1.999, 1.999)).mean() > 0.999  # drawn again, not clamped


def test_whole_gaussian_noise_has_its_tails():
    noise = field(np.zeros((1000, 1000), np.uint8), "numpy:0")
    assert noise.std() == pytest.approx(1, abs=0.005)
    assert ((noise / noise.std()) ** 4).mean() == pytest.approx(3, abs=0.1)
    assert np.abs(noise).max() > 3.5


def test_clip8_is_what_an_eight_bit_file_holds():
    result = noisy(GRAY, "a.png", 50, Track("matlab4"), "clip8")
    np.testing.assert_array_equal(
        result, (im2uint8(noisy(GRAY, "a.png", 50, Track("matlab4"))) / 255).astype(np.float32)
    )


def test_tracks_read_back_and_ranges_are_several():
    for text in ("matlab4", "numpy:7", "numpy-legacy", "truncated", "truncated:2"):
        assert [str(track) for track in parse_tracks(text)] == [text]
    assert [str(track) for track in parse_tracks("numpy:0..2")] == ["numpy:0", "numpy:1", "numpy:2"]


@pytest.mark.parametrize("text", ["matlab", "numpy", "numpy:", "numpy:x", "numpy:3..1", "matlab4:1", "numpy:1.5", ""])
def test_what_names_no_track_is_an_error(text):
    with pytest.raises(UsageError, match="no such draw"):
        parse_tracks(text)


@pytest.mark.data
def test_set12_image_01_at_sigma_25(data_root):
    picture = load("set12", root=data_root)[0]
    clean = picture.pixels8()
    damaged = noisy(clean, picture.path.name, 25, Track("matlab4"))
    assert psnr(clean / 255, damaged, data_range=1) == pytest.approx(20.1448, abs=1e-4)
    assert psnr(clean, im2uint8(damaged), data_range=255) == pytest.approx(20.5396, abs=1e-4)
    assert ssim(clean, im2uint8(damaged), data_range=255) == pytest.approx(0.34995965, abs=1e-8)


@pytest.mark.data
def test_five_bsd68_pictures_at_sigma_25(data_root):
    chosen = [p for p in load("bsd68", root=data_root) if p.name[-3:] in ("001", "016", "031", "046", "061")]
    scores = [
        psnr(p.pixels8(), im2uint8(noisy(p.pixels8(), p.path.name, 25, Track("matlab4"))), data_range=255)
        for p in chosen
    ]
    assert np.mean(scores) == pytest.approx(20.36, abs=0.005)
