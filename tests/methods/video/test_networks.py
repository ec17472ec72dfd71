"""The networks for clips: as large as in their papers, and what their docstrings say."""

import pytest
import torch

from nonloc.methods.registry import card
from nonloc.methods.video.deblurnet import DeblurNet
from nonloc.methods.video.fastdvdnet import FastDVDnet


def parameters(network) -> int:
    return sum(p.numel() for p in network.parameters())


def test_they_have_as_many_parameters_as_in_the_papers():
    assert parameters(FastDVDnet()) == pytest.approx(2.48e6, rel=0.005)
    assert parameters(DeblurNet()) == pytest.approx(15.3e6, rel=0.005)
    assert parameters(DeblurNet(width=0.25)) == pytest.approx(15.3e6 / 16, rel=0.02)


def test_frames_come_out_in_the_size_of_those_that_go_in():
    frames = torch.rand(2, 5, 3, 24, 40)
    assert FastDVDnet().eval()(frames, 0.1).shape == (2, 3, 24, 40)
    assert DeblurNet(width=0.125).eval()(frames).shape == (2, 3, 24, 40)
    assert DeblurNet(width=0.125, frames=1).eval()(frames[:, :1]).shape == (2, 3, 24, 40)


def test_a_residual_of_zero_gives_the_middle_frame_but_for_the_sigmoid():
    frames = torch.rand(1, 5, 3, 16, 16)
    linear, paper = DeblurNet(0.125, sigmoid=False).eval(), DeblurNet(0.125).eval()
    for network in (linear, paper):
        for parameter in network.f15.parameters():
            torch.nn.init.zeros_(parameter)
    torch.testing.assert_close(linear(frames), frames[:, 2])
    torch.testing.assert_close(paper(frames), torch.sigmoid(frames[:, 2]))


@pytest.mark.parametrize(
    ("name", "network", "told"),
    [("fastdvdnet", FastDVDnet, (0.1,)), ("deblurnet-linear", lambda: DeblurNet(0.125, sigmoid=False), ())],
)
def test_no_pixel_sees_further_than_the_card_says(name, network, told):
    found = card(name)
    side = 2 * found.halo_exact // 8 * 8 + 40
    frames = torch.rand(1, 5, 3, side, 8, dtype=torch.double).requires_grad_()
    made = network().eval().double()
    for middle in range(side // 2, side // 2 + found.grid):
        (slope,) = torch.autograd.grad(made(frames, *told)[..., middle, 4].sum(), frames)
        rows = slope.abs().sum((0, 1, 2, 4)).nonzero()
        assert middle - found.halo_exact <= rows.min()
        assert rows.max() <= middle + found.halo_exact


@pytest.mark.parametrize("name", ["fastdvdnet", "deblurnet", "deblurnet-linear"])
def test_without_weights_they_are_listed_and_not_run(name):
    assert not card(name).runnable
