"""The estimate of correlated noise: seen where a camera left it, not where there is none, and odd pictures."""

import io
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy.ndimage import gaussian_filter

from nonloc.datasets import load
from nonloc.degradation.camera import middle_level
from nonloc.errors import ImageError, WeightsError
from nonloc.estimation import correlated
from nonloc.estimation.correlated import CROPS, SIDE, crops, estimate_correlated, measure


@pytest.fixture(scope="module")
def scene():
    """The bundled sample as a camera sees it at its own pixels: soft. (3, H, W), without noise."""
    with resources.as_file(resources.files("nonloc") / "samples" / "harbour.png") as path, Image.open(path) as picture:
        return np.stack([gaussian_filter(plane, 0.8) for plane in planes(np.asarray(picture))])


def camera_file(clean, level, seed=0, quality=90):
    """The JPEG of `clean` with noise of that level, its colours softer than its light; no noise at level 0."""
    noise = np.random.default_rng(seed).standard_normal(clean.shape)
    gray = gaussian_filter(noise.mean(0), 0.7)
    colour = np.stack([gaussian_filter(plane - noise.mean(0), 1.5) for plane in noise])
    noise = gray / gray.std() + 0.3 * colour / colour.std()
    pixels = np.clip(clean + level / 255 * noise, 0, 1)
    file = io.BytesIO()
    Image.fromarray(np.rint(255 * np.moveaxis(pixels, 0, -1)).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return planes(np.asarray(Image.open(file)))


def planes(pixels):
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0), np.float32) / 255


@pytest.mark.parametrize("level", [2, 4, 8, 12])
def test_the_noise_of_a_camera_is_seen(level, scene):
    noisy = camera_file(scene, level)
    true = middle_level(noisy - camera_file(scene, 0))
    found = estimate_correlated(noisy)
    assert found.confidence > 0.5
    assert 0.6 * true < found.sigma < 3 * true
    assert found.low <= found.sigma <= found.high


@pytest.mark.parametrize("level", [2, 4])
def test_its_neighbours_are_told_to_be_alike(level, scene):
    assert estimate_correlated(camera_file(scene, level)).correlation > 0.2


def test_more_noise_is_a_higher_level(scene):
    levels = [estimate_correlated(camera_file(scene, level)).sigma for level in (2, 4, 8)]
    assert levels == sorted(levels)


@pytest.mark.parametrize("quality", [75, 95])
def test_a_clean_file_is_left_alone(quality, scene):
    found = estimate_correlated(camera_file(scene, 0, quality=quality))
    assert (found.sigma, found.low) == (0, 0)
    assert found.confidence < 0.5
    assert str(found) == "no correlated noise seen"


@pytest.mark.parametrize("sigma", [10, 30])
def test_white_noise_is_hardly_correlated(sigma, scene):
    pixels = (scene + sigma / 255 * np.random.default_rng(0).standard_normal(scene.shape)).astype(np.float32)
    found = estimate_correlated(pixels)
    assert found.correlation < 0.1
    assert found.sigma < 1.5 * sigma  # so that the estimate of white noise is not replaced


def test_the_grid_of_the_blocks_does_not_matter(scene):
    pixels = camera_file(scene, 8)
    level = estimate_correlated(pixels).sigma
    for other in (pixels[:, ::-1], pixels[:, :, ::-1], pixels.swapaxes(1, 2), pixels[:, 3:, 5:]):
        assert estimate_correlated(other).sigma == pytest.approx(level, rel=0.15)


def test_noise_is_seen_beside_a_constant_border(scene):
    picture = camera_file(scene, 8)
    pixels = np.ones((3, 500, 700), np.float32)
    pixels[:, 60:444, 90:602] = picture
    assert estimate_correlated(pixels).sigma == pytest.approx(estimate_correlated(picture).sigma, rel=0.3)


def test_gray_and_toned_pictures_are_not_judged(scene):
    gray = camera_file(scene, 8)[:1]
    for pixels in (gray, np.repeat(gray, 3, 0), np.repeat(gray, 4, 0)):
        found = estimate_correlated(pixels)
        assert (found.sigma, found.confidence, found.high) == (0, 0, 255)


@pytest.mark.filterwarnings("error")
def test_missing_samples_are_left_out(scene):
    pixels = camera_file(scene, 8)
    level = estimate_correlated(pixels).sigma
    pixels[:, 50:60, 50:90] = np.nan
    pixels[:, 150:160, 50:90] = np.inf
    pixels[:, 250:260, 50:90] = -np.inf
    assert estimate_correlated(pixels).sigma == pytest.approx(level, rel=0.15)


