import numpy as np
import pytest

from nonloc import testing
from nonloc.image.read import read
from nonloc.methods.damage.destripe import SCALES, passed, stripes
from nonloc.methods.registry import create


def scene(height=160, width=200):
    """Gray (1, 1, H, W): a slope, a disk, a bright bar over half the height, and noise."""
    y, x = np.mgrid[:height, :width]
    clean = 0.3 + 0.3 * x / width + 0.2 * (np.hypot(y - 70, x - 60) < 40) + 0.3 * ((abs(x - 150) < 4) & (y > 80))
    return (clean + 0.01 * np.random.default_rng(9).standard_normal(clean.shape)).astype(np.float32)[None, None]


def offsets(width, sigma=10, seed=0):
    return (sigma / 255 * np.random.default_rng(seed).standard_normal(width)).astype(np.float32)


def psnr(a, b):
    return -10 * np.log10(np.mean((a - b) ** 2) + 1e-12)


def test_stripes_of_either_direction_or_both_are_found_and_taken_away():
    clean = scene()
    columns, rows = offsets(200), offsets(160, seed=1)[:, None]
    for planted in (columns, rows, columns + rows):
        out = create("destripe", channels=1).restore(clean + planted, None)
        assert psnr(out, clean) > psnr(clean + planted, clean) + 6
    given = create("destripe", channels=1, arguments={"direction": "rows"}).restore(clean + columns, None)
    np.testing.assert_allclose(given, clean + columns, atol=2e-3)  # only rows were to be touched


def test_turning_the_picture_turns_what_comes_out():
    striped = scene() + offsets(200)
    columns, rows = (create("destripe", channels=1, arguments={"direction": d}) for d in ("columns", "rows"))
    turned = np.ascontiguousarray(striped.swapaxes(2, 3))
    np.testing.assert_allclose(rows.restore(turned, None).swapaxes(2, 3), columns.restore(striped, None), atol=1e-6)


def test_every_channel_has_stripes_of_its_own():
    clean = np.repeat(scene(), 3, 1)
    planted = np.stack([offsets(200, seed=s) for s in range(3)])[None, :, None]
    planted[:, 2] = 0
    out = create("destripe", channels=3).restore(clean + planted, None)
    for channel in (0, 1):
        assert psnr(out[:, channel], clean[:, channel]) > psnr(planted[:, channel], 0) + 6
    np.testing.assert_array_equal(out[:, 2], clean[:, 2])


@pytest.mark.parametrize("sigma", [0, 20])
def test_a_picture_without_stripes_stays_as_it_is(sigma):
    pixels = scene() + sigma / 255 * np.random.default_rng(0).standard_normal((1, 1, 160, 200)).astype(np.float32)
    np.testing.assert_array_equal(create("destripe", channels=1).restore(pixels, None), pixels)
    even = np.full((1, 1, 40, 50), 0.5, np.float32)
    np.testing.assert_array_equal(create("destripe", channels=1).restore(even, None), even)


def test_an_even_picture_has_only_stripes():
    b = offsets(400)
    out = create("destripe", channels=1).restore(np.full((1, 1, 64, 400), 0.5, np.float32) + b, None)
    assert psnr(out, 0.5) > psnr(b, 0) + 10


def test_too_small_a_picture_is_left_alone():
    for size in ((1, 1), (3, 200), (200, 3)):
        pixels = testing.sample(*size).samples[None, None]
        np.testing.assert_array_equal(create("destripe", channels=1).restore(pixels, None), pixels)
    assert not stripes(np.zeros((5, 9), np.float32)).any()


def test_the_part_of_white_noise_that_smoothing_leaves_is_that_of_samples():
    from scipy.ndimage import gaussian_filter1d

    noise = np.random.default_rng(0).standard_normal(200_000)
    for scale in SCALES[:3]:
        assert abs((noise - gaussian_filter1d(noise, scale)).var() / passed(scale) - 1) < 0.02


@pytest.mark.data
def test_photographs_lose_planted_stripes_and_nothing_else(data_root):
    paths = sorted((data_root / "train" / "bsd32val").glob("*.*g"))
    method, gains = create("destripe", channels=1), []
    for i, path in enumerate(paths[::2]):
        clean = read(path).pixels().mean(0)[None, None]
        assert psnr(method.restore(clean, None), clean) > 50
        striped = clean + offsets(clean.shape[3], seed=i)
        gains.append(psnr(method.restore(striped, None), clean) - psnr(striped, clean))
    assert np.mean(gains) > 9
    assert min(gains) > 5
