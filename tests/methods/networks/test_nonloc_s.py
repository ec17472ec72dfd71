"""nonloc-s: its reach, its map, and what it gains."""

import numpy as np
import pytest
import torch

import nonloc
from nonloc import testing
from nonloc.methods.networks.nonloc_s import NonlocS
from nonloc.methods.registry import card


def test_a_pixel_sees_as_far_as_the_card_says():
    found = card("nonloc-s")
    module = NonlocS(channels=1, **found.network)
    torch.nn.init.normal_(module.tail.weight)
    side = 2 * (found.halo_exact // 8 + 2) * 8
    noisy = torch.rand(1, 1, side, side, requires_grad=True)
    # a block of 8 x 8 shares its way down and up; its reach is counted from its rim
    block = slice(side // 2, side // 2 + 8)
    module(noisy, 0.1)[0, 0, block, block].square().sum().backward()
    rows = torch.nonzero(noisy.grad.abs().sum((0, 1, 3)))
    reach = max(block.start - int(rows.min()), int(rows.max()) - (block.stop - 1))
    assert reach == found.halo_exact


def test_a_map_of_one_level_equals_the_level():
    module = NonlocS(channels=3, widths=(8, 8, 8))
    torch.nn.init.normal_(module.tail.weight)
    noisy = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(module(noisy, 0.1), module(noisy, torch.full((1, 1, 16, 16), 0.1)))


@pytest.mark.parametrize("channels", [1, 3])
def test_levels_matter(channels):
    noisy = testing.sample(64, 64, channels, sigma=40)
    clean = testing.sample(64, 64, channels, sigma=0).samples
    errors = [
        np.square(nonloc.denoise(noisy.samples, sigma=sigma, method="nonloc-s") - clean).mean() for sigma in (10, 40)
    ]
    assert errors[1] < errors[0] / 2


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["bsd68", "cbsd68"])
def test_it_is_above_bm3d_on_pictures_it_never_saw(data_root, tmp_path, name):
    """Every sixteenth picture at sigma 25, paired on the same noise."""
    from nonloc.benchmark import bench

    found = bench([name], ["nonloc-s", "bm3d"], [25], every=16, results=tmp_path, root=data_root)
    ours, bm3d = ([row.psnr for row in found.only(method=method)] for method in ("nonloc-s", "bm3d"))
    assert np.mean(np.subtract(ours, bm3d)) > 0.1
