"""SSIM against its definition, window by window, and against scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonloc.errors import ImageError
from nonloc.metrics import ssim


def definition(x, y, L):
    """Wang et al. 2004, equation 13, at every place where the 11 x 11 window fits."""
    offsets = np.arange(-5, 6)
    weight = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    weight /= weight.sum()
    C1, C2 = (0.01 * L) ** 2, (0.03 * L) ** 2
    values = []
    for i in range(x.shape[0] - 10):
        for j in range(x.shape[1] - 10):
            a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
            ma, mb = (weight * a).sum(), (weight * b).sum()
            va, vb = (weight * (a - ma) ** 2).sum(), (weight * (b - mb) ** 2).sum()
            cov = (weight * (a - ma) * (b - mb)).sum()
            values.append((2 * ma * mb + C1) * (2 * cov + C2) / ((ma**2 + mb**2 + C1) * (va + vb + C2)))
    return np.mean(values)


def pair(shape, seed):
    rng = np.random.default_rng(seed)
    clean = rng.integers(0, 256, shape).astype(np.float64)
    return clean, np.clip(np.rint(clean + rng.normal(0, 40, shape)), 0, 255)


@given(st.integers(11, 16), st.integers(11, 16), st.integers(0, 100))
def test_equals_its_definition(height, width, seed):
    x, y = pair((height, width), seed)
    assert ssim(x, y, data_range=255) == pytest.approx(definition(x, y, 255), abs=1e-10)


@pytest.mark.parametrize("shape", [(40, 53), (32, 24, 3)])
def test_equals_scikit_image_with_the_papers_settings(shape):
    metrics = pytest.importorskip("skimage.metrics")
    x, y = pair(shape, 1)
    expected = metrics.structural_similarity(
        x, y, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        channel_axis=-1 if len(shape) == 3 else None,
    )  # fmt: skip
    assert ssim(x, y, data_range=255) == pytest.approx(expected, abs=1e-12)


def test_identical_pictures_have_similarity_one():
    x, _ = pair((20, 20, 3), 2)
    assert ssim(x, x, data_range=255) == pytest.approx(1, abs=1e-12)


def test_the_peak_scales_with_the_samples():
    x, y = pair((20, 20), 3)
    assert ssim(x / 255, y / 255, data_range=1) == pytest.approx(ssim(x, y, data_range=255), abs=1e-12)


def test_a_picture_smaller_than_the_window_is_an_error():
    with pytest.raises(ImageError, match="11 x 11"):
        ssim(np.zeros((10, 40)), np.zeros((10, 40)), data_range=255)
