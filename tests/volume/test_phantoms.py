"""Lesions and tissues of heads with Rician noise, restored by what docs/volumes.md recommends: nl-means-3d."""

from functools import cache

import numpy as np
import phantoms
import pytest

METHOD = "nl-means-3d"
VOLUMES = 5  # benchmarks/phantoms.py looks at 50


@cache
def planted(percent, seed):
    """A head with lesions of 3.5 sigma, and what is restored of it, at 5 % or 9 % noise."""
    rng = np.random.default_rng(seed)
    truth = phantoms.with_lesions(phantoms.head(rng), 3.5 * percent / 100, rng)
    noisy = phantoms.noisy(truth.clean, 2.55 * percent, seed)
    return truth, noisy, phantoms.restored(noisy, 2.55 * percent, METHOD)


@pytest.mark.parametrize("percent", [5, 9])
def test_lesions_of_2_to_4_voxels_keep_90_percent_of_their_contrast(percent):
    found = [planted(percent, seed) for seed in (1, 2)]
    kept = np.concatenate([phantoms.kept(restored, truth) for truth, _, restored in found])
    across = np.concatenate([np.arange(len(truth.lesions)) % 3 + 2 for truth, *_ in found])
    assert len(kept) >= 16
    for size in (2, 3, 4):
        assert kept[across == size].mean() > 0.9
    for truth, noisy, restored in found:
        assert phantoms.psnr(restored, truth.clean) > phantoms.psnr(noisy, truth.clean) + 7


@pytest.mark.parametrize("percent", [5, 9])
def test_tissues_are_told_apart_better_than_in_the_noisy_volume(percent):
    truth, noisy, restored = planted(percent, 1)
    assert (phantoms.dice(restored, truth) > phantoms.dice(noisy, truth)).all()


@pytest.mark.slow
@pytest.mark.parametrize("percent", [5, 9])
def test_no_lesion_appears_in_volumes_without_any(percent):
    for seed in range(VOLUMES):
        truth = phantoms.head(np.random.default_rng(seed))
        restored = phantoms.restored(phantoms.noisy(truth.clean, 2.55 * percent, seed), 2.55 * percent, METHOD)
        assert phantoms.false_lesions(restored, truth, 2.55 * percent) == 0


def test_a_lesion_that_is_made_up_is_counted():
    truth = phantoms.head(np.random.default_rng(0))
    false = truth.clean.copy()
    middle = tuple(np.argwhere(truth.tissues == phantoms.WHITE)[500])
    false[tuple(slice(at, at + 2) for at in middle)] += 0.2
    assert phantoms.false_lesions(false, truth, 12.75) == 1
    assert phantoms.false_lesions(truth.clean, truth, 12.75) == 0
