import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonloc.degradation import GaussianNoise, Missing
from nonloc.errors import UsageError
from nonloc.methods.damage import smooth_fill as smooth
from nonloc.methods.damage.inpaint import fill
from nonloc.methods.registry import create

sides = st.integers(1, 24)


@given(
    st.integers(1, 3),
    sides,
    sides,
    st.floats(0, 1),
    st.integers(0, 99),
    st.sampled_from(["auto", "smooth", "exemplar"]),
)
def test_only_lost_places_change_and_their_content_is_not_looked_at(channels, height, width, part, seed, mode):
    rng = np.random.default_rng(seed)
    pixels = rng.random((channels, height, width), dtype=np.float32)
    lost = rng.random((height, width)) < part
    broken = np.where(lost, np.float32(np.nan), pixels)
    out = fill(broken, lost, mode)
    np.testing.assert_array_equal(out[:, ~lost], pixels[:, ~lost])
    if not lost.all():
        assert np.isfinite(out).all()
        assert out.min() >= pixels[:, ~lost].min() - 1e-6
        assert out.max() <= pixels[:, ~lost].max() + 1e-6


def test_smooth_fill_carries_planes_on_and_has_no_bilaplacian():
    y, x = np.mgrid[:40, :50]
    plane = (0.1 + 0.01 * x + 0.005 * y).astype(np.float32)[None]
    lost = (np.hypot(y - 20, x - 25) < 8) | (np.abs(y - x) < 2) & (y > 3) & (y < 36)
    np.testing.assert_allclose(fill(plane, lost, "smooth"), plane, atol=1e-5)
    bent = (plane + 0.1 * np.sin(x / 4) * np.cos(y / 5)).astype(np.float32)
    u = fill(bent, lost, "smooth")[0].astype(np.float64)
    laplacian = sum(np.roll(u, step, axis) for step in (1, -1) for axis in (0, 1)) - 4 * u
    twice = sum(np.roll(laplacian, step, axis) for step in (1, -1) for axis in (0, 1)) - 4 * laplacian
    assert np.abs(twice[lost]).max() < 1e-5
    assert np.abs(u - bent[0]).max() < 0.03


def test_large_pieces_are_harmonic(monkeypatch):
    monkeypatch.setattr(smooth, "LARGE", 50)
    rng = np.random.default_rng(0)
    pixels = rng.random((2, 40, 40), dtype=np.float32)
    lost = np.zeros((40, 40), bool)
    lost[5:25, 5:25], lost[30:33, 30:33] = True, True
    u = fill(pixels, lost, "smooth")[:, 6:24, 6:24].astype(np.float64)
    mean = (u[:, 2:, 1:-1] + u[:, :-2, 1:-1] + u[:, 1:-1, 2:] + u[:, 1:-1, :-2]) / 4
    np.testing.assert_allclose(u[:, 1:-1, 1:-1], mean, atol=1e-5)


def test_exemplar_continues_a_texture_that_a_smooth_fill_blurs():
    y, x = np.mgrid[:96, :96]
    bricks = (0.5 + 0.3 * np.sign(np.sin(2 * np.pi * x / 8)) * np.sign(np.sin(2 * np.pi * y / 6))).astype(np.float32)
    lost = (np.abs(y - 50) < 11) & (np.abs(x - 45) < 13)
    error = {mode: np.abs(fill(bricks[None], lost, mode) - bricks)[0][lost].mean() for mode in ("smooth", "exemplar")}
    assert error["exemplar"] < 0.02
    assert error["smooth"] > 0.2


def test_auto_fills_thin_places_smoothly_and_deep_ones_by_exemplar():
    rng = np.random.default_rng(0)
    pixels = rng.random((1, 80, 120), dtype=np.float32)
    thin, deep = np.zeros((80, 120), bool), np.zeros((80, 120), bool)
    thin[10:13, 5:70], deep[40:60, 80:100] = True, True
    out = fill(pixels, thin | deep)
    np.testing.assert_array_equal(out[:, thin], fill(pixels, thin, "smooth")[:, thin])
    np.testing.assert_array_equal(out[:, deep], fill(fill(pixels, thin, "smooth"), deep, "exemplar")[:, deep])


def test_without_a_fitting_mask_it_says_what_to_do():
    method = create("inpaint", channels=1)
    for told in (None, GaussianNoise(25), Missing(np.ones((3, 4), bool))):
        with pytest.raises(UsageError, match="mask"):
            method.restore(np.zeros((1, 1, 8, 8), np.float32), told)


def test_returns_the_mask():
    lost = np.zeros((9, 9), bool)
    lost[4, 2:6] = True
    _, extras = create("inpaint", channels=3).restore(np.zeros((2, 3, 9, 9), np.float32), Missing(lost))
    assert extras["mask"].shape == (2, 3, 9, 9)
    assert (extras["mask"] == lost).all()
