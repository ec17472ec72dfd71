import numpy as np
import pytest

import nonloc
from nonloc.degradation import Clip8, Speckle
from nonloc.errors import UsageError
from nonloc.estimation.speckle import estimate_looks
from nonloc.image.image import Image
from nonloc.image.read import read
from nonloc.verbs.denoise import plan_denoise
from nonloc.verbs.levels import read_noise


def clean(height=200, width=240):
    y, x = np.mgrid[:height, :width]
    stripes = 0.1 * np.sin(y / 3) * (x > width / 2)
    return 0.15 + 0.3 * x / width + 0.3 * (np.hypot(y - 90, x - 70) < 50) + stripes


@pytest.mark.parametrize("looks", [1, 2.5, 4, 16])
@pytest.mark.parametrize("amplitude", [False, True])
def test_looks_are_counted_within_15_percent(looks, amplitude):
    pixels = Speckle(looks, amplitude, zero=-0.2).apply(clean() - 0.2, np.random.default_rng(0))
    found = estimate_looks(pixels[None], amplitude=amplitude, zero=-0.2)
    assert abs(found.looks / looks - 1) < 0.15
    assert found.low < found.looks < found.high
    assert str(found).startswith("speckle of ")


@pytest.mark.data
@pytest.mark.parametrize("looks", [1, 4, 16])
def test_looks_of_photographs_are_counted_within_15_percent(data_root, looks):
    for i, path in enumerate(sorted((data_root / "train" / "bsd32val").glob("*.*g"))[::8]):
        pixels = read(path).pixels().mean(0, keepdims=True)
        rng = np.random.default_rng(i)
        speckled = Speckle(looks).apply(pixels, rng)
        assert abs(estimate_looks(speckled).looks / looks - 1) < 0.15
        assert abs(estimate_looks(Clip8().apply(speckled, rng)).looks / looks - 1) < 0.15


def test_a_user_may_have_them_counted():
    picture = Image(Speckle(4).apply(clean(), np.random.default_rng(0)).astype(np.float32), scale=1.0)
    plan, record = plan_denoise(picture, "speckle:auto")
    assert abs(plan.degradation.looks / 4 - 1) < 0.1
    assert "logarithms are restored 3 times" in plan.reason
    assert record.diagnosis.startswith(f"{plan.degradation} seen")
    root = Image(np.sqrt(picture.samples), scale=1.0)
    assert read_noise("speckle:auto,amplitude", root).amplitude
    assert abs(read_noise("speckle:auto,amplitude", root).looks / plan.degradation.looks - 1) < 0.01


def test_what_cannot_be_counted_is_said():
    with pytest.raises(UsageError, match="too small"):
        nonloc.denoise(np.full((5, 6), 0.5, np.float32), sigma="speckle:auto")
    with pytest.raises(UsageError, match="no picture"):
        read_noise("speckle:auto")
