"""Sharpening as users call it: kernels in all their forms."""

import numpy as np
import pytest

import nonloc
from nonloc.degradation import Defocus, GaussianBlur, MotionBlur
from nonloc.errors import UsageError
from nonloc.testing import sample
from nonloc.verbs.kernel import read_kernel


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


def test_wrong_calls_are_told_and_nothing_to_do_does_nothing():
    picture = sample(64, 64, 1, sigma=0).samples
    with pytest.raises(UsageError, match="there to denoise"):
        nonloc.deblur(picture, "motion:9,20", method="bm3d")
    with pytest.raises(UsageError, match="larger than the picture"):
        nonloc.deblur(picture, "motion:80,20")
    same, record = nonloc.deblur(picture, "gaussian:0.01", return_report=True)
    assert np.array_equal(same, picture)
    assert "moves nothing" in record.reason
