"""What restore takes when nothing is named: the usual method, or a simple one where a short look says so."""

import numpy as np
import pytest

import nonloc
from nonloc.verbs.options import Options


def flat(rng, channels):
    """Rectangles of even colour, (160, 160, C)."""
    picture = np.full((160, 160, channels), 0.8)
    for _ in range(12):
        y, x, tall, wide = rng.integers(0, 130, 2).tolist() + rng.integers(20, 70, 2).tolist()
        picture[y : y + tall, x : x + wide] = rng.uniform(0.05, 0.95, channels)
    return picture.squeeze()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_drawing_is_restored_by_what_keeps_flat_colours_flat(channels):
    rng = np.random.default_rng(0)
    clean = flat(rng, channels)
    noisy = (clean + rng.normal(0, 5 / 255, clean.shape)).astype(np.float32)
    out, record = nonloc.restore(noisy, return_report=True)
    usual = nonloc.denoise(noisy)
    error, error_of_usual = (np.mean((x - clean) ** 2) for x in (out, usual))
    assert error < error_of_usual / 1.12
    assert "better than nonloc-s on this picture" in record.reason
    assert record.considered


def test_a_photograph_is_restored_as_denoise_does(harbour):
    noisy = harbour + np.random.default_rng(0).normal(0, 20, harbour.shape)
    noisy = np.clip(noisy, 0, 255).astype(np.uint8)
    out, record = nonloc.restore(noisy, return_report=True)
    assert record.method == "nonloc-s"
    np.testing.assert_array_equal(out, nonloc.denoise(noisy))


def test_the_short_look_is_the_same_with_an_ensemble(harbour):
    noisy = (harbour[:64, :64] / 255 + np.random.default_rng(0).normal(0, 0.08, (64, 64, 3))).astype(np.float32)
    _, record = nonloc.restore(noisy, options=Options(ensemble=2), return_report=True)
    assert record.method == "nonloc-s"


@pytest.fixture
def harbour():
    from pathlib import Path

    return nonloc.read(Path(nonloc.__file__).parent / "samples" / "harbour.png").samples[100:300, 200:440]
