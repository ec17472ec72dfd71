"""BM3D: removes noise, keeps what is no noise, the same on any tile and thread, and as good as the papers say."""

from dataclasses import replace

import numba
import numpy as np
import pytest

from nonloc.benchmark.draws import noisy as add_noise
from nonloc.benchmark.draws import parse_tracks
from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.errors import UsageError
from nonloc.methods.classical.block_transforms import bior15, cosine, kaiser
from nonloc.methods.classical.bm3d import PROFILES, STRIP, Pass, bm3d
from nonloc.methods.classical.colour_space import to_opponent
from nonloc.methods.registry import card, create
from nonloc.metrics.psnr import im2uint8, psnr
from nonloc.nonlocal_ops.matching import match_by_definition, reference_grid

SMALL = (Pass(bior15, 8, 3000, 2.7, window=9), Pass(cosine, 8, 400, 0.6, window=9))

WIDE = (Pass(bior15, 8, 25000, 2.8, step=4, window=7), Pass(cosine, 16, 3500, 1, block=11, step=6, window=7))


def picture(channels=1, height=64, width=72):
    """Stripes, a disc and a ramp: repeated structure, an edge, something smooth."""
    y, x = np.mgrid[:height, :width]
    stripes = 0.5 + 0.3 * np.sin(x / 2) * (y < height // 2)
    disc = 0.3 * ((y - 45) ** 2 + (x - 30) ** 2 < 150)
    planes = [stripes - 0.2 * c * disc + 0.1 * (c + 1) * x / width for c in range(channels)]
    return np.stack(planes)[np.newaxis].astype(np.float32)


def noisy(clean, sigma, seed=0):
    return GaussianNoise(sigma).apply(clean, np.random.default_rng(seed)).astype(np.float32)


def rms(error):
    return float(np.sqrt(np.mean(np.square(error))))


def by_definition(noisy, std, first, second):
    """The two passes of the paper on one gray picture, readable and slow."""

    def one_pass(guide, constants, shrink):
        n, t = constants.block, constants.transform(constants.block)
        back = np.linalg.inv(t)
        rows, columns = (reference_grid(length, n, constants.step) for length in guide.shape)
        found = match_by_definition(
            guide[None, None], n, constants.window, constants.count, rows, columns, constants.alike / 255**2
        )
        total, weight = np.zeros((2, *guide.shape))
        for r, c in np.ndindex(len(rows), len(columns)):
            size = 2 ** int(np.log2(found.found[0, r, c]))
            places = [divmod(int(p), guide.shape[1]) for p in found.neighbours[0, r, c, :size]]
            stack = [np.stack([u[y : y + n, x : x + n] for y, x in places]).astype(float) for u in (noisy, guide)]
            stack = [np.einsum("gm,ij,mjk,lk->gil", haar_matrix(size), t, s, t) for s in stack]
            kept, share = shrink(*stack)
            blocks = np.einsum("gm,ij,gjk,lk->mil", haar_matrix(size), back, kept, back)
            for (y, x), block in zip(places, blocks, strict=True):
                total[y : y + n, x : x + n] += share * kaiser(n, constants.beta) * block
                weight[y : y + n, x : x + n] += share * kaiser(n, constants.beta)
        return (total / weight).astype(np.float32)

    def hard(stack, _):
        keep = np.abs(stack) > first.shrink * std
        share = 1 / max(keep.sum(), 1)
        keep[0, 0, 0] = True
        return stack * keep, share

    def wiener(stack, pilot):
        gain = pilot**2 / (pilot**2 + second.shrink * std**2)
        share = 1 / np.square(gain).sum()
        gain[0, 0, 0] = 1
        return stack * gain, share

    return one_pass(one_pass(noisy, first, hard), second, wiener)


def haar_matrix(size):
    if size == 1:
        return np.ones((1, 1))
    half = haar_matrix(size // 2)
    return np.vstack([np.kron(half, [1, 1]), np.kron(np.eye(size // 2), [1, -1])]) / np.sqrt(2)


@pytest.mark.parametrize("passes", [SMALL, WIDE], ids=["8", "8 then 11"])
def test_equals_its_definition(passes):
    y = noisy(picture(height=24, width=21), 25)
    expected = by_definition(y[0, 0], 25 / 255, *passes)
    np.testing.assert_allclose(bm3d(y, 25 / 255, *passes)[0, 0], expected, atol=2e-5)


@pytest.mark.parametrize(("channels", "sigma", "least"), [(1, 15, 3.0), (1, 50, 4.0), (3, 25, 4.0)])
def test_removes_most_of_the_noise(channels, sigma, least):
    clean = picture(channels)
    y = noisy(clean, sigma)
    restored = create("bm3d", channels=channels, sigma=sigma).restore(y, GaussianNoise(sigma))
    assert restored.shape == y.shape
    assert restored.dtype == np.float32
    assert rms(restored - clean) * least < rms(y - clean)


@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_changes_without_noise(channels):
    y = noisy(picture(channels), 10)
    untouched = y.copy()
    assert (create("bm3d", channels=channels).restore(y, GaussianNoise(0)) == y).all()
    np.testing.assert_allclose(bm3d(y, 1e-6, *SMALL), y, atol=1e-5)
    assert (y == untouched).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("level", [0.0, 0.01, 0.7, -0.3])
def test_a_constant_stays_what_it_is(channels, level):
    """Dark ones, too, which a threshold on the mean would turn black."""
    y = np.full((1, channels, 20, 23), level, np.float32)
    for name in ("ours", "ours-strong-noise"):
        np.testing.assert_allclose(bm3d(y, 0.2, *PROFILES[name]), level, atol=5e-6)


def test_brightness_moves_the_result_and_nothing_else():
    y = noisy(picture(), 25)
    np.testing.assert_allclose(bm3d(y + 0.5, 0.1, *SMALL), bm3d(y, 0.1, *SMALL) + 0.5, atol=2e-3)


@pytest.mark.parametrize("channels", [1, 3])
def test_two_threads_give_the_bytes_of_one(channels):
    y = noisy(picture(channels, height=3 * STRIP), 25)
    results = []
    before = numba.get_num_threads()
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            results.append(bm3d(y, 0.1, *SMALL).tobytes())
    finally:
        numba.set_num_threads(before)
    assert results[0] == results[1]


@pytest.mark.parametrize("passes", [SMALL, WIDE], ids=["8", "8 then 11"])
def test_a_tile_with_its_halo_has_the_bytes_of_the_whole(passes):
    """Tiles begin at multiples of the card's grid."""
    read = -(-halo(*passes) // STRIP) * STRIP
    y = noisy(picture(height=2 * read + 2 * STRIP + 10, width=2 * read + STRIP + 5), 25)
    whole = bm3d(y, 0.1, *passes)
    core = (..., slice(read + STRIP, read + 2 * STRIP), slice(read, read + STRIP))
    tile = bm3d(y[..., STRIP : STRIP + 2 * read + STRIP, : 2 * read + STRIP], 0.1, *passes)
    inner = (..., slice(read, read + STRIP), slice(read, read + STRIP))
    assert tile[inner].tobytes() == whole[core].tobytes()


@pytest.mark.parametrize("name", PROFILES)
def test_the_card_knows_halo_grid_and_smallest_picture(name):
    known, passes = card("bm3d"), PROFILES[name]
    assert halo(*passes) <= known.halo_exact
    assert known.grid % STRIP == 0
    assert all(STRIP % constants.step == 0 for constants in passes)
    assert known.minimum >= max(constants.block for constants in passes)


def test_colour_differences_are_shrunk_by_their_own_factor():
    """A gray picture's luminance does not change with it, a coloured one's differences do."""
    y = noisy(picture(3), 25)
    first, second = SMALL
    alike, other = (bm3d(y, 0.1, first, replace(second, shrink_colour=factor)) for factor in (None, 1.0))
    luminance, *differences = np.moveaxis(np.abs(to_opponent(alike) - to_opponent(other)), 1, 0)
    np.testing.assert_allclose(luminance, 0, atol=1e-6)
    assert all(difference.max() > 1e-3 for difference in differences)


def halo(first, second):
    """A pixel sees its blocks, their references, and what those looked at; twice."""
    return sum(2 * (constants.window // 2) + constants.block - 1 for constants in (first, second))


# ours on all 68 pictures: 28.62 dB, the paper's table as others print it: 28.57
@pytest.mark.data
def test_four_pictures_of_bsd68_at_sigma_25(data_root):
    """From flat to textured; the figures are ours, of the whole track `matlab4`."""
    (track,) = parse_tracks("matlab4")
    pictures = {picture.name: picture for picture in load("bsd68", root=data_root)}
    measured = {"test001": 25.53, "test017": 32.43, "test029": 23.95, "test061": 29.54}
    method = create("bm3d", channels=1, sigma=25)
    for name, expected in measured.items():
        clean = pictures[name].pixels8()
        y = add_noise(clean, name + ".png", 25, track)[np.newaxis, np.newaxis]
        restored = im2uint8(method.restore(y, GaussianNoise(25))[0, 0])
        assert psnr(clean, restored, data_range=255) == pytest.approx(expected, abs=0.02)


def test_says_what_is_wrong():
    with pytest.raises(UsageError, match="patches of 8"):
        bm3d(np.zeros((1, 1, 7, 30), np.float32), 0.1, *SMALL)
    with pytest.raises(UsageError, match="without a noise level"):
        create("bm3d", channels=1).restore(np.zeros((1, 1, 30, 30), np.float32), None)
