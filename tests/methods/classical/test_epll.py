"""EPLL: equals the paper's formulas, removes noise, fills holes, is the same on any tile and thread."""

from itertools import pairwise

import numba
import numpy as np
import pytest
import torch
from epll_prior import begin, iterate
from hypothesis import given
from hypothesis import strategies as st

from nonloc.benchmark.draws import noisy as add_noise
from nonloc.benchmark.draws import parse_tracks
from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.errors import UsageError
from nonloc.methods.classical.epll import BETAS, MORE, STRIP, expected, grid, inpaint, split
from nonloc.methods.classical.gaussian_mixture import TAIL, GaussianMixture, flattening, without_mean
from nonloc.methods.registry import card, create
from nonloc.metrics.psnr import im2uint8, psnr

VARIANCE = (25 / 255) ** 2 / 4


def picture(height=64, width=72):
    """Stripes, a disc and a ramp: repeated structure, an edge, something smooth."""
    y, x = np.mgrid[:height, :width]
    stripes = 0.5 + 0.3 * np.sin(x / 2) * (y < height // 2)
    disc = 0.3 * ((y - height * 0.7) ** 2 + (x - 30) ** 2 < 150)
    return (stripes - 0.2 * disc + 0.1 * x / width).astype(np.float32)


def noisy(clean, sigma, seed=0):
    return GaussianNoise(sigma).apply(clean, np.random.default_rng(seed)).astype(np.float32)


def rms(error):
    return float(np.sqrt(np.mean(np.square(error))))


def small_mixture(seed=0, components=5, patch=4):
    """Components of very different size and shape."""
    rng = np.random.default_rng(seed)
    d = patch**2 - 1
    scales = np.exp(-rng.uniform(1, 6, (components, d)))
    turns = np.linalg.qr(rng.standard_normal((components, d, d)))[0]
    covariances = np.einsum("kij,kj,klj->kil", turns, scales**2, turns)
    mixture = GaussianMixture(components=components, patch=patch)
    mixture.set(torch.from_numpy(rng.dirichlet(np.ones(components))), torch.from_numpy(covariances))
    return mixture


@pytest.fixture(scope="module")
def shipped():
    return create("epll", channels=1).mixture


def by_definition(x, mixture, variance, rows, columns):
    """Equation (5): each patch by its likeliest component's Wiener filter; the mean where they overlap."""
    n = mixture.patch
    covariances = torch.einsum("kpd,kd,kqd->kpq", mixture.bases, mixture.log_variances.exp(), mixture.bases).numpy()
    total, weight = np.zeros((2, *x.shape))
    for r in rows:
        for c in columns:
            patch = x[r : r + n, c : c + n].astype(float).ravel()
            z = patch - patch.mean()
            k = int(mixture.likelihood(torch.from_numpy(z)[None], variance).argmax())
            clean = covariances[k] @ np.linalg.solve(covariances[k] + variance * np.eye(n * n), z)
            total[r : r + n, c : c + n] += (clean + patch.mean()).reshape(n, n)
            weight[r : r + n, c : c + n] += 1
    return total / weight


@pytest.mark.parametrize(("step", "shift"), [(1, 0), (2, 1), (3, 4)])
def test_the_expected_picture_equals_its_definition(step, shift):
    mixture, x = small_mixture(), noisy(picture(23, 19), 25)
    rows, columns = grid(23, 4, step, shift), grid(19, 4, step, shift // step)
    exact = mixture.at(VARIANCE, tail=-1)  # no tail is so short
    np.testing.assert_allclose(
        expected(x, exact, step, shift), by_definition(x, mixture, VARIANCE, rows, columns), atol=2e-5
    )


def test_the_likelihood_is_that_of_its_gaussians():
    mixture = small_mixture(patch=3)
    z = torch.randn(7, 8, generator=torch.Generator().manual_seed(0)) @ without_mean(3).T
    basis = without_mean(3).double()
    covariances = (
        basis.T
        @ torch.einsum("kpd,kd,kqd->kpq", mixture.bases, mixture.log_variances.exp(), mixture.bases).double()
        @ basis
    )
    gaussians = torch.distributions.MultivariateNormal(torch.zeros(8).double(), covariances + VARIANCE * torch.eye(8))
    exact = gaussians.log_prob((z.double() @ basis)[:, None]) + mixture.log_weights
    torch.testing.assert_close(mixture.likelihood(z, VARIANCE), exact, atol=1e-3, rtol=1e-4)


def test_the_flat_tail_is_as_far_as_it_says():
    variances = torch.linspace(3, 0.1, 10).double()[None]
    for rank in range(10):
        flat = variances.clone()
        flat[:, rank:] = flat[:, rank:].mean()
        normal = torch.distributions.MultivariateNormal
        true, near = (normal(torch.zeros(10).double(), torch.diag_embed(v)) for v in (variances, flat))
        divergence = torch.distributions.kl_divergence(true, near)
        torch.testing.assert_close(flattening(variances)[:, rank], divergence)


def test_the_search_finds_what_is_likeliest_or_as_good(shipped):
    """On patches of a noisy picture: what it takes is at most a few tails less likely than the best."""
    x = noisy(picture(), 25)
    z = np.lib.stride_tricks.sliding_window_view(x, (8, 8)).reshape(-1, 64)[::7]
    z = np.ascontiguousarray(z - z.mean(1, keepdims=True))
    for beta in (1, 32):
        variance = (25 / 255) ** 2 / beta
        likelihood = shipped.likelihood(torch.from_numpy(z), variance).numpy()
        found = shipped.at(variance).best(z)
        loss = likelihood.max(1) - likelihood[np.arange(len(z)), found]
        assert np.mean(loss > 10 * TAIL) < 0.02
        assert np.mean(found == likelihood.argmax(1)) > 0.8


def test_what_is_shipped_is_a_mixture(shipped):
    assert float(shipped.log_weights.exp().sum()) == pytest.approx(1, abs=0.01)
    assert (shipped.log_variances.diff(dim=1) <= 0).all()
    squares = shipped.bases.transpose(1, 2) @ shipped.bases
    torch.testing.assert_close(squares, torch.eye(63).expand_as(squares), atol=5e-3, rtol=0)
    torch.testing.assert_close(shipped.bases.sum(1), torch.zeros(200, 63), atol=5e-3, rtol=0)


@pytest.mark.parametrize(("sigma", "least"), [(15, 2.5), (25, 3.0), (50, 3.5)])
def test_removes_most_of_the_noise(sigma, least):
    clean = picture()
    y = noisy(clean, sigma)
    restored = create("epll", channels=1, sigma=sigma).restore(y[None, None], GaussianNoise(sigma))
    assert restored.shape == (1, 1, *y.shape)
    assert restored.dtype == np.float32
    assert rms(restored[0, 0] - clean) * least < rms(y - clean)


def test_nothing_changes_without_noise():
    y = noisy(picture(), 10)[None, None]
    untouched = y.copy()
    assert (create("epll", channels=1).restore(y, GaussianNoise(0)) == y).all()
    np.testing.assert_allclose(create("epll", channels=1).restore(y, GaussianNoise(1e-3)), y, atol=1e-4)
    assert (y == untouched).all()


@pytest.mark.parametrize("level", [0.0, 0.7, -0.3])
def test_a_constant_stays_what_it_is(level, shipped):
    y = np.full((20, 23), level, np.float32)
    np.testing.assert_allclose(split(y, y, np.float32(1e4), [1e-2, 1e-3], shipped), level, atol=1e-6)


def test_brightness_moves_the_result_and_nothing_else(shipped):
    y = noisy(picture(), 25)
    dark, bright = (split(y + by, y + np.float32(by), np.float32(6658), [VARIANCE], shipped) for by in (0, 0.5))
    assert np.quantile(np.abs(bright - 0.5 - dark), 0.9) < 1e-5  # patches near a tie may change their component


def test_missing_pixels_are_filled_in(shipped):
    """Lambda is 0 where nothing was measured: lines of writing across the picture."""
    clean = picture()
    known = np.ones(clean.shape, bool)
    known[:, 10::13] = known[7::17] = False
    damaged = np.where(known, clean, np.float32(1))
    filled = inpaint(damaged, known, shipped)
    nothing = np.where(known, damaged, damaged[known].mean())
    assert rms(filled - clean) < rms(nothing - clean) / 8
    assert np.abs(filled - clean)[known].max() < 0.02
    np.testing.assert_array_equal(inpaint(np.where(known, clean, np.float32(7)), known, shipped), filled)


def test_a_pixel_with_more_lambda_stays_nearer_to_what_was_measured(shipped):
    y = noisy(picture(), 25)
    fidelity = np.full(y.shape, 6658, np.float32)
    fidelity[:, 36:] *= 100
    moved = np.abs(split(y, y, fidelity, [VARIANCE, VARIANCE / 4], shipped) - y)
    assert moved[:, 36:].mean() * 5 < moved[:, :30].mean()


def test_two_threads_give_the_bytes_of_one(shipped):
    y = noisy(picture(height=3 * STRIP), 25)
    results = []
    before = numba.get_num_threads(), torch.get_num_threads()
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            torch.set_num_threads(threads)
            results.append(expected(y, shipped.at(VARIANCE)).tobytes())
    finally:
        numba.set_num_threads(before[0])
        torch.set_num_threads(before[1])
    assert results[0] == results[1]


def test_a_tile_with_its_halo_has_the_bytes_of_the_whole(shipped):
    """Tiles begin at multiples of the card's grid; three passes of those of the card."""
    variances = [VARIANCE, VARIANCE / 4, VARIANCE / 8]
    read = -(-8 * len(variances) // STRIP) * STRIP

    def restored(y):
        return split(y, y, np.float32(6658), variances, shipped, step=2)

    y = noisy(picture(height=2 * read + 2 * STRIP + 10, width=2 * read + STRIP + 5), 25)
    core = (slice(read + STRIP, read + 2 * STRIP), slice(read, read + STRIP))
    tile = restored(np.ascontiguousarray(y[STRIP : STRIP + 2 * read + STRIP, : 2 * read + STRIP]))
    inner = (slice(read, read + STRIP), slice(read, read + STRIP))
    assert tile[inner].tobytes() == restored(y)[core].tobytes()


def test_the_card_knows_halo_grid_and_smallest_picture(shipped):
    known = card("epll")
    assert known.halo_exact >= shipped.patch * len(BETAS + MORE)  # at a border patches lie one pixel off the grid
    assert known.grid % STRIP == 0
    assert all(STRIP % step == 0 for step in known.arguments["step"].choices)
    assert known.minimum >= shipped.patch


@given(length=st.integers(8, 60), step=st.sampled_from([1, 2, 3]), shift=st.integers(0, 20))
def test_every_pixel_is_in_some_patch(length, step, shift):
    starts = grid(length, 8, step, shift)
    assert np.isin(np.arange(length), starts[:, None] + np.arange(8)).all()
    assert starts[-1] == length - 8


def test_fitting_raises_the_likelihood_and_keeps_the_weights():
    """A step of expectation maximisation, on patches of two kinds."""
    generator = torch.Generator().manual_seed(0)
    scales = torch.where(torch.arange(15) < 5, 0.3, 0.02), torch.where(torch.arange(15) < 5, 0.02, 0.1)
    z = torch.cat([torch.randn(400, 15, generator=generator) * scale for scale in scales])
    mixture, reached = begin(z, 2, seed=0), []
    for _ in range(6):
        mixture, before = iterate(z, mixture)
        reached.append(before)
    assert all(later > sooner - 1e-3 for sooner, later in pairwise(reached))
    assert float(mixture["weights"].sum()) == pytest.approx(1, abs=1e-5)
    assert sorted(mixture["weights"].tolist()) == pytest.approx([0.5, 0.5], abs=0.05)


def test_says_what_is_wrong(shipped):
    with pytest.raises(UsageError, match="patches of 8"):
        split(np.zeros((7, 30), np.float32), np.zeros((7, 30), np.float32), np.float32(1), [1e-3], shipped)
    with pytest.raises(UsageError, match="no pixel is known"):
        inpaint(np.zeros((30, 30), np.float32), np.zeros((30, 30), bool), shipped)
    with pytest.raises(UsageError, match="without a noise level"):
        create("epll", channels=1).restore(np.zeros((1, 1, 30, 30), np.float32), None)


@pytest.mark.data
@pytest.mark.slow
def test_two_pictures_of_bsd68_at_sigma_25(data_root):
    """The figures are ours, of the track `matlab4`; docs/priors.md has the means beside the published ones."""
    (track,) = parse_tracks("matlab4")
    pictures = {picture.name: picture for picture in load("bsd68", root=data_root)}
    method = create("epll", channels=1, sigma=25)
    for name, figure in {"test001": 25.66, "test029": 24.17}.items():
        clean = pictures[name].pixels8()
        y = add_noise(clean, name + ".png", 25, track)[np.newaxis, np.newaxis]
        restored = im2uint8(method.restore(y, GaussianNoise(25))[0, 0])
        assert psnr(clean, restored, data_range=255) == pytest.approx(figure, abs=0.02)
