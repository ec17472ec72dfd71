"""Blurs that are found, and those that nobody should see."""

import numpy as np
import pytest
from scipy.signal import oaconvolve

from nonloc.degradation import Defocus, GaussianBlur, MotionBlur
from nonloc.errors import ImageError
from nonloc.estimation.blur import estimate_blur

SIDE = 256


@pytest.fixture(scope="module")
def scene():
    """Overlapping disks of all sizes: a picture with edges everywhere, whose spectrum falls as a photograph's."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:320, :320]
    picture = np.full(y.shape, 0.5)
    for _ in range(900):
        radius = 3 / rng.random() ** 0.5
        inside = np.clip(radius - np.hypot(y - 320 * rng.random(), x - 320 * rng.random()) + 0.5, 0, 1)
        picture += inside * (rng.random() - picture)
    return picture


def shot(scene, blur=None, sigma=1.275, seed=0):
    """The middle of `scene`, blurred, with noise, in 8 bits, (1, H, W)."""
    blurred = scene if blur is None else oaconvolve(scene, blur.kernel, mode="valid")
    top = (len(blurred) - SIDE) // 2
    blurred = 255 * blurred[top : top + SIDE, top : top + SIDE]
    blurred = blurred + sigma * np.random.default_rng(seed).standard_normal(blurred.shape)
    return (np.clip(np.rint(blurred), 0, 255) / 255).astype(np.float32)[np.newaxis]


@pytest.mark.parametrize(("length", "angle"), [(9, 30), (15, 118), (21.5, 75), (30, 160)])
@pytest.mark.parametrize("sigma", [1.275, 2.55])
def test_a_motion_is_found_within_a_pixel_and_two_degrees(scene, length, angle, sigma):
    found = estimate_blur(shot(scene, MotionBlur(length, angle), sigma), sigma)
    assert isinstance(found.blur, MotionBlur), found
    assert abs(found.blur.length - length) <= 1
    assert abs((found.blur.angle - angle + 90) % 180 - 90) <= 2
    assert found.sure >= 0.5


def test_a_level_motion_is_not_taken_for_the_borders_of_the_picture(scene):
    for angle in (0, 90):
        found = estimate_blur(shot(scene, MotionBlur(15, angle)), 1.275)
        assert isinstance(found.blur, MotionBlur), found
        assert abs((found.blur.angle - angle + 90) % 180 - 90) <= 2


def test_a_motion_of_a_picture_on_its_side_has_the_angle_on_its_side(scene):
    found = estimate_blur(np.rot90(shot(scene, MotionBlur(17, 25)), axes=(1, 2)), 1.275)
    assert isinstance(found.blur, MotionBlur), found
    assert abs(found.blur.angle - 115) <= 2  # turned counter-clockwise


@pytest.mark.parametrize("sigma", [1.2, 2.0, 3.0])
def test_a_gaussian_is_found(scene, sigma):
    found = estimate_blur(shot(scene, GaussianBlur(sigma)), 1.275)
    assert isinstance(found.blur, GaussianBlur), found
    assert found.blur.sigma == pytest.approx(sigma, rel=0.2)


@pytest.mark.parametrize("radius", [3, 5])
def test_a_lens_out_of_focus_is_told_from_a_gaussian(scene, radius):
    found = estimate_blur(shot(scene, Defocus(radius)), 1.275)
    assert isinstance(found.blur, Defocus), found
    assert found.blur.radius_ == pytest.approx(radius, abs=0.3)


def test_nothing_is_said_of_a_sharp_picture_or_of_too_little_blur(scene):
    for blur in (None, GaussianBlur(0.5), MotionBlur(2, 45)):
        found = estimate_blur(shot(scene, blur), 1.275)
        assert found.blur is None, found
        assert found.sure == 0
        assert "no blur was found with certainty" in str(found)


def test_a_picture_soft_in_one_half_only_is_left_alone(scene):
    half = shot(scene)
    half[..., : SIDE // 2] = shot(scene, GaussianBlur(3))[..., : SIDE // 2]
    assert estimate_blur(half, 1.275).blur is None


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((1, 128, 128), 0.3, np.float32),
        np.random.default_rng(0).random((3, 128, 128)).astype(np.float32),
        np.broadcast_to(np.sin(np.arange(128) / 3).astype(np.float32), (1, 128, 128)),
        np.tile(np.repeat([0.0, 1.0], 8), (1, 128, 8)),
        np.zeros((1, 40, 400), np.float32),
        np.full((1, 128, 128), np.nan, np.float32),
        np.indices((128, 128)).sum(0)[np.newaxis] / 256,
    ],
    ids=["flat", "noise", "wave", "bars", "too small", "not a number", "ramp"],
)
def test_what_has_no_scene_has_no_blur(pixels):
    assert estimate_blur(pixels, 1.0).blur is None


def test_windows_of_a_large_picture_say_the_same_as_the_whole(scene):
    blurred = shot(scene, MotionBlur(13, 50))
    whole = estimate_blur(blurred, 1.275).blur
    parts = estimate_blur([blurred[:, y : y + 160, x : x + 160] for y in (0, 96) for x in (0, 96)], 1.275).blur
    assert isinstance(whole, MotionBlur)
    assert isinstance(parts, MotionBlur)
    assert abs(whole.length - parts.length) <= 1
    assert abs(whole.angle - parts.angle) <= 2


def test_an_array_that_is_no_picture_is_told():
    with pytest.raises(ImageError, match="channels first"):
        estimate_blur(np.zeros((128, 128)), 1.0)


@pytest.mark.data
def test_most_photographs_are_sharp_and_their_motion_is_found(data_root):
    from nonloc.image.read import read

    right = 0
    for i, name in enumerate(("42049", "62096", "8023", "87046")):
        gray = read(data_root / "train" / "bsd32val" / f"{name}.jpg").pixels().mean(0).astype(float)
        assert estimate_blur(gray[np.newaxis], 1.0).blur is None, name
        blur = MotionBlur(11 + 5 * i, 20 + 37 * i)
        found = estimate_blur(shot(gray, blur, 2.55), 2.55).blur
        right += isinstance(found, MotionBlur) and abs(found.length - blur.length) <= 1
    assert right >= 3
