import numpy as np
import pytest

from nonloc.errors import UsageError
from nonloc.methods.damage.flat_field import flat_fielded, shared_pattern


def scene(shift=0):
    y, x = np.mgrid[:80, :100]
    return 0.3 + 0.2 * (np.hypot(y - 40, (x - 20 - 9 * shift) % 100 - 30) < 15) + 0.002 * y


def sensor():
    rng = np.random.default_rng(0)
    return 0.05 + 0.02 * rng.random((80, 100)), 1 + 0.1 * rng.standard_normal((80, 100)).clip(-3, 3)


def test_dark_frame_and_flat_field_give_the_scene_back():
    dark, gain = sensor()
    taken, flat = scene() * gain + dark, 0.7 * gain + dark
    out = flat_fielded(taken, dark, flat)
    np.testing.assert_allclose(out, scene() * gain.mean(), rtol=1e-5)
    np.testing.assert_allclose(flat_fielded(scene() + dark, dark), scene(), rtol=1e-6)
    several = np.stack([taken, taken])[:, None]
    np.testing.assert_allclose(flat_fielded(several, dark, flat)[1, 0], out)


def test_dead_pixels_stay_finite_and_wrong_frames_are_refused():
    dark, gain = sensor()
    gain[3, 4] = 0
    assert np.isfinite(flat_fielded(scene() * gain + dark, dark, gain + dark)).all()
    with pytest.raises(UsageError, match="same size"):
        flat_fielded(scene(), dark[:9])
    with pytest.raises(UsageError, match="no brighter"):
        flat_fielded(scene(), dark, dark)


def test_what_all_pages_share_is_found_and_what_moves_is_not():
    pattern = 0.03 * np.random.default_rng(1).standard_normal((80, 100))
    rng = np.random.default_rng(2)
    pages = np.stack([scene(k) + pattern + 0.02 * rng.standard_normal((80, 100)) for k in range(11)])
    found = shared_pattern(pages)
    assert np.mean((pattern - found) ** 2) < 0.15 * np.mean(pattern**2)
    still = shared_pattern(pages - pattern)
    assert still.std() < 0.012
    with pytest.raises(UsageError, match="5 or more"):
        shared_pattern(pages[:3])
