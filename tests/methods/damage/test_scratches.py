import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import binary_dilation

from nonloc.methods.registry import create


@pytest.fixture
def scene():
    """Smooth ground, an edge, a broad bar and a fine texture on the right, (1, 3, H, W)."""
    y, x = np.mgrid[:200, :260]
    u = 0.35 + 0.2 * x / 260 + 0.15 * (y > 140) + 0.2 * (np.abs(x - 60) < 9) + 0.05 * np.sin(1.3 * x) * (x > 190)
    u = u + np.random.default_rng(0).normal(0, 1.5 / 255, u.shape)
    return np.stack([u, 0.9 * u, 0.8 * u]).astype(np.float32)[None]


def damage(scene, value):
    """A bent scratch and a few specks of that value: the damaged scene, and where."""
    y, x = np.mgrid[:200, :260]
    lost = (np.abs(x - 120 - 0.1 * y - 3 * np.sin(y / 40)) < 1.5) & (y > 15) & (y < 180)
    for cy, cx, r in ((30, 30, 2.5), (90, 170, 3.2), (120, 90, 2.2), (165, 30, 3.5)):
        lost |= np.hypot(y - cy, x - cx) < r
    return np.where(lost, np.float32(value), scene), lost


@pytest.mark.parametrize(("value", "polarity", "other"), [(0.98, "bright", "dark"), (0.02, "dark", "bright")])
def test_finds_and_fills_a_scratch_and_specks(scene, value, polarity, other):
    damaged, lost = damage(scene, value)
    for asked in ("both", polarity):
        out, extras = create("scratches", channels=3, arguments={"polarity": asked}).restore(damaged, None)
        found = extras["mask"][0, 0]
        assert (found & lost).sum() / lost.sum() > 0.95
        assert (found & ~binary_dilation(lost, iterations=3)).sum() == 0
        np.testing.assert_array_equal(out[~extras["mask"]], damaged[~extras["mask"]])
        assert np.sqrt(np.mean((out - scene)[:, :, lost] ** 2)) < 0.04
    unseen = create("scratches", channels=3, arguments={"polarity": other}).restore(damaged, None)[1]["mask"]
    assert (unseen[0, 0] & lost).sum() < 0.02 * lost.sum()


def test_leaves_edges_bars_and_textures_alone(scene):
    out, extras = create("scratches", channels=3).restore(scene, None)
    assert not extras["mask"].any()
    np.testing.assert_array_equal(out, scene)


def test_more_sensitivity_finds_fainter_damage(scene):
    damaged, lost = damage(scene, 0.98)
    faint = scene + 0.12 * (damaged - scene)
    found = [
        (
            create("scratches", channels=3, arguments={"sensitivity": s}).restore(faint, None)[1]["mask"][0, 0] & lost
        ).sum()
        for s in (0.5, 1, 4)
    ]
    assert found[0] <= found[1] < found[2]


@pytest.mark.data
@pytest.mark.slow
def test_takes_less_than_half_a_percent_of_clean_pictures_for_damage(data_root):
    method = create("scratches", channels=3)
    taken = []
    for path in sorted((data_root / "train" / "bsd32val").glob("*.jpg")):
        clean = np.moveaxis(np.asarray(Image.open(path).convert("RGB"), np.float32) / 255, -1, 0)[None]
        taken.append(method.restore(clean, None)[1]["mask"].mean())
    assert np.mean(taken) < 0.005
