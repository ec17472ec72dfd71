"""Clips of a shaken camera: blurred as a walk blurs, around one sharp frame."""

import numpy as np
import pytest

from nonloc.degradation import parse
from nonloc.degradation.shake import shaken
from nonloc.errors import DegradationError


def still(seed=0) -> np.ndarray:
    return np.random.default_rng(seed).random((3, 120, 140)).astype(np.float32)


def test_a_still_hand_gives_the_sharp_frame_each_time():
    frames, sharp = shaken(still(), 48, np.random.default_rng(0), speed=0)
    assert frames.shape == (5, 3, 48, 48)
    assert frames.dtype == sharp.dtype == np.float32
    np.testing.assert_allclose(frames, np.broadcast_to(sharp, frames.shape), atol=1e-5)


def test_shake_blurs_and_moves_but_keeps_the_light():
    frames, sharp = shaken(still(), 64, np.random.default_rng(1))
    assert np.diff(frames).std() < 0.8 * np.diff(sharp).std()
    assert (frames**2.2).mean() == pytest.approx((sharp**2.2).mean(), rel=0.03)


def test_the_sharp_frame_lies_in_the_middle_of_the_middle_one():
    y, x = np.mgrid[:100, :100]
    spot = np.exp(-((y - 49.5) ** 2 + (x - 49.5) ** 2) / 18)[None].astype(np.float32)
    centres = []
    for seed in range(12):
        frames, _ = shaken(spot, 100, np.random.default_rng(seed), speed=4)
        light = frames[:, 0] ** 2.2
        centres.append([[(w * g).sum() / w.sum() for g in (y, x)] for w in light])
    away = np.abs(np.array(centres) - 49.5).mean((0, 2))
    assert away[2] < 1
    assert away[0] > 3 * away[2]
    assert away[4] > 3 * away[2]


def test_a_seed_gives_the_same_clip():
    one, two = (shaken(still(), 32, np.random.default_rng(3))[0] for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_as_a_degradation_it_makes_pairs_of_arrays_and_tensors_alike():
    import torch

    shake = parse("shake:3,4")
    assert str(shake) == "shake:3,4"
    picture = still()
    sharp, frames = shake.pair(picture, np.random.default_rng(5))
    assert (sharp.shape, frames.shape) == ((3, 72, 72), (3, 3, 72, 72))
    tensors = shake.pair(torch.from_numpy(picture), np.random.default_rng(5))
    np.testing.assert_array_equal(tensors[0].numpy(), sharp)
    np.testing.assert_array_equal(tensors[1].numpy(), frames)
    with pytest.raises(DegradationError, match="56 a side"):
        shake.pair(picture[:, :50], np.random.default_rng(0))
    for wrong in ("shake:4,6", "shake:5,-1", "shake:a"):
        with pytest.raises(DegradationError):
            parse(wrong)
