"""The bundled sample picture: it is what its script renders, and it has the promised kind and range."""

from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    with resources.as_file(resources.files("nonloc") / "samples" / "harbour.png") as path:
        assert path.stat().st_size < 400_000
        with Image.open(path) as picture:
            assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (512, 384))
            return np.asarray(picture)


def test_the_sample_uses_the_whole_range_and_is_hardly_clipped(sample):
    low, high = np.percentile(sample, [1, 99])
    assert low < 20
    assert high > 205
    assert np.mean((sample == 0) | (sample == 255)) < 0.002


def test_the_sample_has_no_noise_in_its_smooth_sky(sample):
    sky = sample[:20, 420:, :].astype(float)  # second differences see noise, not the gradient
    noise = sky[1:-1, 1:-1] - (sky[:-2, 1:-1] + sky[2:, 1:-1] + sky[1:-1, :-2] + sky[1:-1, 2:]) / 4
    assert noise.std() < 0.6  # rounding to 8 bits alone gives about 0.3


@pytest.mark.slow
def test_the_sample_is_what_the_script_renders(sample, monkeypatch):
    if not (EXAMPLES / "render_sample.py").is_file():
        pytest.skip("the examples are not here, only the package")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import render_sample

    rendered = render_sample.render().astype(int)
    apart = np.abs(rendered - sample)
    # another FreeType or another order of sums may move an edge by a part of a pixel
    assert np.mean(apart > 1) < 0.001, f"{np.mean(apart > 1):.2%} of the samples differ by up to {apart.max()}"
