"""What the page shows is the picture: upright, in sRGB, at each size."""

import io

import numpy as np
import picture_files
import pytest
from PIL import Image as Pillow
from PIL import ImageCms, ImageOps

from nonloc.image.image import Image, Metadata
from nonloc.image.write import encode
from nonloc.interfaces.web.preview import SQUARE, build, build_removed, find_window


def shown(image, folder, level=0):
    return np.load(build(image, folder, find_window(image)).paths[level])


def test_16_bits_are_shown_by_their_nearest_8(tmp_path, make_picture):
    image = make_picture(np.uint16)
    np.testing.assert_array_equal(shown(image, tmp_path), np.rint(image.samples / 257).astype(np.uint8))


def test_12_bits_in_16_are_brightened_and_it_is_told(make_picture):
    image = make_picture(np.uint16)
    dark = image.with_samples((image.samples // 32).astype(np.uint16))
    window = find_window(dark)
    assert window.high < 0.05
    assert "stored values" in window.told
    assert find_window(image).told is None


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_stands_upright_whatever_the_camera_says(turn, tmp_path, make_picture):
    image = make_picture(height=30, width=47, metadata=Metadata(exif=picture_files.exif(turn)))
    stored = Pillow.open(io.BytesIO(encode(image, "png")))
    np.testing.assert_array_equal(shown(image, tmp_path), np.asarray(ImageOps.exif_transpose(stored)))


def test_a_profile_is_followed(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # red and blue change places, and the name is no longer sRGB
    swapped = profile.replace(b"rXYZ", b"....").replace(b"bXYZ", b"rXYZ").replace(b"....", b"bXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be")).replace(b"sRGB", b"test")
    red = Image(np.tile(np.uint8([255, 0, 0]), (4, 4, 1)), 1 / 255, metadata=Metadata(icc=swapped))
    r, g, b = shown(red, tmp_path)[0, 0]
    assert b > 250 > 5 > max(r, g)


def test_cmyk_paper_is_white_and_ink_is_dark(tmp_path):
    light = np.ones((4, 4, 4), np.uint8) * 255
    light[:2, :, 3] = 0  # no light where black is printed
    seen = shown(Image(light, 1 / 255), tmp_path)
    assert (seen[:2] == 0).all()
    assert (seen[2:] == 255).all()


def test_transparency_lies_over_squares(tmp_path, make_picture):
    image = make_picture()
    alpha = np.zeros((60, 80), np.uint8)
    alpha[:, 40:] = 255
    seen = shown(Image(image.samples, image.scale, alpha=alpha), tmp_path)
    assert set(np.unique(seen[:, :40])) == {205, 235}
    np.testing.assert_array_equal(seen[:, 40:], image.samples[:, 40:])


@pytest.mark.parametrize(("height", "width"), [(1100, 700), (1, 1500), (513, 2)])
def test_each_level_is_the_mean_of_the_one_below(height, width, tmp_path, make_picture):
    image = make_picture(channels=1, height=height, width=width)
    pyramid = build(image, tmp_path, find_window(image))
    assert max(pyramid.sizes[-1]) <= SQUARE < max(pyramid.sizes[-2])
    for large, small in zip(pyramid.paths, pyramid.paths[1:], strict=False):
        whole, half = np.load(large).astype(int), np.load(small)
        h, w = half.shape[:2]
        tall, wide = min(2, whole.shape[0]), min(2, whole.shape[1])
        mean = whole[: h * tall, : w * wide].reshape(h, tall, w, wide, -1).mean((1, 3))
        assert np.abs(mean - half).max() <= 0.5
    assert pyramid.square(0, 0, 99) is None
    assert pyramid.square(9, 0, 0) is None


def test_what_was_removed_is_input_minus_result_around_grey(tmp_path, make_picture):
    before = make_picture(np.uint16)
    after = before.with_samples((before.samples * 0.9).astype(np.uint16))
    removed = build_removed(before, after, tmp_path, find_window(before))
    difference = (before.samples.astype(float) - after.samples) / 65535 * 255
    assert removed.std == pytest.approx(np.sqrt((difference**2).mean()), rel=1e-3)
    for gain in (1, 4):
        seen = removed.square(0, 0, 0, gain).astype(float)
        assert np.abs(seen - np.clip(128 + difference * gain, 0, 255)).max() < 0.6 + gain * 0.6


def test_floats_with_holes_can_be_shown(tmp_path):
    samples = np.full((20, 30), 0.5, np.float32)
    samples[3, 4] = np.nan
    assert shown(Image(samples, 1.0), tmp_path)[0, 0, 0] == 128
