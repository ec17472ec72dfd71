"""Motion is found, and the mean along it is of what is alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, shift

from nonloc.methods.video.fusion import Constants, fuse
from nonloc.methods.video.motion import motion

STD = 20 / 255
CONSTANTS = Constants()


def texture(height=72, width=88, seed=0) -> np.ndarray:
    """A smooth random picture with much structure, in [0, 1]."""
    rough = gaussian_filter(np.random.default_rng(seed).standard_normal((height, width)), 2)
    return (0.5 + 0.15 * rough / rough.std()).clip(0, 1).astype(np.float32)


def moved(picture: np.ndarray, dy: float, dx: float) -> np.ndarray:
    return shift(picture, (dy, dx), order=3, mode="nearest").astype(np.float32)


@settings(max_examples=30)
@given(dy=st.integers(-48, 48), dx=st.integers(-48, 48))
def test_a_shift_is_found_to_a_quarter_of_a_pixel(dy, dx):
    here = texture()
    found = motion(here, moved(here, dy / 8, dx / 8), variance=0.0)[4:-4, 4:-4]
    away = np.abs(found - np.array([dy, dx]) / 8).max(-1)
    assert np.median(away) <= 0.25
    assert np.mean(away <= 0.5) > 0.95


@given(height=st.integers(8, 70), width=st.integers(8, 70), seed=st.integers(0, 99))
def test_displaced_patches_lie_inside_frames_of_any_size(height, width, seed):
    found = motion(texture(height, width, seed), texture(height, width, seed + 1), variance=1e-4)
    for axis, length in enumerate((height, width)):
        starts = np.minimum(4 * np.arange(found.shape[axis]), length - 8)
        ends = np.moveaxis(found[..., axis], axis, -1) + starts
        assert ends.min() >= -0.5
        assert ends.max() <= length - 8 + 0.5


def noisy(pictures, seed=0, channels=1):
    rng = np.random.default_rng(seed)
    return [(p + STD * rng.standard_normal((channels, *p.shape))).astype(np.float32) for p in pictures]


def test_equal_frames_give_their_mean_with_a_fifth_of_the_variance():
    clean = [texture()] * 5
    frames = noisy(clean)
    mean, level = fuse(frames, clean, 2, STD, Constants(noisy=1e9))
    np.testing.assert_allclose(mean, np.mean(frames, 0), atol=1e-5)
    np.testing.assert_allclose(level, 5**-0.5, atol=1e-5)


@pytest.mark.parametrize("step", [(0, 0), (0, 1), (0.375, -0.75), (2.5, 6)])
def test_the_level_that_is_told_is_the_level_there_is(step):
    clean = [moved(texture(), step[0] * t, step[1] * t) for t in range(-2, 3)]
    mean, level = fuse(noisy(clean, channels=3), clean, 2, STD, CONSTANTS)
    inner = (slice(None), slice(16, -16), slice(16, -16))
    left = float(np.sqrt(np.square(mean - clean[2])[inner].mean())) / STD
    told = float(np.sqrt(np.square(level[inner[1:]]).mean()))
    assert left < 0.62
    assert left == pytest.approx(told, rel=0.2)


def test_another_scene_leaves_no_ghost():
    here, there = texture(), texture(seed=5)
    frames = noisy([here, there])
    mean, level = fuse(frames, [here, there], 0, STD, CONSTANTS)
    assert np.square(mean - here).mean() < 1.001 * np.square(frames[0] - here).mean()
    assert level.mean() > 0.9


def test_a_frame_without_neighbours_is_itself():
    frame = noisy([texture()])
    mean, level = fuse(frame, [texture()], 0, STD, CONSTANTS)
    np.testing.assert_array_equal(mean, frame[0])
    assert (level == 1).all()
