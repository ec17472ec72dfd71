"""BM4D: what comes out of its transforms, its slabs and its passes."""

from functools import partial

import numpy as np
import pytest

from nonloc.degradation import GaussianNoise
from nonloc.methods.classical.block_transforms import bior15, cosine
from nonloc.methods.registry import create
from nonloc.methods.volume.bm4d import FIRST, SECOND, bm4d
from nonloc.methods.volume.cubes import gather, haar, haar_back, scatter

NOISE = GaussianNoise(15)


def scene(depth, seed=0):
    """A tilted step and a ramp, (depth, 40, 40), clean and with noise."""
    z, y, x = np.mgrid[:depth, :40, :40]
    clean = (0.3 + 0.4 * (x + y / 2 + z > 40) + 0.004 * y).astype(np.float32)
    return clean, clean + NOISE.std * np.random.default_rng(seed).standard_normal(clean.shape).astype(np.float32)


@pytest.mark.parametrize("transform", [bior15, cosine])
def test_what_is_not_shrunk_comes_back(transform):
    volume = np.random.default_rng(0).random((6, 7, 8)).astype(np.float32)
    matrix = transform(4)
    forward, inverse = (m.astype(np.float32) for m in (matrix, np.linalg.inv(matrix)))
    places = np.array([0, 9, 57, 130], np.int32)
    stack, other, scratch = np.empty((4, 64), np.float32), np.empty((4, 64), np.float32), np.empty((2, 64), np.float32)
    gather(volume, places, forward, stack, scratch, (0,) * 4)
    haar(stack, other)
    haar_back(stack, other)
    total, weight = np.zeros((2, *volume.shape), np.float32)
    scatter(stack, places, inverse, np.float32(0.5), 0, total, weight, scratch, (0,) * 4)
    seen = weight > 0
    assert seen.sum() > 64
    np.testing.assert_allclose(total[seen] / weight[seen], volume[seen], atol=1e-5)


def test_the_transform_of_a_cube_is_that_of_each_side():
    volume = np.random.default_rng(0).random((4, 4, 4)).astype(np.float32)
    stack, scratch = np.empty((1, 64), np.float32), np.empty((2, 64), np.float32)
    t = cosine(4).astype(np.float32)
    gather(volume, np.array([0], np.int32), t, stack, scratch, (0,) * 4)
    np.testing.assert_allclose(stack[0].reshape(4, 4, 4), np.einsum("ai,bj,ck,ijk", t, t, t, volume), atol=1e-5)


def test_a_volume_tells_more_than_its_slices():
    clean, noisy = scene(24)
    volume = create("bm4d", channels=1, sigma=15).restore(noisy[None], NOISE)[0]
    plane = partial(create("bm3d", channels=1, sigma=15).restore, degradation=NOISE)
    slices = np.concatenate([plane(page[None, None])[0] for page in noisy[10:14]])
    middle = slice(10, 14)
    errors = [float(np.mean((out - clean[middle]) ** 2)) for out in (noisy[middle], slices, volume[middle])]
    assert errors[2] < 0.7 * errors[1] < 0.2 * errors[0]


def test_a_slab_with_the_rim_on_the_card_gives_the_same_bits():
    _, noisy = scene(78)
    whole = bm4d(noisy[:, :20], NOISE.std, FIRST, SECOND)
    np.testing.assert_array_equal(bm4d(noisy[6:72, :20], NOISE.std, FIRST, SECOND)[30:-30], whole[36:42])


def test_threads_change_no_bit():
    import numba

    _, noisy = scene(20)
    before, found = numba.get_num_threads(), []
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            found.append(bm4d(noisy, NOISE.std, FIRST, SECOND))
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(*found)
