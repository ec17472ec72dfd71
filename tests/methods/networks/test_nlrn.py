"""NLRN: its numbers, its steps as the paper has them, patches and tiles, training, and the authors' weights."""

import copy
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from nonloc.datasets import DatasetPicture, load
from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.engine.execute import prepare
from nonloc.errors import MemoryLimit, UsageError
from nonloc.image.image import Image
from nonloc.importing import import_weights
from nonloc.methods import registry
from nonloc.methods.networks.nlrn import AFFINITIES, NLRN, NLRNMethod, restore_patches, starts
from nonloc.metrics.psnr import im2uint8, psnr
from nonloc.nonlocal_ops.definition import non_local
from nonloc.training.loop import Training
from nonloc.training.recipe import Data, Schedule, Validate, read_recipe

TINY = {"steps": 2, "features": 6, "embedding": 4, "window": 5}


def trained(**arguments):
    """A small network whose normalisations and values have seen something, as after a training."""
    torch.manual_seed(0)
    network = NLRN(**{**TINY, **arguments})
    torch.nn.init.normal_(network.g.weight, std=0.3)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
            torch.nn.init.normal_(layer.bias, std=0.1)
            torch.nn.init.normal_(layer.running_mean, std=0.3)
            torch.nn.init.uniform_(layer.running_var, 0.5, 2.0)
    network.norm_in.running_mean.fill_(110)
    network.norm_in.running_var.fill_(3600)
    return network.eval()


def as_written(network, x):
    """The forward pass word for word, with the definition of the non-local operation."""
    y = network.first(network.norm_in(255 * x))
    h, S = y, None
    for t in range(network.steps):
        norms = network.norms[t]
        r = torch.relu(norms.before(h))
        theta = network.theta(r) if network.theta is not None else r
        phi = network.phi(r) if network.phi is not None else theta
        z, S = non_local(
            theta, None if network.phi is None else phi, network.g(r),
            affinity=network.affinity, window=network.window, border=network.border, carried=S,
        )  # fmt: skip
        if not network.propagation:
            S = None
        r = norms.between(r + z)
        r = torch.relu(norms.within(network.a(r)))
        h = network.b(r) + y
    return x + network.last(torch.relu(network.norm_out(h))) / 255


def through_engine(module, samples, *, card=None, sigma=15, tile=None, **arguments):
    method = NLRNMethod(card or registry.card("nlrn"), module=module, **arguments)
    restored, _ = run(Plan(method, GaussianNoise(sigma), tile=tile), Image(samples, scale=1.0))
    return restored.samples


def test_has_the_papers_number_of_parameters():
    network = NLRN()
    norms = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    affine = sum(p.numel() for layer in norms for p in layer.parameters())
    assert len(norms) == 38
    assert affine == 9_474
    assert sum(p.numel() for p in network.parameters()) - affine == 330_625
    assert sum(p.numel() for p in NLRN(steps=15).parameters()) == 342_403


@settings(max_examples=40)
@given(
    affinity=st.sampled_from(AFFINITIES),
    border=st.sampled_from(["clamp", "mask"]),
    propagation=st.booleans(),
    steps=st.integers(1, 3),
    height=st.integers(1, 11),
    width=st.integers(1, 11),
)
def test_both_forms_are_the_steps_as_the_paper_has_them(affinity, border, propagation, steps, height, width):
    network = trained(affinity=affinity, border=border, propagation=propagation, steps=steps)
    x = torch.rand(2, 1, height, width, generator=torch.Generator().manual_seed(height * 11 + width))
    written = as_written(network, x).detach()
    torch.testing.assert_close(network(x).detach(), written, rtol=0, atol=2e-5)
    with torch.inference_mode():
        torch.testing.assert_close(network(x), written, rtol=0, atol=2e-5)


def test_half_precision_is_used_for_the_products_only():
    network, x = trained(), torch.rand(1, 1, 20, 20)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        quick = network(x)
    with torch.inference_mode():
        exact = network(x)
    assert quick.dtype == torch.float32
    torch.testing.assert_close(quick, exact, rtol=0, atol=0.1 / 255)


def test_an_untrained_network_does_not_look_far():
    networks = []
    for window in (3, 9):
        torch.manual_seed(1)
        networks.append(NLRN(**{**TINY, "window": window}).eval())
    x = torch.rand(1, 1, 12, 12)
    with torch.no_grad():
        torch.testing.assert_close(networks[0](x), networks[1](x), rtol=0, atol=1e-6)
        for network in networks:
            torch.nn.init.normal_(network.g.weight)
        assert (networks[0](x) - networks[1](x)).abs().max() > 1e-5


def test_similarities_of_earlier_steps_count_in_later_ones():
    x = torch.rand(1, 1, 9, 9)
    for steps, same in ((1, True), (2, False)):
        with torch.no_grad():
            carried, forgotten = (trained(steps=steps, propagation=on)(x) for on in (True, False))
        assert torch.equal(carried, forgotten) == same


