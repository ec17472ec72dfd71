"""Zero-Shot Noise2Noise: the paper's sizes, halves that share no noise, and what it learns from one picture."""

import numpy as np
import pytest
import torch

from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.methods.registry import create
from nonloc.methods.self_supervised.zs_n2n import ZSN2N, errors, halves
from nonloc.metrics import psnr


def test_the_network_has_the_size_of_the_paper():
    assert sum(p.numel() for p in ZSN2N(3).parameters()) == 3 * 48 * 9 + 48 + 48 * 48 * 9 + 48 + 48 * 3 + 3


def test_the_halves_see_the_same_picture_and_none_of_each_others_noise():
    smooth = torch.linspace(0, 1, 20)[None, None, None].expand(1, 1, 20, 20)
    first, second = halves(smooth)
    assert torch.allclose(first, second)
    noise = torch.randn(1, 1, 400, 400, generator=torch.Generator().manual_seed(0))
    first, second = halves(noise)
    assert abs(float((first * second).mean())) < 0.01
    assert float(first.var()) == pytest.approx(0.5, rel=0.05)


def test_the_loss_is_the_papers():
    torch.manual_seed(0)
    y, f = torch.rand(1, 3, 8, 8), ZSN2N(3)
    d1, d2 = halves(y)
    r1, r2 = d1 - f(d1), d2 - f(d2)
    w1, w2 = halves(y - f(y))
    expected = ((r1 - d2).square().mean() + (r2 - d1).square().mean()) / 2
    expected = expected + ((r1 - w1).square().mean() + (r2 - w2).square().mean()) / 2
    assert torch.allclose(errors(f, y).mean(), expected)


def test_another_seed_gives_another_picture_and_the_same_seed_the_same():
    y = np.random.default_rng(0).random((1, 1, 24, 24), np.float32)
    one, same, other = (
        create("zs-n2n", channels=1, arguments={"steps": 30, "seed": seed}).restore(y, None) for seed in (0, 0, 1)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.data
def test_four_decibels_are_gained_from_the_picture_alone(data_root):
    clean = load("set12", root=data_root)[0].pixels8("gray")[:128, :128] / 255
    noisy = (clean + 25 / 255 * np.random.default_rng(0).standard_normal(clean.shape)).astype(np.float32)
    out = create("zs-n2n", channels=1, arguments={"steps": 200}).restore(noisy[None, None], GaussianNoise(25))[0, 0]
    assert psnr(clean, out, data_range=1) > psnr(clean, noisy, data_range=1) + 4
