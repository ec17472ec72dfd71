"""DnCNN: its size, its reach, the merged form, and the published figures with the authors' weights."""

import authors
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nonloc.benchmark.draws import Track, noisy
from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.errors import SigmaOutOfRange, UsageError
from nonloc.image.image import Image
from nonloc.methods import registry
from nonloc.methods.networks.dncnn import DnCNN, DnCNNMethod, fold
from nonloc.metrics.psnr import im2uint8, psnr

SET12_AT_25 = [30.18, 33.06, 30.87, 29.41, 30.28, 29.13, 29.43, 32.44, 30.00, 30.21, 30.10, 30.12]


def count(module):
    return sum(p.numel() for p in module.parameters())


def on(module, samples, sigma, tile=None):
    """What the engine makes of noisy float `samples`."""
    method = DnCNNMethod(registry.card("dncnn"), module=module)
    restored, _ = run(Plan(method, GaussianNoise(sigma), tile=tile), Image(samples, scale=1.0))
    return restored.samples


def trained(**arguments):
    """A network whose normalisations have seen something, as after a training."""
    torch.manual_seed(0)
    network = DnCNN(**arguments)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
            torch.nn.init.normal_(layer.bias, std=0.1)
            torch.nn.init.normal_(layer.running_mean, std=0.3)
            torch.nn.init.uniform_(layer.running_var, 0.5, 2.0)
    return network.eval()


def reach(module, side=61):
    """How many pixels from the middle one the farthest is that it depends on."""
    for parameter in module.parameters():
        torch.nn.init.constant_(parameter, 0.5)  # positive, so that no ReLU hides a path
    y = torch.ones(1, 1, side, side, requires_grad=True)
    middle = side // 2
    module.eval()(y)[0, 0, middle, middle].backward()
    rows, columns = torch.nonzero(y.grad[0, 0], as_tuple=True)
    return max(int((rows - middle).abs().max()), int((columns - middle).abs().max()))


def test_has_the_papers_number_of_parameters():
    assert count(DnCNN()) == 556_097
    assert count(DnCNN(norm=False)) == 555_137
    assert count(DnCNN(depth=20)) == 667_073
    assert count(DnCNN(depth=20, norm=False)) == 665_921


def test_a_pixel_sees_one_pixel_a_convolution_and_the_card_tells_the_most():
    assert reach(DnCNN(depth=17, features=2)) == 17
    assert reach(DnCNN(depth=20, features=2)) == registry.card("dncnn").halo_exact


def test_tiles_leave_no_trace():
    network = trained(depth=20, features=4)
    samples = np.random.default_rng(0).random((70, 53), dtype=np.float32)
    np.testing.assert_allclose(on(network, samples, 25, tile=16), on(network, samples, 25), atol=1e-5)


@given(
    channels=st.sampled_from([1, 3]),
    depth=st.integers(2, 6),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
def test_folded_equals_the_network_with_its_normalisations(channels, depth, height, width):
    network = trained(channels=channels, depth=depth, features=6)
    y = torch.rand(2, channels, height, width)
    with torch.no_grad():
        torch.testing.assert_close(fold(network)(y), network(y), rtol=1e-5, atol=1e-5)


def test_folding_refuses_what_it_would_drop():
    network = DnCNN(1, 4, 8)
    network.noise.insert(2, torch.nn.Dropout())
    with pytest.raises(UsageError, match="Dropout"):
        fold(network)


def test_folding_leaves_the_network_as_it_was():
    network = trained(depth=4, features=6).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fold(network)
    assert network.training
    assert network.noise[3].training
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


def test_predicts_the_noise():
    network = DnCNN(features=4, depth=3, norm=False).eval()
    torch.nn.init.zeros_(network.noise[-1].weight)
    torch.nn.init.constant_(network.noise[-1].bias, 0.125)
    y = torch.rand(1, 1, 5, 7)
    torch.testing.assert_close(network(y), y - 0.125)


def test_a_level_beyond_the_papers_is_refused():
    with pytest.raises(SigmaOutOfRange, match="80"):
        registry.choose_weights(registry.card("dncnn"), 1, 80)


def reference(data_root, name, **arguments):
    return authors.load(DnCNN(**arguments, norm=False), data_root / "reference" / name)


def score(module, picture, sigma):
    """PSNR by the main track: MATLAB's noise, 8-bit output, whole picture."""
    clean = picture.pixels8("gray")
    restored = on(module, noisy(clean, picture.path.name, sigma, Track("matlab4")), sigma)
    return psnr(clean, im2uint8(restored), data_range=255)


@pytest.mark.data
@pytest.mark.parametrize(("sigma", "expected"), [(15, 32.6051), (25, 30.1839), (50, 27.0298)])
def test_the_authors_weights_give_their_figure_on_the_cameraman(data_root, sigma, expected):
    network = reference(data_root, f"dncnn/dncnn_s_sigma{sigma}.mat")
    assert score(network, load("set12", root=data_root)[0], sigma) == pytest.approx(expected, abs=0.002)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("count", [4, pytest.param(12, marks=pytest.mark.whole_sets)])
def test_the_authors_weights_give_their_figures_on_set12(data_root, count):
    network = reference(data_root, "dncnn/dncnn_s_sigma25.mat")
    scores = [score(network, picture, 25) for picture in load("set12", root=data_root)[:count]]
    assert [round(value, 2) for value in scores] == SET12_AT_25[:count]


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.whole_sets
@pytest.mark.timeout(1800)
def test_the_authors_weights_give_their_figure_on_bsd68(data_root):
    network = reference(data_root, "dncnn/dncnn_s_sigma25.mat")
    scores = [score(network, picture, 25) for picture in load("bsd68", root=data_root)]
    assert np.mean(scores) == pytest.approx(29.2281, abs=0.002)


@pytest.mark.data
@pytest.mark.slow
def test_the_authors_blind_weights_give_their_checked_figure_on_seven_pictures(data_root):
    network = reference(data_root, "dncnn/dncnn_b_gray_blind.mat", depth=20)
    scores = [score(network, picture, 25) for picture in load("set12", root=data_root)[:7]]
    assert np.mean(scores) == pytest.approx(30.280, abs=0.06)  # checked with another draw, which moves it by 0.03


def crop_score(module, pictures, i, sigma):
    clean, samples = authors.checked_crop(pictures, i, sigma, "rgb")
    return psnr(clean, im2uint8(on(module, samples, sigma)), data_range=255)


@pytest.mark.data
def test_the_authors_colour_weights_give_the_checked_figure_on_a_crop(data_root):
    network = reference(data_root, "cdncnn/GD_Color_Blind.mat", channels=3, depth=20)
    assert crop_score(network, load("cbsd68", root=data_root), 0, 25) == pytest.approx(28.579, abs=0.001)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("sigma", "expected"), [(15, 32.465), (25, 29.692), (50, 26.289)])
def test_the_authors_colour_weights_give_the_checked_figures_on_twelve_crops(data_root, sigma, expected):
    network = reference(data_root, "cdncnn/GD_Color_Blind.mat", channels=3, depth=20)
    pictures = load("cbsd68", root=data_root)
    scores = [crop_score(network, pictures, i, sigma) for i in range(12)]
    assert np.mean(scores) == pytest.approx(expected, abs=0.001)
