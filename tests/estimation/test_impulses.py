"""Impulses are seen where they are, and nowhere else."""

import numpy as np
import pytest

from nonloc.datasets import load
from nonloc.degradation import parse_fixed
from nonloc.estimation.impulses import estimate_impulses
from nonloc.testing import sample


def damaged(clean: np.ndarray, text: str) -> np.ndarray:
    planes = np.moveaxis(np.atleast_3d(clean), -1, 0).astype(np.float32)
    return np.clip(parse_fixed(text).apply(planes, np.random.default_rng(0)), 0, 1).astype(np.float32)


@pytest.mark.parametrize("fraction", [0.01, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_part_that_was_hit_is_found(fraction, channels):
    clean = sample(160, 200, channels, sigma=0).samples
    assert estimate_impulses(damaged(clean, f"salt-and-pepper:{fraction}")).fraction == pytest.approx(fraction, rel=0.2)


@pytest.mark.parametrize("text", ["none", "gaussian:5 + clip8", "gaussian:60 + clip8", "poisson-gaussian:0.1 + clip8"])
def test_a_picture_without_them_has_none(text):
    assert estimate_impulses(damaged(sample(160, 200, sigma=0).samples, text)).fraction == 0


def test_black_strokes_on_white_are_a_drawing():
    page = np.full((160, 160), 0.9, np.float32)
    page[20:140:12, 10:150] = 0
    page[30:130, 20:150:17] = 1
    assert estimate_impulses(page[None]).fraction == 0


@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.3])
def test_on_a_page_salt_need_not_stand_out_from_paper_nor_pepper_from_letters(fraction):
    page = np.full((160, 160), 0.92, np.float32)
    for top in range(10, 150, 12):
        page[top : top + 6, 10:150][np.random.default_rng(top).random((6, 140)) < 0.5] = 0.06
    hit = damaged(page, f"salt-and-pepper:{fraction}")
    assert estimate_impulses(hit).fraction == pytest.approx(fraction, rel=0.2)
    assert estimate_impulses(page[None]).fraction == 0


def test_a_page_in_black_and_white_or_dithered_has_none():
    rng = np.random.default_rng(0)
    page = np.ones((160, 160), np.float32)
    page[20:140:12, 10:150] = 0
    assert estimate_impulses(page[None]).fraction == 0
    ramp = np.linspace(0, 1, 160, dtype=np.float32)
    screen = np.kron(np.ones((40, 40)), [[1, 9, 3, 11], [13, 5, 15, 7], [4, 12, 2, 10], [16, 8, 14, 6]]) / 17
    assert estimate_impulses((ramp > screen).astype(np.float32)[None]).fraction == 0
    assert estimate_impulses((ramp > rng.random((160, 160))).astype(np.float32)[None]).fraction == 0


@pytest.mark.data
def test_photographs_have_none_and_damaged_ones_are_seen(data_root):
    pictures = [picture.pixels8("gray") / 255 for picture in load("bsd398", root=data_root)[::40]]
    assert [estimate_impulses(damaged(p, "none")).fraction for p in pictures] == [0] * len(pictures)
    seen = [estimate_impulses(damaged(p, "salt-and-pepper:0.1")).fraction for p in pictures]
    assert np.mean(np.array(seen) > 0.05) >= 0.9


def test_shot_noise_that_was_never_cut_off_is_no_impulses():
    rng = np.random.default_rng(0)
    clean = np.full((1, 128, 128), 0.1)
    clean[:, 40:80, 40:80] = 0.7
    noisy = clean + rng.normal(0, np.sqrt(0.03 * clean + 1e-4))
    assert noisy.max() > 1
    assert not estimate_impulses(noisy).fraction
    hit = noisy.copy()
    hit[rng.random(hit.shape) < 0.05] = 1
    assert estimate_impulses(hit).fraction == pytest.approx(0.05, abs=0.02)