def test_clipped_blocks_do_not_lower_the_level(scene):
    level = estimate_correlated(camera_file(scene, 8)).sigma
    overexposed = np.clip(2 * scene, 0, 1)
    assert estimate_correlated(camera_file(overexposed, 8)).sigma == pytest.approx(level, rel=0.1)


def test_a_pattern_is_no_noise():
    y, x = np.mgrid[:400, :400]
    waves = 0.5 + 0.4 * np.stack([np.sin(x * (0.6 + 0.3 * k)) * np.sin(y * 0.01) for k in range(3)])
    dots = np.kron(np.random.default_rng(0).random((3, 100, 100)) < 0.5, np.ones((4, 4))) * 0.9 + 0.05
    for pixels in (waves, dots):
        assert estimate_correlated(pixels).sigma == 0


@given(st.integers(2 * SIDE, 3000), st.integers(2 * SIDE, 3000))
def test_a_bounded_part_of_any_picture_is_looked_at(height, width):
    place = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"))
    found = crops(place)
    assert 1 <= len(found) <= CROPS
    assert all(crop.shape[1] % SIDE == crop.shape[2] % SIDE == 0 for crop in found)
    corners = {(crop[0, 0, 0], crop[1, 0, 0]) for crop in found}
    assert len(corners) == len(found)
    if height >= 256 and width >= 256:  # to all four rims
        assert found[0][:, 0, 0].tolist() == [0, 0]
        assert found[-1][:, -1, -1].tolist() == [height - 1, width - 1]


def test_crops_do_not_overlap():
    seen = np.zeros((700, 450), int)
    for crop in crops(np.arange(700 * 450).reshape(1, 700, 450)):
        seen.flat[crop.ravel()] += 1
    assert seen.max() == 1
    assert seen.sum() > 0.6 * 512 * 512


def test_blocks_that_say_nothing_are_left_out(scene):
    pixels = camera_file(scene, 8)[:, :128, :128]
    whole = len(measure(pixels))
    pixels[:, :32, :32] = 1.0  # clipped
    pixels[:, 64, 64] = np.nan
    pixels[:, 96:112, 96:112] = 0.5  # constant
    assert len(measure(pixels)) == whole - 4 - 1 - 1


def test_an_estimate_for_other_weights_is_refused(monkeypatch, scene):
    weights = correlated.choose_weights(correlated.card("nonloc-photo"), 3, None)
    other = replace(weights, sha256="0" * 64)
    monkeypatch.setattr(correlated, "choose_weights", lambda *_: other)
    correlated._trained.cache_clear()
    with pytest.raises(WeightsError, match="camera_noise_fit"):
        estimate_correlated(scene)


@given(
    arrays(
        np.float32,
        st.tuples(st.sampled_from([1, 2, 3, 4]), st.integers(0, 40), st.integers(0, 40)),
        elements=st.floats(-1, 2, width=32),
        fill=st.sampled_from([0, 0.5, 1]),
    )
)
def test_any_small_picture_is_not_judged(pixels):
    found = estimate_correlated(pixels)
    assert (found.sigma, found.low, found.high, found.confidence) == (0, 0, 255, 0)


@given(st.integers(0, 1000), st.sampled_from([0.0, 1e-5, 0.01, 0.3, 100.0]), st.sampled_from([0.0, 0.5, 6.0]))
def test_any_other_picture_gets_finite_levels_in_order(seed, spread, blurred):
    rng = np.random.default_rng(seed)
    pixels = np.stack([gaussian_filter(rng.standard_normal((170, 180)), blurred) for _ in range(3)]) * spread + 0.5
    before = pixels.copy()
    found = estimate_correlated(pixels)
    assert 0 <= found.low <= found.sigma <= found.high < np.inf
    assert 0 <= found.confidence <= 1
    assert np.isfinite(found.correlation)
    np.testing.assert_array_equal(pixels, before)


def test_a_stack_is_refused():
    with pytest.raises(ImageError, match=r"\(2, 1, 8, 8\)"):
        estimate_correlated(np.zeros((2, 1, 8, 8), np.float32))


@pytest.mark.data
def test_real_pictures_are_told_from_the_means_of_many_shots(data_root):
    pairs = load("polyu40", part="tune", root=data_root)
    seen = [[estimate_correlated(planes(p)).sigma > 0 for p in (pair.noisy8(), pair.pixels8())] for pair in pairs]
    noisy, clean = np.sum(seen, 0)
    assert noisy >= 8
    assert clean <= 2


@pytest.mark.data
def test_clean_photographs_are_left_alone(data_root):
    levels = [estimate_correlated(planes(p.pixels8("rgb"))).sigma for p in load("bsd32val", root=data_root)[::2]]
    assert np.count_nonzero(levels) <= 1
