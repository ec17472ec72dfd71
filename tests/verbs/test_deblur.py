"""Sharpening as users call it: kernels in all their forms."""

from pathlib import Path

import numpy as np
import pytest

import nonloc
from nonloc.degradation import Defocus, GaussianBlur, MotionBlur, SaltAndPepper
from nonloc.errors import UsageError
from nonloc.testing import sample
from nonloc.verbs.estimate import _spans
from nonloc.verbs.kernel import read_kernel


@pytest.fixture(scope="module")
def scene_with_edges():
    """Overlapping disks of all sizes, (256, 256)."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:256, :256]
    picture = np.full(y.shape, 0.5)
    for _ in range(600):
        radius = 3 / rng.random() ** 0.5
        inside = np.clip(radius - np.hypot(y - 256 * rng.random(), x - 256 * rng.random()) + 0.5, 0, 1)
        picture += inside * (rng.random() - picture)
    return picture


def test_a_kernel_is_read_from_words_arrays_and_files(tmp_path):
    assert read_kernel("motion:15,30") == MotionBlur(15, 30)
    assert read_kernel("gaussian:1.6") == GaussianBlur(1.6) == read_kernel("gaussian-blur:1.6")
    assert read_kernel("defocus:3") == Defocus(3)
    values = MotionBlur(7, 30).kernel
    np.save(tmp_path / "k.npy", values)
    np.savetxt(tmp_path / "k.txt", values)
    np.savetxt(tmp_path / "k.csv", values, delimiter=",")
    nonloc.write(nonloc.Image((values / values.max() * 65535).round().astype(np.uint16), 1 / 65535), tmp_path / "k.png")
    for file in ("k.npy", "k.txt", "k.csv", "k.png"):
        assert np.allclose(read_kernel(tmp_path / file).kernel, values, atol=1e-5), file
    assert np.allclose(read_kernel(values).kernel, values)


@pytest.mark.parametrize("wrong", ["motion", "shake:3", "no-such-file.npy", "gaussian:-1", np.zeros((3, 3)), "clip8:"])
def test_what_is_no_kernel_is_told_with_what_is_one(wrong):
    with pytest.raises(UsageError) as error:
        read_kernel(wrong)
    assert "motion:15,30" in str(error.value)


def test_a_blurred_picture_comes_back_sharper():
    clean = sample(96, 120, 1, sigma=0).samples
    blur = MotionBlur(9, 20)
    rng = np.random.default_rng(0)
    blurred = (blur.apply(clean[None])[0] + 2 / 255 * rng.standard_normal(clean.shape)).astype(np.float32)
    sharp, record = nonloc.deblur(blurred, "motion:9,20", sigma=2, return_report=True)
    assert record.changed
    before, after = (float(np.square(p - clean)[12:-12, 12:-12].mean()) for p in (blurred, sharp))
    assert after < before / 3


def test_estimate_tells_of_a_blur_and_of_impulses():
    harbour = nonloc.read(Path(nonloc.__file__).parent / "samples" / "harbour.png").pixels()
    shaken = MotionBlur(13, 40).apply(harbour)
    shaken += 2 / 255 * np.random.default_rng(0).standard_normal(shaken.shape)
    found = nonloc.estimate(np.moveaxis(shaken, 0, -1).astype(np.float32))
    assert found.blur.blur.length == pytest.approx(13, abs=1)
    assert found.blur.blur.angle == pytest.approx(40, abs=2)
    assert found.as_dict()["blur"]["kernel"].startswith("motion:")
    hit = np.moveaxis(SaltAndPepper(0.1).apply(harbour, np.random.default_rng(0)), 0, -1)
    assert nonloc.estimate((hit * 255).round().astype(np.uint8)).impulses.fraction == pytest.approx(0.1, abs=0.02)


def test_wrong_calls_are_told_and_nothing_to_do_does_nothing():
    picture = sample(64, 64, 1, sigma=0).samples
    with pytest.raises(UsageError, match="there to denoise"):
        nonloc.deblur(picture, "motion:9,20", method="bm3d")
    with pytest.raises(UsageError, match="larger than the picture"):
        nonloc.deblur(picture, "motion:80,20")
    same, record = nonloc.deblur(picture, "gaussian:0.01", return_report=True)
    assert np.array_equal(same, picture)
    assert "moves nothing" in record.reason


def test_a_motion_that_nobody_told_is_found_and_undone(scene_with_edges):
    clean, blur = scene_with_edges, MotionBlur(11, 25)
    noise = np.random.default_rng(0).standard_normal(clean.shape)
    blurred = np.clip(np.rint(255 * blur.apply(clean[None])[0] + 1.5 * noise), 0, 255).astype(np.uint8)
    sharp, record = nonloc.deblur(blurred, method="tv-deconvolution", return_report=True)
    assert record.changed
    assert "motion of 1" in record.diagnosis, record.diagnosis
    before, after = (float(np.square(p / 255 - clean)[20:-20, 20:-20].mean()) for p in (blurred, sharp))
    assert after < before / 2


def test_a_sharp_picture_stays_byte_for_byte_when_nobody_tells_its_blur(scene_with_edges, tmp_path):
    clean = np.rint(255 * scene_with_edges).astype(np.uint8)
    same, record = nonloc.deblur(clean, "auto", return_report=True)
    assert np.array_equal(same, clean)
    assert not record.changed
    assert "no blur was found with certainty" in record.reason
    assert "--kernel" in record.reason


def test_of_a_large_picture_four_windows_are_looked_at():
    for length in (513, 700, 1025, 9000):
        one, two = _spans(length)
        assert 0 <= one.start < two.start < two.stop <= length
        assert one.stop - one.start == two.stop - two.start == 512
