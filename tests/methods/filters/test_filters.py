"""What every plain filter and non-local means promise."""

import numba
import numpy as np
import pytest

from nonloc.datasets import load
from nonloc.degradation import Clip8, GaussianNoise
from nonloc.engine import Plan, run
from nonloc.errors import UsageError
from nonloc.image.image import Image
from nonloc.methods.registry import card, create
from nonloc.metrics.psnr import im2uint8, psnr

NEEDS_SIGMA = ("gaussian", "bilateral", "wiener", "wavelet", "total-variation", "anisotropic-diffusion", "nl-means")
NEEDS_NOTHING = ("median", "morphology", "top-hat", "area-opening")
ALL = NEEDS_SIGMA + NEEDS_NOTHING
DENOISERS = (*NEEDS_SIGMA, "median", "morphology")
# the arguments with which each sees farthest: the halo on its card is for them
FARTHEST = {
    "gaussian": {"width": 4.0},
    "bilateral": {"width": 6.0, "tolerance": 20.0},
    "wiener": {"window": 15},
    "wavelet": {"window": 33},
    "total-variation": {"steps": 100, "weight": 5.0},
    "anisotropic-diffusion": {"steps": 40, "edge": 10.0},
    "nl-means": {"window": 35, "patch": 11, "h": 3.0},
    "median": {"neighbourhood": "disk-5"},
    "morphology": {"operation": "mean-of-orders", "shape": "disk-5"},
    "top-hat": {"radius": 50},
    "area-opening": {"area": 64},
}
# PSNR of four pictures of BSD68 in gray, noise of NumPy's generator with seeds 0 to 3
FIGURES = {
    "gaussian": {15: 28.98, 25: 26.89, 50: 24.62},
    "median": {15: 27.73, 25: 25.8, 50: 23.51},
    "bilateral": {15: 30.2, 25: 27.66, 50: 24.97},
    "wiener": {15: 29.96, 25: 27.22, 50: 24.25},
    "wavelet": {15: 31.1, 25: 28.68, 50: 25.81},
    "total-variation": {15: 30.54, 25: 28.3, 50: 25.83},
    "anisotropic-diffusion": {15: 30.35, 25: 27.88, 50: 25.22},
    "morphology": {15: 28.52, 25: 26.17, 50: 23.7},
    "nl-means": {15: 30.85, 25: 28.4, 50: 25.52},
}  # fmt: skip


def noisy(shape, sigma=25, seed=0):
    """Steps and stripes under noise, float32 (B, C, H, W)."""
    y, x = np.mgrid[: shape[2], : shape[3]]
    clean = 0.3 + 0.4 * ((x // 13 + y // 17) % 2) + 0.1 * np.sin(x * 0.7)
    noise = np.random.default_rng(seed).standard_normal(shape)
    return (clean + sigma / 255 * noise).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ALL)
def test_tiles_leave_no_trace(name, channels):
    pixels = noisy((1, channels, 97, 130))[0]
    image = Image(pixels[0] if channels == 1 else np.moveaxis(pixels, 0, -1).copy(), scale=1.0)
    level = GaussianNoise(25)
    whole, _ = run(Plan(name, level, tile=None), image)
    tiled, record = run(Plan(name, level, tile=32), image)
    assert record.tiles == 4 * 5
    np.testing.assert_allclose(tiled.samples, whole.samples, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_halo_on_the_card_is_true(name):
    """Nothing farther away than the halo moves a pixel, whatever the arguments."""
    halo = card(name).halo_exact
    method = create(name, channels=1, sigma=100, arguments=FARTHEST[name])
    before = noisy((1, 1, 8, 2 * halo + 41), sigma=100)
    after = before.copy()
    after[..., :20] = np.random.default_rng(1).random((8, 20))
    level = GaussianNoise(100)
    kept = slice(20 + halo, None)
    np.testing.assert_allclose(
        method.restore(before, level)[..., kept], method.restore(after, level)[..., kept], rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("name", ALL)
def test_input_stays_as_it_is_and_the_output_is_like_it(name):
    pixels = noisy((2, 3, 21, 34))
    copy = pixels.copy()
    restored = create(name, channels=3, sigma=25).restore(pixels, GaussianNoise(25))
    np.testing.assert_array_equal(pixels, copy)
    assert restored.shape == pixels.shape
    assert restored.dtype == np.float32
    assert not np.shares_memory(restored, pixels)


@pytest.mark.parametrize("name", ALL)
def test_turned_views_are_as_good_as_arrays(name):
    view = np.rot90(noisy((1, 3, 34, 21)), axes=(2, 3))
    method = create(name, channels=3, sigma=25)
    np.testing.assert_array_equal(
        method.restore(view, GaussianNoise(25)), method.restore(view.copy(order="C"), GaussianNoise(25))
    )


@pytest.mark.parametrize("name", ALL)
def test_pictures_of_a_batch_do_not_meet(name):
    pixels = noisy((2, 3, 21, 34))
    method = create(name, channels=3, sigma=25)
    both = method.restore(pixels, GaussianNoise(25))
    np.testing.assert_array_equal(both[1:], method.restore(pixels[1:], GaussianNoise(25)))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 3), (7, 7)])
