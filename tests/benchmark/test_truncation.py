"""Truncated noise by formula: as drawn, and as the page about ELDRN says."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from nonloc.benchmark.draws import CUT, truncated_normal
from nonloc.benchmark.truncation import floor_cost, input_psnr, truncated_std
from nonloc.metrics.psnr import psnr

PAGE = Path(__file__).parents[2] / "docs" / "eldrn.md"


def test_the_deviation_is_that_of_drawn_numbers():
    numbers = truncated_normal(np.random.default_rng(0), (1_000_000,))
    assert truncated_std() == pytest.approx(numbers.std(), abs=0.002)
    assert np.abs(numbers).max() <= CUT


@pytest.mark.parametrize("cut", [0.5, 1, 2, 3.5])
def test_the_deviation_is_that_of_the_integral(cut):
    x = np.linspace(-cut, cut, 20_001)
    density = np.exp(-(x**2) / 2)
    assert truncated_std(cut) == pytest.approx(math.sqrt((x**2 * density).sum() / density.sum()), rel=1e-3)


def test_a_far_bound_cuts_nothing_off():
    assert truncated_std(12) == pytest.approx(1)
    assert input_psnr(25, 12) == pytest.approx(input_psnr(25))


def test_the_psnr_of_a_noisy_picture_is_as_told():
    rng = np.random.default_rng(0)
    clean = np.full((700, 700), 128.0)
    noisy = clean + 25 * truncated_normal(rng, clean.shape)
    assert psnr(clean, noisy, data_range=255) == pytest.approx(input_psnr(25, CUT), abs=0.02)


def test_cutting_digits_off_costs_what_is_told():
    rng = np.random.default_rng(0)
    clean = rng.integers(60, 200, (600, 600)).astype(float)
    restored = clean + 6 * rng.standard_normal(clean.shape)
    rounded, cut = (psnr(clean, way(restored), data_range=255) for way in (np.round, np.floor))
    assert rounded - cut == pytest.approx(floor_cost(rounded), abs=0.005)


@pytest.mark.skipif(not PAGE.is_file(), reason="the documentation is not beside the tests")
def test_the_page_says_what_the_formulas_give():
    said = PAGE.read_text(encoding="utf-8")
    said = said[said.index("<!-- arithmetic") : said.index("<!-- end of arithmetic")]
    assert f"{truncated_std() ** 2:.5f}" in said
    rows = [
        [float(cell) for cell in line] for line in re.findall(r"^\| (\d+) \|" + r" ([\d.]+) \|" * 4 + "$", said, re.M)
    ]
    assert [row[0] for row in rows] == [15, 25, 50]
    for sigma, left, white, truncated, _ in rows:
        assert left == pytest.approx(sigma * truncated_std(), abs=0.005)
        assert white == pytest.approx(input_psnr(sigma), abs=0.005)
        assert truncated == pytest.approx(input_psnr(sigma, CUT), abs=0.005)
