"""Means and paired differences."""

import math
from dataclasses import replace

import numpy as np
import pytest
from rows import ROW
from scipy import stats

from nonloc.benchmark.statistics import gain, mean, paired
from nonloc.errors import UsageError


def rows(scores, **changes):
    return [replace(ROW, picture=f"{i:02}", psnr=float(score), **changes) for i, score in enumerate(scores)]


SCORES = np.random.default_rng(0).normal(29, 2, 12)
OTHERS = SCORES + np.random.default_rng(1).normal(0.3, 0.1, 12)


def test_the_interval_is_students_t_over_the_pictures():
    found = paired(rows(OTHERS), rows(SCORES))
    expected = stats.ttest_rel(OTHERS, SCORES).confidence_interval(0.95)
    assert found.mean - found.half == pytest.approx(expected.low)
    assert found.mean + found.half == pytest.approx(expected.high)
    assert found.pictures == 12
    assert found.certain
    assert found.lowest == pytest.approx((OTHERS - SCORES).min())
    assert found.lowest_picture == f"{(OTHERS - SCORES).argmin():02}"


def test_only_pictures_that_both_have_are_compared():
    assert paired(rows(OTHERS), rows(SCORES)[3:]).mean == pytest.approx((OTHERS - SCORES)[3:].mean())
    with pytest.raises(UsageError, match="no picture in common"):
        paired(rows(OTHERS)[:3], rows(SCORES)[3:])


def test_draws_of_one_picture_are_no_independent_pictures():
    draws = [row for seed in range(5) for row in rows(OTHERS, track=f"numpy:{seed}")]
    base = [row for seed in range(5) for row in rows(SCORES, track=f"numpy:{seed}")]
    several, one = paired(draws, base), paired(rows(OTHERS), rows(SCORES))
    assert (several.mean, several.half) == pytest.approx((one.mean, one.half))


def test_one_picture_has_no_interval():
    assert paired(rows(OTHERS[:1]), rows(SCORES[:1])).half == math.inf


def test_the_mean_is_that_of_the_pictures_psnr():
    found = mean(rows(SCORES))
    assert found.psnr == pytest.approx(SCORES.mean())
    assert found.error is None


def test_the_standard_error_is_that_of_the_draws_means():
    scores = np.random.default_rng(2).normal(29, 1, (5, 12))
    found = mean([row for seed in range(5) for row in rows(scores[seed], track=f"numpy:{seed}")])
    assert found.psnr == pytest.approx(scores.mean())
    assert found.error == pytest.approx(stats.sem(scores.mean(axis=1)))
    assert (found.pictures, found.draws) == (12, 5)


def test_an_exact_picture_is_left_out_and_counted():
    found = mean(rows([30, math.inf, 32]))
    assert found.psnr == 31
    assert found.infinite == 1


def test_the_gain_is_over_the_input_of_the_same_picture():
    found = gain(rows([30, 31, 29.5], psnr_input=29.0))
    assert found.mean == pytest.approx(3.5 / 3)
    assert (found.lowest, found.lowest_picture) == (0.5, "02")
