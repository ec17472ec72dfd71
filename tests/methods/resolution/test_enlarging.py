"""Networks that enlarge: their sizes, what they are before any training, and colour."""

import numpy as np
import pytest
import torch

from nonloc.degradation import Downscale
from nonloc.engine import Plan, run
from nonloc.image.image import Image
from nonloc.image.resize import resize
from nonloc.methods.registry import card, method_class
from nonloc.methods.resolution.any_factor import AnyFactor, nearest_factor
from nonloc.methods.resolution.dncnn_sr import DnCNNSR
from nonloc.methods.resolution.espcn import ESPCN
from nonloc.methods.resolution.fsrcnn import FSRCNN
from nonloc.methods.resolution.sr_fast import SrFast
from nonloc.methods.resolution.srcnn import SRCNN
from nonloc.testing import sample

NETWORKS = [SrFast, SRCNN, ESPCN, FSRCNN, DnCNNSR]


def count(module):
    return sum(p.numel() for p in module.parameters())


def made(name, factor=2, **network):
    """The method with a network that was not trained."""
    found = card(name)
    return method_class(found)(
        found, module=method_class(found).network(**{**found.network, "factor": factor, **network})
    )


def test_networks_have_the_sizes_of_their_papers():
    weights = {sides: count(SRCNN(sides=sides, skip=False)) for sides in [(9, 1, 5), (9, 3, 5), (9, 5, 5)]}
    assert weights == {(9, 1, 5): 8129, (9, 3, 5): 24513, (9, 5, 5): 57281}  # with 97 biases
    assert count(ESPCN(factor=3)) == 1664 + 18464 + 2601
    assert sum(p.numel() for n, p in FSRCNN().named_parameters() if p.ndim == 4) == 12464
    assert count(DnCNNSR()) == pytest.approx(668_000, rel=0.01)


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("network", NETWORKS[:4])
def test_an_untrained_network_is_bicubic_interpolation(network, factor):
    x = torch.rand(2, 1, 13, 9)
    assert torch.allclose(network(factor=factor)(x), resize(x, factor))


@pytest.mark.parametrize("network", NETWORKS)
def test_every_number_learns(network):
    torch.manual_seed(0)
    module = network(factor=2)
    for parameter in module.parameters():  # what starts as zero would hold back the rest
        torch.nn.init.normal_(parameter, std=0.1)
    module(torch.rand(2, 1, 12, 12)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())


def test_colour_follows_bicubic_and_gray_in_colour_is_gray():
    torch.manual_seed(0)
    method = made("sr-fast")
    torch.nn.init.normal_(method.module.last.weight, std=0.1)
    told = Downscale(2)
    gray = torch.rand(1, 1, 10, 11)
    large = method.restore(gray, told)
    assert not torch.allclose(large, resize(gray, 2), atol=1e-3)
    assert torch.allclose(method.restore(gray.expand(1, 3, -1, -1), told), large.expand(1, 3, -1, -1), atol=1e-5)
    colour = torch.rand(1, 3, 10, 11)
    beyond = method.restore(colour, told) - resize(colour, 2)
    assert torch.allclose(beyond, beyond.mean(1, keepdim=True).expand_as(beyond), atol=1e-5)


@pytest.mark.parametrize("factor", [2.5, 1.5, 4.0])
def test_a_network_for_three_times_serves_other_factors_in_tiles_and_whole(factor):
    torch.manual_seed(0)
    inside = made("sr-fast", factor=3)
    torch.nn.init.normal_(inside.module.last.weight, std=0.05)
    picture = sample(101, 83, 3, sigma=0)
    whole, tiled = (
        np.asarray(run(Plan(AnyFactor(inside, 3), Downscale(factor), tile=tile), picture)[0].samples)
        for tile in (None, 32)
    )
    assert whole.shape == (int(np.ceil(101 * factor)), int(np.ceil(83 * factor)), 3)
    assert np.abs(whole - tiled).max() < 2e-5


def test_the_next_factor_above_is_taken():
    assert [nearest_factor((2, 3, 4), f) for f in (1.2, 2, 2.1, 4, 9)] == [2, 2, 3, 4, 4]


@pytest.mark.parametrize("name", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("factor", [1.5, 2, 3.7, 0.4])
def test_interpolation_by_any_factor_is_the_same_in_tiles(name, factor):
    picture = sample(90, 77, 1)
    whole, tiled = (
        np.asarray(run(Plan(name, Downscale(factor), tile=tile), picture)[0].samples) for tile in (None, 20)
    )
    assert whole.shape == (int(np.ceil(round(90 * factor, 9))), int(np.ceil(round(77 * factor, 9))))
    assert np.abs(whole - tiled).max() < 1e-5
    assert np.allclose(
        whole, resize(picture.samples, factor, method=name if name != "lanczos" else "lanczos3"), atol=1e-6
    )


def test_alpha_grows_with_the_picture():
    rng = np.random.default_rng(0)
    picture = Image(
        rng.integers(0, 256, (20, 30, 3), np.uint8), 1 / 255, alpha=rng.integers(0, 256, (20, 30), np.uint8)
    )
    large, record = run(Plan("bicubic", Downscale(2)), picture)
    assert large.alpha.shape == (40, 60)
    assert record.factor == 2
    assert np.array_equal(large.alpha, resize(picture.alpha, 2))