def test_the_smallest_pictures_are_restored_too(name, size):
    restored = create(name, channels=3, sigma=50).restore(noisy((1, 3, *size)), GaussianNoise(50))
    assert restored.shape == (1, 3, *size)
    assert np.isfinite(restored).all()


@pytest.mark.parametrize("name", DENOISERS)
def test_no_noise_gives_the_input_back(name):
    pixels = noisy((1, 3, 20, 30))
    np.testing.assert_array_equal(create(name, channels=3, sigma=0).restore(pixels, GaussianNoise(0)), pixels)


@pytest.mark.parametrize("name", NEEDS_SIGMA)
def test_little_noise_changes_little(name):
    pixels = noisy((1, 3, 20, 30))
    restored = create(name, channels=3, sigma=0.1).restore(pixels, GaussianNoise(0.1))
    assert np.abs(restored - pixels).max() < 0.5 / 255


@pytest.mark.parametrize("name", DENOISERS)
def test_a_flat_picture_stays_flat(name):
    flat = np.full((1, 3, 20, 30), 0.4, np.float32)
    np.testing.assert_allclose(create(name, channels=3, sigma=30).restore(flat, GaussianNoise(30)), flat, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [5, 25, 75])
@pytest.mark.parametrize("name", NEEDS_SIGMA)
def test_brings_the_picture_nearer_to_the_clean_one(name, sigma, channels):
    shape = (1, channels, 60, 80)
    clean, pixels = noisy(shape, sigma=0), noisy(shape, sigma=sigma)
    restored = create(name, channels=channels, sigma=sigma).restore(pixels, GaussianNoise(sigma))
    assert np.mean((restored - clean) ** 2) < 0.9 * np.mean((pixels - clean) ** 2)


@pytest.mark.parametrize("name", NEEDS_SIGMA)
@pytest.mark.parametrize("degradation", [None, Clip8()])
def test_without_a_level_it_asks_for_one(name, degradation):
    with pytest.raises(UsageError, match="without a noise level"):
        create(name, channels=1).restore(noisy((1, 1, 8, 8)), degradation)


@pytest.mark.parametrize("name", NEEDS_NOTHING)
def test_without_a_level_it_works(name):
    pixels = noisy((1, 1, 12, 12))
    assert not np.array_equal(create(name, channels=1).restore(pixels, None), pixels)


@pytest.mark.parametrize("name", ALL)
def test_threads_change_no_bit(name):
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("needs two threads")
    pixels = noisy((1, 3, 200, 90))
    method, before = create(name, channels=3, sigma=25), numba.get_num_threads()
    restored = []
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            restored.append(method.restore(pixels, GaussianNoise(25)))
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(*restored)


@pytest.mark.parametrize("name", ["gaussian", "median", "wiener", "wavelet", "morphology", "top-hat", "area-opening"])
def test_each_channel_is_filtered_by_itself(name):
    pixels = noisy((1, 3, 40, 50))
    method = create(name, channels=3, sigma=25)
    together = method.restore(pixels, GaussianNoise(25))
    for c in range(3):
        alone = method.restore(pixels[:, c : c + 1], GaussianNoise(25))
        np.testing.assert_array_equal(together[:, c : c + 1], alone)


@pytest.mark.parametrize("name", ["bilateral", "total-variation", "anisotropic-diffusion", "nl-means"])
def test_an_edge_in_one_channel_is_kept_in_all(name):
    """Joint filters smooth less across an edge that only another channel shows."""
    pixels = noisy((1, 3, 40, 40), sigma=10)
    pixels[0, 0] = 0.5 + 10 / 255 * np.random.default_rng(3).standard_normal((40, 40))
    method = create(name, channels=3, sigma=10)
    before = method.restore(pixels, GaussianNoise(10))[0, 0]
    pixels[0, 1:] = 0.5
    assert not np.array_equal(method.restore(pixels, GaussianNoise(10))[0, 0], before)


@pytest.mark.data
@pytest.mark.parametrize("sigma", [15, 25, 50])
def test_figures_on_four_pictures_of_bsd68(data_root, sigma):
    """A rule or a filter that changes shows here; the 68 pictures are measured by the benchmark."""
    found = {name: 0.0 for name in FIGURES}
    for seed, picture in enumerate(load("bsd68", root=data_root)[::17]):
        clean = picture.pixels8()
        noise = np.random.default_rng(seed).standard_normal(clean.shape)
        pixels = (clean / 255 + sigma / 255 * noise).astype(np.float32)[None, None]
        for name in FIGURES:
            restored = create(name, channels=1, sigma=sigma).restore(pixels, GaussianNoise(sigma))
            found[name] += psnr(clean, im2uint8(restored[0, 0]), data_range=255) / 4
    expected = {name: figures[sigma] for name, figures in FIGURES.items()}
    assert found == pytest.approx(expected, abs=0.02)
