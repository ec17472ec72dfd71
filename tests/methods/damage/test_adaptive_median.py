import numpy as np
import pytest
from PIL import Image

from nonloc.degradation import SaltAndPepper
from nonloc.methods.damage.adaptive_median import count
from nonloc.methods.registry import create


def gray(path):
    return (np.asarray(Image.open(path).convert("L")) / 255).astype(np.float32)[None, None]


def psnr(a, b):
    error = np.mean((np.clip(a, 0, 1) - b) ** 2)
    return -10 * np.log10(error) if error else np.inf


@pytest.fixture
def ramp():
    y, x = np.mgrid[:60, :80]
    return (0.2 + 0.5 * x / 80 + 0.1 * np.sin(y / 5)).astype(np.float32)[None, None]


def test_finds_every_impulse_on_a_smooth_picture_and_changes_nothing_else(ramp):
    hit = SaltAndPepper(0.3).apply(ramp, np.random.default_rng(0))
    out, extras = create("adaptive-median", channels=1).restore(hit, None)
    np.testing.assert_array_equal(extras["mask"], hit != ramp)
    np.testing.assert_array_equal(out[~extras["mask"]], ramp[~extras["mask"]])
    assert np.abs(out - ramp).max() < 0.1


def test_repairs_a_picture_of_which_nine_tenths_are_hit(ramp):
    hit = SaltAndPepper(0.9).apply(ramp, np.random.default_rng(0))
    assert psnr(create("adaptive-median", channels=1).restore(hit, None)[0], ramp) > 25


def test_white_and_black_areas_are_no_impulses(ramp):
    ramp[..., 10:30, 10:30], ramp[..., 30:50, 40:60] = 1, 0
    hit = SaltAndPepper(0.2).apply(ramp, np.random.default_rng(1))
    for pixels, low in ((ramp, np.inf), (hit, 25)):
        out, extras = create("adaptive-median", channels=1).restore(pixels, None)
        assert not (extras["mask"] & (pixels == ramp)).any()
        assert psnr(out, ramp) >= low


def test_margin_takes_in_what_is_nearly_black_or_white(ramp):
    ramp[..., 20, 20], ramp[..., 40, 40] = 4 / 255, 251 / 255
    assert not create("adaptive-median", channels=1).restore(ramp, None)[1]["mask"].any()
    _, extras = create("adaptive-median", channels=1, arguments={"margin": 5}).restore(ramp, None)
    assert [tuple(place[2:]) for place in np.argwhere(extras["mask"])] == [(20, 20), (40, 40)]


def test_counts_equal_their_definition():
    where = np.random.default_rng(0).random((9, 14)) < 0.4
    for r in (1, 3, 20):
        near = [
            [where[max(0, i - r) : i + r + 1, max(0, j - r) : j + r + 1].sum() for j in range(14)] for i in range(9)
        ]
        np.testing.assert_array_equal(count(where, r), near)


@pytest.mark.data
def test_beats_a_median_by_far_and_leaves_clean_pictures(data_root):
    method, median = create("adaptive-median", channels=1), create("median", channels=1)
    gains, changed = [], []
    for path in sorted((data_root / "train" / "bsd32val").glob("*.jpg"))[::6]:
        clean = gray(path)[..., :240, :240]
        changed.append(method.restore(clean, None)[1]["mask"].mean())
        for fraction in (0.3, 0.5):
            hit = SaltAndPepper(fraction).apply(clean, np.random.default_rng(0))
            gains.append(psnr(method.restore(hit, None)[0], clean) - psnr(median.restore(hit, None), clean))
    assert min(gains) > 5
    assert np.mean(changed) < 0.003
