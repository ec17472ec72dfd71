import numpy as np
import pytest

from nonloc.methods.registry import create


@pytest.fixture
def noisy():
    y, x = np.mgrid[:50, :70]
    clean = 0.3 + 0.3 * x / 70 + 0.1 * (y > 25)
    return (clean + 2 / 255 * np.random.default_rng(0).standard_normal(clean.shape)).astype(np.float32)[None, None]


def test_finds_single_hot_and_dead_pixels_and_pairs_and_nothing_else(noisy):
    hot = noisy.copy()
    places = [(0, 0), (10, 10), (10, 11), (25, 40), (30, 69), (49, 5)]
    for k, place in enumerate(places):
        hot[(0, 0, *place)] = 0.95 if k % 3 else 0.0
    out, extras = create("hot-pixels", channels=1).restore(hot, None)
    assert [tuple(place[2:]) for place in np.argwhere(extras["mask"])] == places
    np.testing.assert_array_equal(out[~extras["mask"]], noisy[~extras["mask"]])
    assert np.abs(out - noisy).max() < 0.15  # at the step, the median may take the other side


def test_judges_every_channel_by_itself(noisy):
    colour = np.repeat(noisy, 3, 1)
    colour[0, 1, 20, 20] = 1
    _, extras = create("hot-pixels", channels=3).restore(colour, None)
    assert [tuple(place) for place in np.argwhere(extras["mask"])] == [(0, 1, 20, 20)]


def test_lines_corners_and_noise_stay(noisy):
    noisy[..., 12, :] = 0.9
    noisy[..., 30:40, 50:60] = 0.05
    noisy += 8 / 255 * np.random.default_rng(1).standard_normal(noisy.shape).astype(np.float32)
    out, extras = create("hot-pixels", channels=1).restore(noisy, None)
    inner = (..., slice(1, -1))  # the end of a line is alike to one neighbour only, as a pair of hot pixels is
    assert not extras["mask"][inner].any()
    np.testing.assert_array_equal(out[inner], noisy[inner])
