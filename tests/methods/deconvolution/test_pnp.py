"""Plug-and-play: known answers of the scheme, borders that are unknown, and pictures that come back sharper."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import fftconvolve

from nonloc.datasets import load
from nonloc.degradation import GaussianNoise, KernelBlur, MotionBlur, Sequence
from nonloc.engine import Plan, run
from nonloc.errors import CardError, SigmaOutOfRange, UsageError
from nonloc.image.image import Image
from nonloc.methods import registry
from nonloc.methods.deconvolution.operators import Blurred
from nonloc.methods.deconvolution.pnp import Frame, half_quadratic, turned, turned_back
from nonloc.testing import sample

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
from shake_kernels import shake


def psnr(clean, restored):
    return -10 * np.log10(np.square(clean - np.clip(restored, 0, 1)).mean())


def restored(method, degradation, pixels, **arguments):
    picture = Image(pixels.astype(np.float32), scale=1.0)
    return np.asarray(run(Plan(method, degradation, arguments=arguments), picture)[0].samples)


def unchanged(pixels, std):
    return pixels


def within(clean, kernel, sigma, seed=0):
    """The part of `clean` that is far enough from its borders, blurred by what is really around it; and its blur."""
    r = len(kernel) // 2
    sharp = clean[r:-r, r:-r]
    noise = np.random.default_rng(seed).standard_normal(sharp.shape)
    degradation = Sequence((KernelBlur(kernel), GaussianNoise(sigma)))
    return sharp, fftconvolve(clean, kernel, mode="valid") + sigma / 255 * noise, degradation


def test_the_levels_fall_evenly_in_logarithms_from_first_to_last():
    told = []
    y = torch.rand(1, 1, 8, 8)

    def denoise(pixels, std):
        told.append(std)
        return pixels

    half_quadratic(Blurred(np.ones((1, 1))), y, y, 0.02, denoise, 5, 0.16)
    np.testing.assert_allclose(told, 0.16 * 8 ** (-np.arange(5) / 4))


def test_one_step_is_the_data_step_then_the_denoiser():
    """By a kernel of one point the data step is a mean of y and z, weighted 1 and alpha."""
    y, z = torch.rand(2, 1, 1, 8, 8).double()
    x = half_quadratic(Blurred(np.ones((1, 1))), y, z, 0.1, lambda p, std: 2 * p, 1, 0.1, 0.1, lambda_=0.5)
    torch.testing.assert_close(x, 2 * (y + 0.5 * z) / 1.5)


def test_what_fits_the_measurement_stays():
    x = torch.rand(1, 1, 16, 24).double()
    operator = Blurred(shake(1, 9))
    torch.testing.assert_close(half_quadratic(operator, operator.forward(x), x, 0.01, unchanged, 4), x)


@given(k=st.integers(0, 40), height=st.integers(1, 6), width=st.integers(1, 6))
def test_a_view_is_turned_back(k, height, width):
    pixels = torch.rand(2, 3, height, width)
    assert torch.equal(turned_back(turned(pixels, k), k), pixels)


def test_eight_steps_see_eight_views():
    corner = torch.rand(1, 1, 2, 2)
    assert len({tuple(turned(corner, k).flatten().tolist()) for k in range(8)}) == 8


@given(height=st.integers(1, 90), width=st.integers(1, 90), rim=st.integers(0, 40), multiple=st.sampled_from([1, 4, 8]))
def test_a_frame_has_room_on_all_sides_and_gives_the_picture_back(height, width, rim, multiple):
    frame, pixels = Frame(height, width, rim, multiple), torch.rand(1, 2, height, width)
    wide = frame.around(pixels)
    assert torch.equal(frame.inside(wide), pixels)
    assert frame.seen(wide).shape == wide.shape[-2:]
    assert frame.seen(wide).sum() == height * width
    assert all(side % multiple == 0 for side in wide.shape[-2:])
    assert min(frame.beyond) >= rim
    twice = torch.nn.functional.interpolate(pixels, scale_factor=2)
    assert torch.equal(frame.larger(2).inside(torch.nn.functional.interpolate(wide, scale_factor=2)), twice)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_shaken_picture_comes_back_sharper(channels):
    clean = sample(90, 110, channels, sigma=0).samples
    kernel = shake(2, 11)
    planes = [within(plane, kernel, 2.55, seed) for seed, plane in enumerate(np.atleast_3d(clean).transpose(2, 0, 1))]
    sharp, blurred = (np.stack(parts, -1).squeeze() for parts in list(zip(*planes, strict=True))[:2])
    assert psnr(sharp, restored("pnp", planes[0][2], blurred)) > psnr(sharp, blurred) + 2.5


def test_a_kernel_of_one_point_leaves_a_denoiser():
    """With no blur, the end is about what the denoiser alone makes of the picture."""
    clean = sample(80, 80, sigma=0).samples
    noisy = sample(80, 80, sigma=15).samples
    point = Sequence((KernelBlur(np.ones((1, 1))), GaussianNoise(15)))
    ours, alone = restored("pnp", point, noisy), restored("nonloc-s", GaussianNoise(15), noisy)
    assert abs(psnr(clean, ours) - psnr(clean, alone)) < 1.0


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 40), (17, 20)])
def test_any_size_comes_back_as_it_was_under_a_kernel_that_is_larger(height, width):
    picture = sample(height, width).samples
    out = restored("pnp", Sequence((MotionBlur(21, 40), GaussianNoise(5))), picture)
    assert out.shape == picture.shape
    assert np.isfinite(out).all()


def test_what_it_cannot_do_is_refused():
    pixels = torch.rand(1, 1, 16, 16)
    with pytest.raises(UsageError, match="needs a kernel"):
        registry.create("pnp", channels=1).restore(pixels, GaussianNoise(5))
    with pytest.raises(SigmaOutOfRange):
        registry.create("pnp", channels=1, sigma=90)
    with pytest.raises(CardError, match="nonloc-s"):
        registry.create("pnp", channels=1, arguments={"inner": "dncnn"})


def test_without_noise_told_it_is_taken_for_the_least():
    blurred = sample(40, 40).samples
    least = Sequence((MotionBlur(5), GaussianNoise(0.255)))
    np.testing.assert_array_equal(*(restored("pnp", told, blurred) for told in (MotionBlur(5), least)))


@pytest.mark.slow
def test_it_never_diverges():
    clean = sample(48 + 26, 48 + 26, sigma=0).samples
    for seed in range(50):
        rng = np.random.default_rng(seed)
        kernel, sigma = shake(seed, 2 * int(rng.integers(2, 14)) + 1), float(rng.choice([0, 0.5, 2.55, 7.65, 25]))
        r = len(kernel) // 2
        sharp, blurred, degradation = within(clean[13 - r : 61 + r, 13 - r : 61 + r], kernel, sigma, seed)
        out = restored("pnp", degradation, blurred)
        assert psnr(sharp, out) > psnr(sharp, blurred), f"kernel {seed}, sigma {sigma:g}"


@pytest.mark.data
def test_a_border_taken_as_unknown_is_worth_ten_decibels(data_root):
    """A blur by what is really around the picture: taken for circular, its borders ring through all of it."""
    clean = load("bsd32val", root=data_root)[9].pixels8("gray")[40:266, 60:286] / 255
    sharp, blurred, degradation = within(clean, shake(3, 27), 2.55)
    y = torch.from_numpy(blurred)[None, None].float()
    method = registry.create("pnp", channels=1)
    with torch.inference_mode():
        x = half_quadratic(Blurred(shake(3, 27)), y, y, 0.01, method.denoise, 8)
    circular = psnr(sharp, x[0, 0].numpy())
    ours = psnr(sharp, restored("pnp", degradation, blurred))
    assert ours > 28  # 33.56 measured, and 20.45
    assert ours > circular + 10
