"""Loss of resolution, compression, impulses and lost places."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nonloc.degradation import Downscale, Jpeg, Missing, SaltAndPepper, Sequence, parse, parse_fixed
from nonloc.errors import DegradationError
from nonloc.image.resize import resize


@given(st.sampled_from([2, 3, 4, 1.5]), st.integers(8, 40), st.integers(8, 40), st.booleans())
def test_sides_are_cut_to_a_multiple_before_a_picture_is_made_smaller(factor, height, width, tensor):
    picture = np.random.default_rng(0).random((3, height, width))
    large, small = Downscale(factor).pair(torch.from_numpy(picture) if tensor else picture)
    assert tuple(large.shape[-2:]) == tuple(int(int(n / factor) * factor + 1e-9) for n in (height, width))
    expected = resize(np.moveaxis(picture[:, : large.shape[1], : large.shape[2]], 0, -1), 1 / factor)
    assert np.allclose(np.moveaxis(np.asarray(small), 0, -1), expected)


def test_what_a_blurred_smaller_picture_leads_to_is_cut_like_it():
    damage = parse_fixed("gaussian-blur:1.2 + downscale:3 + gaussian:5")
    rng = np.random.default_rng(0)
    clean, damaged = damage.pair(rng.random((1, 32, 31)), rng)
    assert clean.shape == (1, 30, 30)
    assert damaged.shape == (1, 10, 10)
    assert damage.scaling.factor == 3
    assert damage.blur.sigma == 1.2
    assert damage.noise.sigma == 5


def test_impulses_hit_the_part_that_is_said_half_of_them_white():
    rng = np.random.default_rng(0)
    hit = parse_fixed("salt-and-pepper:0.3").apply(np.full((3, 200, 200), 0.5), rng)
    assert (hit == 0).mean() == pytest.approx(0.15, abs=0.01)
    assert (hit == 1).mean() == pytest.approx(0.15, abs=0.01)
    assert (hit == 0.5).mean() == pytest.approx(0.7, abs=0.01)


def test_a_jpeg_of_low_quality_is_worse_and_gray_stays_gray():
    y, x = np.mgrid[:64, :64]
    gray = (0.5 + 0.4 * np.sin(x / 3) * np.cos(y / 5))[np.newaxis].astype(np.float32)
    worse, better = (np.abs(Jpeg(q).apply(gray) - gray).mean() for q in (5, 90))
    assert worse > 4 * better > 0
    assert Jpeg(50).apply(torch.from_numpy(np.repeat(gray, 3, 0))).shape == (3, 64, 64)
    drawn = {parse("jpeg:10..12").sample(np.random.default_rng(seed)).quality for seed in range(50)}
    assert drawn == {10, 11, 12}


def test_a_tile_is_told_its_own_part_of_the_lost_places():
    mask = np.zeros((20, 30), bool)
    mask[12:15, 3:6] = True
    damage = Sequence((Missing(mask), SaltAndPepper(0.1)))
    assert damage.local
    assert damage.part(slice(10, 20), slice(0, 8)).missing.mask.sum() == 9
    assert not damage.part(slice(0, 10), slice(0, 30)).missing.mask.any()
    assert (Missing(mask, fill=0.5).apply(np.ones((1, 20, 30))) == 0.5).sum() == 9


@pytest.mark.parametrize("text", ["downscale:0.5", "jpeg:0", "jpeg:101", "jpeg:30..10", "salt-and-pepper:2"])
def test_wrong_damage_is_told(text):
    with pytest.raises(DegradationError):
        parse(text)


@pytest.mark.parametrize(
    "text", ["downscale:2", "downscale:3,bilinear", "jpeg:10", "jpeg:10..60", "salt-and-pepper:0.3"]
)
def test_damage_reads_back(text):
    assert str(parse(text)) == text