def test_an_unknown_affinity_is_refused():
    with pytest.raises(UsageError, match="embedded"):
        NLRN(affinity="cosine")


def test_thrifty_training_gives_the_same_gradients_and_statistics():
    plain, thrifty = trained().train(), trained(thrifty=True).train()
    x = torch.rand(3, 1, 8, 8)
    for network in (plain, thrifty):
        network(x).square().mean().backward()
    for (name, ours), theirs in zip(plain.named_parameters(), thrifty.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-7, msg=name)
    for (name, ours), theirs in zip(plain.named_buffers(), thrifty.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, msg=name)


def test_no_pixel_sees_further_than_the_cards_halo():
    """22 pixels a step for a window of 45, 2 for its convolutions, and 1 at each end."""
    assert registry.card("nlrn").halo_exact == 12 * (22 + 2) + 2
    network, halo = trained(), 2 * (2 + 2) + 2
    x = torch.rand(1, 1, 41, 41, requires_grad=True)
    network(x)[0, 0, 20, 20].backward()
    rows, columns = torch.nonzero(x.grad[0, 0], as_tuple=True)
    assert int((rows - 20).abs().max()) == int((columns - 20).abs().max()) == halo


@pytest.mark.parametrize(("mode", "stride"), [("window", 7), ("patch", 3), ("patch", 4)])
def test_tiles_leave_no_trace(mode, stride):
    samples = np.random.default_rng(0).random((71, 58), dtype=np.float32)
    card = replace(registry.card("nlrn"), halo_exact=10, minimum=5)
    whole, tiled = (
        through_engine(trained(), samples, card=card, tile=tile, mode=mode, stride=stride) for tile in (None, 16)
    )
    np.testing.assert_allclose(tiled, whole, atol=1e-4)


def test_a_large_picture_is_cut_to_fit_and_exactness_beyond_the_memory_is_refused_with_the_figure():
    method = NLRNMethod(registry.card("nlrn"), module=trained())
    scan = Image(np.zeros((2400, 3600), np.uint8), scale=1 / 255)
    _, record = prepare(Plan(method, GaussianNoise(15), halo="fast"), scan)
    assert record.tile
    assert record.peak <= 2 << 30
    assert record.expected_cpu_seconds > 1000
    with pytest.raises(MemoryLimit, match=r"\d{4} MiB are needed"):
        prepare(Plan(method, GaussianNoise(15), halo="exact"), scan)
    photo = Image(np.zeros((321, 481), np.uint8), scale=1 / 255)
    assert prepare(Plan(method, GaussianNoise(15), halo="exact"), photo)[1].tile is None  # 2 GiB are enough for BSD68


@pytest.mark.parametrize("mode", ["window", "patch"])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 50)])
def test_pictures_smaller_than_a_window_are_restored(mode, size):
    samples = np.random.default_rng(0).random(size, dtype=np.float32)
    restored = through_engine(trained(window=45), samples, mode=mode)
    assert restored.shape == size
    assert np.isfinite(restored).all()


@given(st.integers(1, 30), st.integers(1, 12), st.integers(1, 12))
def test_patches_cover_everything_and_end_flush(length, side, stride):
    places = starts(length, side, stride)
    assert places[0] == 0
    assert places[-1] == max(length - side, 0)
    if stride <= side:
        assert {i for start in places for i in range(start, min(start + side, length))} == set(range(length))
    assert all(later - earlier <= stride for earlier, later in pairwise(places))


def test_a_picture_of_one_patch_is_the_same_in_both_modes():
    network, x = trained(), torch.rand(1, 1, 5, 5)
    with torch.inference_mode():
        torch.testing.assert_close(restore_patches(network, x, 5, 2), network(x))


def test_overlapping_patches_are_averaged_with_equal_weights():
    class Mean(torch.nn.Module):
        def forward(self, x):
            return x.mean((2, 3), keepdim=True).expand_as(x)

    x = torch.rand(1, 1, 3, 4)
    restored = restore_patches(Mean(), x, 3, 1)
    first, second = x[..., :3].mean(), x[..., 1:].mean()
    expected = torch.stack([first, (first + second) / 2, (first + second) / 2, second]).expand(1, 1, 3, 4)
    torch.testing.assert_close(restored, expected)


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A tiny data set of our own, found where the training looks."""
    from PIL import Image as PillowImage

    rng, found = np.random.default_rng(0), []
    for i in range(2):
        path = tmp_path / f"{i}.png"
        coarse = PillowImage.fromarray(rng.integers(0, 256, (6, 6), dtype=np.uint8))
        coarse.resize((60, 50), PillowImage.Resampling.BICUBIC).save(path)
        found.append(DatasetPicture(path.stem, path))
    for module in ("nonloc.training.data.load", "nonloc.training.validation.load"):
        monkeypatch.setattr(module, lambda name: found)


@pytest.mark.parametrize("sigma", [15, 25, 50])
def test_our_recipes_train_at_a_small_size(pictures, tmp_path, sigma):
    ours = read_recipe(f"nlrn-{sigma}")
    assert (ours.degradation, ours.data.patch, ours.data.batch) == (f"gaussian:{sigma}", 43, 16)
    small = replace(
        ours,
        network={**ours.network, "steps": 2, "features": 16, "embedding": 8},
        data=Data(("open",), patch=17, batch=4),
        schedule=Schedule(steps=50),
        optimizer=replace(ours.optimizer, rate=1e-2),  # 50 steps are few
        validate=Validate(steps=1000, count=1, sigma=(sigma,)),
        precision="fp32",
    )
    losses = []
    training = Training(small, tmp_path / "run")
    training.run(lambda event: losses.append(event.loss), tell_every=10)
    assert losses[4] < 0.75 * losses[0]


def checked(data_root, **arguments):
    """The authors' network for sigma 15."""
    found = import_weights(data_root / "reference" / "nlrn")
    network = NLRN(**found.facts.network, **arguments)
    network.load_state_dict(found.state)
    return network.eval().requires_grad_(False)


