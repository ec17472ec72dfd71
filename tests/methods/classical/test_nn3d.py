"""NN3D: the filter against a plain loop, the turns of network and filter, and what the engine promises of both."""

import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nonloc.benchmark.published import table2_rows
from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.errors import CardError, SigmaOutOfRange, UsageError, WeightsError
from nonloc.image.image import Image
from nonloc.methods import registry
from nonloc.methods.classical.nn3d import NN3D, PROFILES, STRIP, Constants, find, reinforce
from nonloc.metrics.psnr import im2uint8, psnr
from nonloc.nonlocal_ops.matching import match_by_definition, reference_grid
from nonloc.testing import sample

SMALL = Constants((0.3, 0.1), trust=0.25, patch=4, count=8, window=7, step=3)
SIGMA = GaussianNoise(25)


def tensor(image):
    return torch.from_numpy(image.samples)[None, None]


def haar_matrix(size):
    if size == 1:
        return np.ones((1, 1))
    half = haar_matrix(size // 2)
    return np.vstack([np.kron(half, [1, 1]), np.kron(np.eye(size // 2), [1, -1])]) / np.sqrt(2)


def by_definition(picture, guide, tau, constants):
    """The filter of one picture (C, H, W), its groups found in `guide` (H, W), readable and slow."""
    n, width = constants.patch, guide.shape[1]
    rows, columns = (reference_grid(side, n, constants.step) for side in guide.shape)
    found = match_by_definition(guide[None, None], n, constants.window, constants.count, rows, columns)
    total, weight = np.zeros((2, *picture.shape))
    for r, c in np.ndindex(len(rows), len(columns)):
        size = 2 ** int(np.log2(found.found[0, r, c]))
        places = [divmod(int(p), width) for p in found.neighbours[0, r, c, :size]]
        for channel, plane in enumerate(picture):
            group = np.stack([plane[y : y + n, x : x + n] for y, x in places]).astype(float)
            spectrum = np.tensordot(haar_matrix(size), group, 1)
            factor = spectrum**2 / (spectrum**2 + tau**2)
            factor[0] = 1
            filtered = np.tensordot(haar_matrix(size).T, factor * spectrum, 1)
            for (y, x), patch in zip(places, filtered, strict=True):
                total[channel, y : y + n, x : x + n] += patch / np.square(factor).sum()
                weight[channel, y : y + n, x : x + n] += 1 / np.square(factor).sum()
    return total / weight


@settings(max_examples=8)
@given(
    height=st.integers(4, 14),
    width=st.integers(4, 14),
    channels=st.sampled_from([1, 3]),
    count=st.sampled_from([1, 4, 8]),
    tau=st.sampled_from([0.01, 0.3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_filter_equals_its_definition(height, width, channels, count, tau, seed):
    constants = Constants((), 1.0, patch=4, count=count, window=7, step=3)
    picture = np.random.default_rng(seed).random((channels, height, width), dtype=np.float32)
    # as the luminance of the opponent transform
    guide = picture.mean(0) if channels == 3 else picture[0]
    pixels = torch.from_numpy(picture)[None]
    restored = reinforce(pixels, find(pixels, constants), tau, constants)[0].numpy()
    np.testing.assert_allclose(restored, by_definition(picture, guide, tau, constants), atol=2e-5)


def test_strips_are_added_up_without_a_seam():
    picture = sample(STRIP + 30, 24).samples
    pixels = torch.from_numpy(picture)[None, None]
    restored = reinforce(pixels, find(pixels, SMALL), 0.1, SMALL)[0].numpy()
    np.testing.assert_allclose(restored, by_definition(picture[None], picture, 0.1, SMALL), atol=2e-5)


@pytest.mark.parametrize("level", [0.0, 0.01, 0.7, -0.3])
def test_a_constant_stays_what_it_is(level):
    pixels = torch.full((1, 1, 20, 23), level)
    torch.testing.assert_close(reinforce(pixels, find(pixels, SMALL), 0.2, SMALL), pixels, atol=5e-6, rtol=0)


def test_repetition_is_averaged_and_what_differs_is_kept():
    x = np.arange(64)
    clean = np.tile((0.5 + 0.3 * np.sin(2 * np.pi * x / 8)).astype(np.float32), (64, 1))
    noisy = clean + 0.02 * np.random.default_rng(0).standard_normal(clean.shape).astype(np.float32)
    pixels = torch.from_numpy(noisy)[None, None]
    restored = reinforce(pixels, find(pixels, PROFILES["ours"]), 0.1, PROFILES["ours"])[0, 0].numpy()
    assert np.square(restored - clean).mean() < 0.1 * np.square(noisy - clean).mean()
    torch.testing.assert_close(reinforce(pixels, find(pixels, SMALL), 1e-5, SMALL), pixels, atol=1e-5, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_one_pass_without_a_filter_is_the_network(channels):
    """With the weights that the network alone has, where there are several."""
    picture = sample(40, 48, channels)
    made = NN3D(registry.card("nn3d"), profile=Constants((0.0,), 1.0))
    alone, within = (run(Plan(method, SIGMA), picture)[0].samples for method in ("nonloc-s", made))
    np.testing.assert_array_equal(within, alone)


@pytest.mark.parametrize("name", PROFILES)
def test_network_and_filter_take_turns_with_the_groups_of_the_first(name):
    constants, y = PROFILES[name], tensor(sample(40, 48))
    network = registry.create("nonloc-s", channels=1)
    first = network.restore(y, SIGMA)
    groups = find(first, constants)
    xhat = reinforce(first, groups, constants.shares[0] * 25 / 255, constants)
    z = constants.trust * y + (1 - constants.trust) * xhat
    second = network.restore(z, GaussianNoise(constants.trust * 25))
    expected = reinforce(second, groups, constants.shares[1] * constants.trust * 25 / 255, constants)
    made = registry.create("nn3d", channels=1, arguments={"profile": name})
    torch.testing.assert_close(made.restore(y, SIGMA), expected, atol=1e-6, rtol=0)


def test_the_authors_constants_are_those_of_the_paper():
    authors = PROFILES["authors"]
    assert (authors.shares, authors.trust, authors.patch, authors.count) == ((1 / 4, 1 / 4), 1 / 2, 10, 32)


def test_the_filter_sees_as_far_as_it_says():
    constants = PROFILES["ours"]
    before = sample(130, 130).samples
    after = before.copy()
    after[65, 65] += 0.3
    restored = [
        reinforce(p, find(p, constants), 0.05, constants)
        for p in map(torch.from_numpy, (before[None, None], after[None, None]))
    ]
    moved = torch.nonzero((restored[0] - restored[1])[0, 0])
    assert 30 < int((moved - 65).abs().max()) <= constants.reach


def test_the_card_tells_the_reach_of_both_passes():
    card, constants = registry.card("nn3d"), PROFILES["ours"]
    network = registry.card("nonloc-s")
    assert card.halo_exact == 2 * (network.halo_exact + constants.reach)
    assert registry.create("nn3d", channels=1).card.halo_exact == card.halo_exact
    assert card.grid % network.grid == 0
    assert card.grid % constants.step == 0


def test_a_piece_with_its_rim_is_filtered_as_in_the_whole():
    whole = torch.from_numpy(sample(80, 60).samples)[None, None]
    piece = whole[..., 6 : 6 + 30 + 2 * SMALL.reach, :]
    restored = [reinforce(p, find(p, SMALL), 0.1, SMALL) for p in (whole, piece)]
    rim = SMALL.reach
    torch.testing.assert_close(
        restored[1][..., rim : rim + 30, :], restored[0][..., 6 + rim : 36 + rim, :], atol=2e-6, rtol=0
    )


def test_with_the_fast_halo_tiles_differ_by_less_than_half_a_level():
    picture = sample(190, 100)
    whole, fast = (run(Plan("nn3d", SIGMA, tile=tile, halo="fast"), picture)[0].samples for tile in (None, 96))
    assert 0 < np.abs(fast - whole).max() < 0.5 / 255


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 30), (17, 20)])
def test_any_size_comes_back_as_it_was(height, width):
    picture = sample(height, width)
    restored = run(Plan("nn3d", SIGMA), picture)[0].samples
    assert restored.shape == picture.samples.shape
    assert np.isfinite(restored).all()


def test_what_it_cannot_do_is_refused():
    with pytest.raises(UsageError, match="Give sigma"):
        registry.create("nn3d", channels=1).restore(tensor(sample(20, 20)), None)
    with pytest.raises(SigmaOutOfRange):
        registry.create("nn3d", channels=1, sigma=80)
    with pytest.raises(CardError, match="nonloc-s"):
        registry.create("nn3d", channels=1, arguments={"inner": "median"})


def test_a_network_without_weights_says_what_to_do():
    if registry.card("ffdnet").weights:
        pytest.skip("has weights")
    made = registry.create("nn3d", channels=1, arguments={"inner": "ffdnet"})
    with pytest.raises(WeightsError, match=r"nonloc train.*import-weights"):
        made.restore(tensor(sample(20, 20)), SIGMA)


@pytest.mark.data
def test_it_gains_over_its_network_at_strong_noise(data_root):
    gains = []
    for picture in load("bsd32val", root=data_root)[12:20:4]:
        clean = picture.pixels8("gray")[:240, :240]
        rng = np.random.default_rng([0, zlib.crc32(picture.name.encode())])
        noisy = Image(GaussianNoise(50).apply(clean / 255, rng).astype(np.float32), scale=1.0)
        reached = [
            psnr(clean, im2uint8(run(Plan(name, GaussianNoise(50)), noisy)[0].samples), data_range=255)
            for name in ("nonloc-s", "nn3d")
        ]
        gains.append(reached[1] - reached[0])
    assert np.mean(gains) > 0.05  # 0.14 measured


def test_the_card_stands_for_its_row():
    card = registry.card("nn3d")
    row = next(row for row in table2_rows() if row.name == card.table2)
    published = next(score for score in card.scores if score["by"] == "published")
    assert {float(sigma): psnr for sigma, psnr in published["psnr"].items()} == row.article
    assert card.fidelity == "re-creation"
