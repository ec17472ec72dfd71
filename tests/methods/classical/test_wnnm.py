"""WNNM: equals the paper's algorithm, removes noise, is the same on any tile and thread, and as good as published."""

from dataclasses import replace

import numba
import numpy as np
import pytest

from nonloc.benchmark.draws import noisy as add_noise
from nonloc.benchmark.draws import parse_tracks
from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.errors import UsageError
from nonloc.methods.classical.wnnm import LEVELS, STRIP, Constants, constants, wnnm
from nonloc.methods.registry import card, create
from nonloc.metrics.psnr import im2uint8, psnr
from nonloc.nonlocal_ops.matching import match_by_definition, reference_grid

SMALL = Constants(6, 20, 3, 0.54, step=2, window=9, fewer=2)
PROFILES = card("wnnm").arguments["profile"].choices


def picture(channels=1, height=40, width=44):
    """Stripes, a disc and a ramp: repeated structure, an edge, something smooth."""
    y, x = np.mgrid[:height, :width]
    stripes = 0.5 + 0.3 * np.sin(x / 2) * (y < height // 2)
    disc = 0.3 * ((y - height * 0.7) ** 2 + (x - 30) ** 2 < 100)
    planes = [stripes - 0.2 * c * disc + 0.1 * (c + 1) * x / width for c in range(channels)]
    return np.stack(planes)[np.newaxis].astype(np.float32)


def noisy(clean, sigma, seed=0):
    return GaussianNoise(sigma).apply(clean, np.random.default_rng(seed)).astype(np.float32)


def rms(error):
    return float(np.sqrt(np.mean(np.square(error))))


def by_definition(y, sigma, k, shrink):
    """Algorithm 2 of the paper on one gray picture (0 to 255), readable and slow."""
    height, width = y.shape
    rows, columns = (reference_grid(side, k.patch, k.step) for side in y.shape)
    x, count = y, k.count
    for t in range(k.iterations):
        x = x + k.feedback * (y - x)
        if t % k.rematch == 0:
            count -= k.fewer
            found = match_by_definition(x[None, None].astype(np.float32), k.patch, k.window, count, rows, columns)
        total, weight = np.zeros((2, height, width))
        for r, c in np.ndindex(len(rows), len(columns)):
            places = [divmod(int(p), width) for p in found.neighbours[0, r, c] if p >= 0]
            cut = [(slice(v, v + k.patch), slice(u, u + k.patch)) for v, u in places]
            residual = np.mean((y[cut[0]] - x[cut[0]]) ** 2)
            std = k.left * np.sqrt(abs(sigma**2 - residual)) if t else sigma
            group = np.stack([x[piece].ravel() for piece in cut], axis=1)
            mean = group.mean(1, keepdims=True)
            u, s, v = np.linalg.svd(group - mean, full_matrices=False)
            restored = u @ np.diag(shrink(s, 2 * np.sqrt(2) * np.sqrt(len(places)) * std**2)) @ v + mean
            for piece, patch in zip(cut, restored.T, strict=True):
                total[piece] += patch.reshape(k.patch, k.patch)
                weight[piece] += 1
        x = total / weight
    return x


def closed_form(s, c):
    """Corollary 1 of the journal's paper."""
    root = np.sqrt(np.maximum(s**2 - 4 * c, 0))
    return np.where(s**2 > 4 * c, (s + root) / 2, 0)


def reweighted(s, c, times):
    """Section 3.3: each weight is the inverse of what the weight before left."""
    left = s
    for _ in range(times):
        left = np.maximum(s - c / (left + 1e-12), 0)
    return left


def test_equals_its_definition():
    y = noisy(picture(height=21, width=24), 25)
    expected = by_definition(y[0, 0].astype(float) * 255, 25, SMALL, closed_form) / 255
    np.testing.assert_allclose(wnnm(y, 25 / 255, SMALL)[0, 0], expected, atol=2e-4)


def test_the_closed_form_is_where_reweighting_ends():
    s = np.array([30.0, 45.0, 70.0, 200.0, 1000.0])
    np.testing.assert_allclose(reweighted(s, 400.0, 500), closed_form(s, 400.0), atol=1e-6)


@pytest.mark.parametrize(("channels", "sigma", "least"), [(1, 15, 2.5), (1, 50, 3.5), (3, 25, 3.5)])
def test_removes_most_of_the_noise(channels, sigma, least):
    clean = picture(channels)
    y = noisy(clean, sigma)
    restored = create("wnnm", channels=channels, sigma=sigma).restore(y, GaussianNoise(sigma))
    assert restored.shape == y.shape
    assert restored.dtype == np.float32
    assert rms(restored - clean) * least < rms(y - clean)


@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_changes_without_noise(channels):
    y = noisy(picture(channels), 10)
    untouched = y.copy()
    assert (create("wnnm", channels=channels).restore(y, GaussianNoise(0)) == y).all()
    np.testing.assert_allclose(wnnm(y, 1e-5, SMALL), y, atol=1e-5)
    assert (y == untouched).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("level", [0.0, 0.7, -0.3])
def test_a_constant_stays_what_it_is(channels, level):
    y = np.full((1, channels, 20, 23), level, np.float32)
    np.testing.assert_allclose(wnnm(y, 0.1, SMALL), level, atol=5e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_two_threads_give_the_bytes_of_one(channels):
    y = noisy(picture(channels, height=3 * STRIP), 25)
    results = []
    before = numba.get_num_threads()
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            results.append(wnnm(y, 0.1, SMALL).tobytes())
    finally:
        numba.set_num_threads(before)
    assert results[0] == results[1]


def test_a_tile_with_its_halo_has_the_bytes_of_the_whole():
    """Tiles begin at multiples of the card's grid."""
    read = -(-halo(SMALL) // STRIP) * STRIP
    y = noisy(picture(height=2 * read + 2 * STRIP + 10, width=2 * read + STRIP + 5), 25)
    whole = wnnm(y, 0.1, SMALL)
    core = (..., slice(read + STRIP, read + 2 * STRIP), slice(read, read + STRIP))
    tile = wnnm(y[..., STRIP : STRIP + 2 * read + STRIP, : 2 * read + STRIP], 0.1, SMALL)
    inner = (..., slice(read, read + STRIP), slice(read, read + STRIP))
    assert tile[inner].tobytes() == whole[core].tobytes()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("sigma", [10, 20, 25, 50, 100])
def test_the_card_knows_halo_grid_and_smallest_picture(profile, sigma):
    known, found = card("wnnm"), constants(sigma, profile)
    assert halo(found) <= known.halo_exact
    assert known.grid % STRIP == 0
    assert STRIP % found.step == 0
    assert found.patch <= known.minimum


def test_the_authors_constants_are_kept():
    assert constants(20, "authors") == LEVELS[20]
    assert constants(20.5, "authors") == LEVELS[40] == Constants(7, 90, 12, 0.56, step=2, window=61)
    assert constants(100, "authors").patch == 9


def test_groups_that_are_not_full_are_taken_as_they_are():
    """In a picture of hardly more than a patch there are fewer neighbours than a group wants."""
    clean = picture(height=8, width=9)
    restored = wnnm(noisy(clean, 25), 25 / 255, replace(SMALL, count=70))
    assert np.isfinite(restored).all()


def halo(k):
    """In each iteration a pixel sees its patches, their references, and the other patches of those."""
    return k.iterations * (2 * (k.window // 2) + k.patch - 1)


def test_says_what_is_wrong():
    with pytest.raises(UsageError, match="patches of 6"):
        wnnm(np.zeros((1, 1, 5, 30), np.float32), 0.1, SMALL)
    with pytest.raises(UsageError, match="without a noise level"):
        create("wnnm", channels=1).restore(np.zeros((1, 1, 30, 30), np.float32), None)


@pytest.mark.data
@pytest.mark.slow
def test_two_pictures_of_bsd68_at_sigma_25(data_root):
    """The figures are ours, of the track `matlab4`; docs/priors.md has the means beside the published ones."""
    (track,) = parse_tracks("matlab4")
    pictures = {picture.name: picture for picture in load("bsd68", root=data_root)}
    method = create("wnnm", channels=1, sigma=25)
    for name, expected in {"test001": 25.63, "test005": 27.42}.items():
        clean = pictures[name].pixels8()
        y = add_noise(clean, name + ".png", 25, track)[np.newaxis, np.newaxis]
        restored = im2uint8(method.restore(y, GaussianNoise(25))[0, 0])
        assert psnr(clean, restored, data_range=255) == pytest.approx(expected, abs=0.02)
