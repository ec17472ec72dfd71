"""FFDNet: its size, its reach, its noise map, and the checked figures with the authors' weights."""

import authors
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.image.image import Image
from nonloc.methods import registry
from nonloc.methods.networks.ffdnet import FFDNet, FFDNetMethod
from nonloc.metrics.psnr import im2uint8, psnr

COLOUR = {"channels": 3, "depth": 12, "features": 96}


def count(module):
    return sum(p.numel() for p in module.parameters())


def on(module, samples, sigma, tile=None):
    """What the engine makes of noisy float `samples`."""
    method = FFDNetMethod(registry.card("ffdnet"), module=module)
    restored, _ = run(Plan(method, GaussianNoise(sigma), tile=tile), Image(samples, scale=1.0))
    return restored.samples


def reach(module, side=82):
    """How many pixels from the middle 2 x 2 block the farthest is that the block depends on."""
    for parameter in module.parameters():
        torch.nn.init.constant_(parameter, 0.5)  # positive, so that no ReLU hides a path
    y = torch.ones(1, 1, side, side, requires_grad=True)
    first = side // 2 // 2 * 2
    module(y, 0.1)[0, 0, first : first + 2, first : first + 2].sum().backward()
    rows, columns = torch.nonzero(y.grad[0, 0], as_tuple=True)
    far = {first - int(rows.min()), int(rows.max()) - first - 1, int(columns.max()) - first - 1}
    assert len(far) == 1
    return far.pop()


def test_has_the_papers_number_of_parameters():
    assert count(FFDNet()) == 485_316
    assert count(FFDNet(**COLOUR)) == 852_108


def test_a_block_sees_two_pixels_a_convolution_and_the_card_tells_the_most():
    assert reach(FFDNet(depth=12, features=2)) == 24
    assert reach(FFDNet(depth=15, features=2)) == registry.card("ffdnet").halo_exact


@settings(max_examples=30)
@given(height=st.integers(1, 90), width=st.integers(1, 90), channels=st.sampled_from([1, 3]))
def test_tiles_leave_no_trace(height, width, channels):
    torch.manual_seed(0)
    network = FFDNet(channels, features=4).eval()
    samples = np.random.default_rng(0).random((height, width, 3)[: 2 if channels == 1 else 3], dtype=np.float32)
    np.testing.assert_allclose(on(network, samples, 25, tile=16), on(network, samples, 25), atol=1e-5)


def test_an_odd_picture_is_padded_as_the_authors_do_by_its_last_row_and_column():
    torch.manual_seed(0)
    network = FFDNet(depth=4, features=8).eval()
    samples = np.random.default_rng(0).random((13, 17), dtype=np.float32)
    padded = np.pad(samples, ((0, 1), (0, 1)), mode="edge")
    np.testing.assert_array_equal(on(network, samples, 25), on(network, padded, 25)[:-1, :-1])


def test_the_level_is_a_number_one_for_each_picture_or_a_map_averaged_over_each_block():
    torch.manual_seed(0)
    network = FFDNet(depth=4, features=8).eval()
    y = torch.rand(2, 1, 6, 8)
    with torch.no_grad():
        flat = network(y, 0.1)
        torch.testing.assert_close(network(y, torch.tensor([0.1, 0.1])), flat)
        torch.testing.assert_close(network(y, torch.full((2, 1, 6, 8), 0.1)), flat)
        torch.testing.assert_close(network(y, torch.tensor([0.1, 0.3]))[1:], network(y[1:], 0.3))
        checks = torch.tensor([[0.0, 0.2], [0.2, 0.0]]).repeat(3, 4).expand(2, 1, 6, 8)
        torch.testing.assert_close(network(y, checks), flat)


def test_bfloat16_does_not_round_the_picture_that_leaves():
    torch.manual_seed(0)
    network = FFDNet(depth=3, features=8).eval()
    torch.nn.init.zeros_(network.last.weight)
    torch.nn.init.constant_(network.last.bias, 0.7)  # not a bfloat16
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        restored = network(torch.rand(1, 1, 4, 4), 0.1)
    torch.testing.assert_close(restored, torch.full((1, 1, 4, 4), 0.7), rtol=0, atol=1e-7)


def gray(data_root):
    return authors.load(FFDNet(), data_root / "reference/ffdnet/FFDNet_gray.mat")


def colour(data_root):
    return authors.load(FFDNet(**COLOUR), data_root / "reference/ffdnet/FFDNet_color.mat")


def score(module, clean, samples, sigma):
    return psnr(clean, im2uint8(on(module, samples, sigma)), data_range=255)


def crop_score(module, pictures, i, sigma, kind):
    return score(module, *authors.checked_crop(pictures, i, sigma, kind), sigma)


@pytest.mark.data
@pytest.mark.parametrize(("sigma", "expected"), [(15, 28.670), (25, 26.301), (50, 23.358)])
def test_the_authors_gray_weights_give_the_checked_figure_on_a_crop(data_root, sigma, expected):
    pictures = load("bsd68", root=data_root)
    assert crop_score(gray(data_root), pictures, 0, sigma, "gray") == pytest.approx(expected, abs=0.001)


@pytest.mark.data
@pytest.mark.parametrize(("sigma", "expected"), [(15, 31.162), (25, 28.494), (50, 25.373)])
def test_the_authors_colour_weights_give_the_checked_figure_on_a_crop(data_root, sigma, expected):
    pictures = load("cbsd68", root=data_root)
    assert crop_score(colour(data_root), pictures, 0, sigma, "rgb") == pytest.approx(expected, abs=0.001)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("sigma", "expected"),
    [(25, 29.05), *(pytest.param(*c, marks=pytest.mark.whole_sets) for c in ((15, 31.46), (50, 26.33)))],
)
def test_the_authors_gray_weights_give_the_checked_figures_on_seventeen_pictures(data_root, sigma, expected):
    network, scores = gray(data_root), []
    for picture in load("bsd68", root=data_root)[::4]:
        clean = picture.pixels8("gray")
        noise = np.random.default_rng(0).standard_normal(clean.shape) * sigma
        scores.append(score(network, clean, ((clean + noise) / 255).astype(np.float32), sigma))
    assert np.mean(scores) == pytest.approx(expected, abs=0.0051)  # checked with two digits


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("sigma", "expected"), [(15, 32.389), (25, 29.607), (50, 26.235)])
def test_the_authors_colour_weights_give_the_checked_figures_on_twelve_crops(data_root, sigma, expected):
    network = colour(data_root)
    pictures = load("cbsd68", root=data_root)
    scores = [crop_score(network, pictures, i, sigma, "rgb") for i in range(12)]
    assert np.mean(scores) == pytest.approx(expected, abs=0.001)