def noisy_and_clean(data_root, name, where=(slice(None), slice(None))):
    """A place of a picture of Set12, after the noise was added to the whole of it."""
    picture = next(p for p in load("set12", root=data_root) if p.path.name == name)
    clean = picture.pixels8("gray")
    noisy = clean / 255 + np.random.RandomState(0).randn(*clean.shape) * (15 / 255.0)
    return np.ascontiguousarray(noisy[where], dtype=np.float32), clean[where]


def cut(top, left, side):
    return slice(top, top + side), slice(left, left + side)


HOUSE, BARBARA = ("02.png", cut(64, 64, 128)), ("09.png", cut(300, 100, 128))


def score(data_root, place, *, network=None, **arguments):
    noisy, clean = noisy_and_clean(data_root, *place)
    restored = through_engine(network or checked(data_root), noisy, **arguments)
    return psnr(clean, im2uint8(restored), data_range=255)


@pytest.mark.data
@pytest.mark.parametrize(("top", "left", "expected"), [(300, 100, 31.522), (100, 400, 33.832)])
def test_the_authors_weights_give_their_figure_on_one_patch(data_root, top, left, expected):
    noisy, clean = noisy_and_clean(data_root, "09.png", cut(top, left, 45))
    restored = through_engine(checked(data_root), noisy)
    assert psnr(clean / 255, restored.clip(0, 1), data_range=1) == pytest.approx(expected, abs=0.001)


@pytest.mark.data
def test_the_authors_weights_give_their_figure_on_a_crop(data_root):
    assert score(data_root, BARBARA) == pytest.approx(34.4219, abs=0.005)


@pytest.mark.data
@pytest.mark.slow
def test_the_authors_weights_give_their_figure_on_another_crop(data_root):
    assert score(data_root, HOUSE) == pytest.approx(33.7177, abs=0.005)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("place", "expected"), [(HOUSE, 33.7386), (BARBARA, 34.4023)])
def test_the_authors_weights_give_their_figures_with_a_masked_border(data_root, place, expected):
    assert score(data_root, place, network=checked(data_root, border="mask")) == pytest.approx(expected, abs=0.005)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("place", "stride", "expected"),
    [
        (HOUSE, 45, 33.6237),
        (BARBARA, 45, 34.2562),
        (HOUSE, 22, 33.6116),
        pytest.param(BARBARA, 14, 34.4416, marks=pytest.mark.whole_sets),  # half a minute, and more than one
        pytest.param(HOUSE, 7, 33.6776, marks=pytest.mark.whole_sets),
    ],
)
def test_the_authors_weights_give_their_figures_in_patches(data_root, place, stride, expected):
    assert score(data_root, place, mode="patch", stride=stride) == pytest.approx(expected, abs=0.005)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("name", "expected"), [("02.png", 35.4320), pytest.param("01.png", 32.8167, marks=pytest.mark.whole_sets)]
)
def test_the_authors_weights_give_their_figures_on_whole_pictures(data_root, name, expected):
    assert score(data_root, (name,)) == pytest.approx(expected, abs=0.005)


@pytest.mark.data
def test_the_normalisations_need_tensorflows_constant(data_root):
    """With torch's own, 1e-5, the same weights lose 0.05 dB."""
    network = copy.deepcopy(checked(data_root))
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            assert layer.eps == 1e-3
            layer.eps = 1e-5
    noisy, clean = noisy_and_clean(data_root, "09.png", cut(300, 100, 45))
    restored = through_engine(network, noisy)
    assert psnr(clean / 255, restored.clip(0, 1), data_range=1) == pytest.approx(31.471, abs=0.002)


def test_padding_is_zero_after_the_normalisation():
    """Not gray, which would be zero before it."""
    network = trained(steps=0)
    x = torch.full((1, 1, 3, 3), 0.7)
    a = network.norm_in(255 * x)
    with torch.no_grad():
        expected = network.last(torch.relu(network.norm_out(F.conv2d(
            F.pad(a, (1, 1, 1, 1)), network.first.weight, network.first.bias)))) / 255  # fmt: skip
        torch.testing.assert_close(network(x), x + expected)
