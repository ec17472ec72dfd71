"""Enlarging as users call it."""

import numpy as np
import pytest

import nonloc
from nonloc.errors import CardError, UnknownMethod, UsageError
from nonloc.image.resize import resize


@pytest.fixture(scope="module")
def picture():
    y, x = np.mgrid[:40, :51]
    return (127 + 60 * np.sin(x / 4) + 60 * (y > 20)).astype(np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("factor", [2, 1.5, 3, 0.5])
def test_an_array_comes_back_larger_and_of_its_kind(picture, dtype, factor):
    given = (
        (picture / 255).astype(dtype)
        if dtype == np.float32
        else picture.astype(dtype) * (257 // (1 + 256 * (dtype == np.uint8)))
    )
    out = nonloc.upscale(given, factor)
    assert out.dtype == dtype
    assert out.shape == tuple(int(np.ceil(side * factor)) for side in given.shape)


def test_bicubic_is_the_exact_resize_but_for_the_rounding_between_axes(picture):
    out = nonloc.upscale(picture, 2, method="bicubic")
    assert np.abs(out.astype(int) - resize(picture, 2).astype(int)).max() <= 1


def test_a_file_keeps_its_profile_and_bits_and_grows(tmp_path, picture):
    rgb = np.stack([picture.astype(np.uint16) * 257] * 3, -1)
    image = nonloc.Image(
        rgb, 1 / 65535, metadata=nonloc.image.image.Metadata(icc=b"profile", resolution=(300, 300, "inch"))
    )
    nonloc.write(image, tmp_path / "in.tif")
    large, record = nonloc.upscale(tmp_path / "in.tif", 2, return_report=True)
    nonloc.write(large, tmp_path / "out.tif")
    back = nonloc.read(tmp_path / "out.tif")
    assert back.samples.shape == (80, 102, 3)
    assert back.dtype == np.uint16
    assert back.metadata.icc == b"profile"
    assert record.factor == 2


def test_factor_one_and_nonsense(picture):
    same, record = nonloc.upscale(picture, 1, return_report=True)
    assert np.array_equal(same, picture)
    assert not record.changed
    for wrong in (0, -2, float("nan"), 1000):
        with pytest.raises(UsageError, match="factor"):
            nonloc.upscale(picture, wrong)
    with pytest.raises(UsageError, match="there to denoise"):
        nonloc.upscale(picture, 2, method="bm3d")
    with pytest.raises(UnknownMethod, match="bicubic"):
        nonloc.upscale(picture, 2, method="bicubik")
    with pytest.raises(UsageError, match="upscale"):
        nonloc.denoise(picture, method="bicubic")
    with pytest.raises(CardError):
        nonloc.upscale(picture, 2, method="bicubic", arguments={"size": 3})


def test_a_noisy_picture_is_told_to_be_denoised_first(picture):
    noisy = (np.tile(picture, (4, 4)) / 255 + 0.08 * np.random.default_rng(0).standard_normal((160, 204))).astype(
        np.float32
    )
    _, record = nonloc.upscale(noisy, 2, return_report=True)
    assert any("denoise it first" in text for text in record.warnings)


def test_noise_that_is_told_is_undone_with_the_loss_of_resolution():
    rng = np.random.default_rng(0)
    clean = np.kron(rng.uniform(0.1, 0.9, (6, 6, 3)), np.ones((16, 16, 1)))
    small = clean.reshape(48, 2, 48, 2, 3).mean((1, 3))
    noisy = (small + rng.normal(0, 15 / 255, small.shape)).astype(np.float32)
    out, record = nonloc.upscale(noisy, 2, sigma=15, return_report=True)
    assert record.method == "sr-noisy"
    plain = nonloc.upscale(noisy, 2)
    assert np.mean((out - clean) ** 2) < np.mean((plain - clean) ** 2) / 1.5
    _, record = nonloc.upscale(noisy, 2.5, sigma=15, return_report=True)
    assert "denoise it first" in " ".join(record.warnings)
