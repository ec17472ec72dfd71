"""The examples for people with code of their own run, and do what they say."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

import nonloc
from nonloc.testing import sample

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="needs the examples of the checkout")


@pytest.fixture
def own_network():
    return runpy.run_path(str(EXAMPLES / "own_network.py"))


@pytest.fixture
def inside_deepinv():
    try:
        import deepinv  # noqa: F401
    except Exception as error:  # torchvision fails in its own ways where it does not fit torch
        pytest.skip(f"deepinv does not import: {error}")
    return runpy.run_path(str(EXAMPLES / "inside_deepinv.py"))


@pytest.fixture
def inside_a_loop():
    return runpy.run_path(str(EXAMPLES / "inside_a_loop.py"))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_of_ones_own_runs_in_tiles_as_on_the_whole(own_network, channels):
    picture = sample(90, 70, channels)
    whole, record = own_network["restored"](picture, tile=None)
    tiled, in_tiles = own_network["restored"](picture, tile=32)
    assert (record.tiles, in_tiles.tiles) == (1, 9)
    np.testing.assert_allclose(tiled.samples, whole.samples, atol=2e-5)
    assert np.abs(np.asarray(whole.samples) - picture.samples).max() > 0.05


def test_its_card_has_five_lines(own_network):
    lines = (EXAMPLES / "own_network.py").read_text(encoding="utf-8").split("CARD = Card(\n")[1].split("\n)\n")[0]
    assert len(lines.splitlines()) == 5
    assert own_network["CARD"].halo_exact == 6


def test_it_keeps_the_depth_of_a_file(own_network, tmp_path):
    deep = (sample(40, 50, sigma=0).samples.clip(0, 1) * 65535).round().astype(np.uint16)
    path = nonloc.write(nonloc.Image(deep, scale=1 / 65535), tmp_path / "deep.png")
    own_network["main"](path, tmp_path / "out.png")
    assert nonloc.read(tmp_path / "out.png").samples.dtype == np.uint16


def test_our_network_sharpens_and_learns_in_someone_elses_loop(inside_a_loop):
    before, after, losses = inside_a_loop["main"]()
    assert after > before + 1
    assert losses[-1] < losses[0]


def test_our_network_is_a_prior_of_deepinv_as_it_is(inside_deepinv):
    before, after = inside_deepinv["main"]()
    assert after > before + 3


def test_training_a_copy_leaves_the_shared_network_as_it_was(inside_a_loop):
    denoiser = nonloc.create("nonloc-s", channels=1, sigma=25).module
    frozen = {name: value.clone() for name, value in denoiser.state_dict().items()}
    mine, _ = inside_a_loop["trained"](denoiser, torch.full((1, 1, 32, 32), 0.5), steps=1)
    assert all(torch.equal(value, frozen[name]) for name, value in denoiser.state_dict().items())
    assert not all(torch.equal(value, frozen[name]) for name, value in mine.state_dict().items())
