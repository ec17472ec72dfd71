"""Sets for resolution: the protocol of the field, met by bicubic interpolation's published figures."""

import numpy as np
import pytest

from nonloc.benchmark import bench
from nonloc.benchmark.resolution import cut, score, small


def test_a_rim_of_the_factor_does_not_count_and_gray_is_scored_on_its_own_levels():
    clean = np.random.default_rng(0).integers(0, 256, (24, 30, 3), np.uint8)
    damaged = clean / 255
    damaged[:3], damaged[:, -3:] = 0, 1
    assert score(clean, damaged, 3).psnr == np.inf
    assert score(clean, damaged, 2).psnr < 60
    gray = clean[..., 0]
    off = gray / 255 + 8 / 255
    assert score(gray, off, 2).psnr_float == pytest.approx(20 * np.log10(255 / 8))


def test_the_small_picture_is_of_eight_bits_and_sides_are_multiples():
    clean = np.random.default_rng(0).integers(0, 256, (25, 31, 3), np.uint8)
    assert cut(clean, 3).shape == (24, 30, 3)
    assert small(cut(clean, 3), 3).dtype == np.uint8
    assert small(cut(clean, 3), 3).shape == (8, 10, 3)


@pytest.mark.data
def test_bicubic_meets_its_published_figures(tmp_path, data_root):
    found = bench(["set5", "set14"], ["bicubic"], results=tmp_path, root=data_root)
    means = {
        (s, f): np.mean([r.psnr for r in found.only(set=s, sigma=f)]) for s in ("set5", "set14") for f in (2, 3, 4)
    }
    published = {"set5": (33.66, 30.39, 28.42), "set14": (30.24, 27.55, 26.00)}
    for name, values in published.items():
        for factor, value in zip((2, 3, 4), values, strict=True):
            assert means[name, factor] == pytest.approx(value, abs=0.02), (name, factor)
