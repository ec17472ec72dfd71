import io

import numpy as np
import pytest
from PIL import Image

from nonloc.degradation import GaussianNoise, Jpeg
from nonloc.degradation.quantisation import CHROMA, LUMA, table
from nonloc.errors import UsageError
from nonloc.methods.registry import create


def psnr(a, b):
    return -10 * np.log10(np.mean((np.clip(a, 0, 1) - b) ** 2))


@pytest.fixture
def ramp():
    y, x = np.mgrid[:90, :110]
    u = 0.3 + 0.4 * x / 110 + 0.2 * (np.hypot(y - 45, x - 40) < 25)
    return np.stack([u, 0.8 * u, 1 - u]).astype(np.float32)[None]


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 75, 95, 100])
def test_tables_are_those_that_programs_write(quality):
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG", quality=quality)
    written = Image.open(file).quantization
    for number, standard in enumerate((LUMA, CHROMA)):
        np.testing.assert_array_equal(table(standard, quality).ravel(), written[number])


@pytest.mark.parametrize("channels", [1, 3])
def test_takes_blocks_away(ramp, channels):
    clean = ramp[:, :channels]
    jpeg = Jpeg(10).apply(clean[0])[None]
    out = create("jpeg-smoothing", channels=channels).restore(jpeg, Jpeg(10))
    assert psnr(out, clean) > psnr(jpeg, clean) + 0.5


def test_what_comes_out_may_be_what_the_file_means(ramp):
    """Compressed once more, it is the same file within the constraint, but for the rounding to levels."""
    from scipy.fft import dctn

    jpeg = Jpeg(20).apply(ramp[0, :1])[None]
    out = create("jpeg-smoothing", channels=1, arguments={"constraint": 0.3}).restore(jpeg, Jpeg(20))
    blocks = (255 * (out - jpeg))[0, 0, :88, :104].reshape(11, 8, 13, 8)
    moved = dctn(blocks, axes=(1, 3), norm="ortho") / table(LUMA, 20)[:, None]
    assert np.abs(moved).max() < 0.3 + 4 / table(LUMA, 20).min()


def test_without_a_quality_it_says_what_to_do():
    for told in (None, GaussianNoise(10)):
        with pytest.raises(UsageError, match="quality"):
            create("jpeg-smoothing", channels=1).restore(np.zeros((1, 1, 8, 8), np.float32), told)


@pytest.mark.data
def test_gains_half_a_decibel_on_photographs(data_root):
    gains = []
    for path in sorted((data_root / "train" / "bsd32val").glob("*.jpg"))[::6]:
        clean = (np.asarray(Image.open(path).convert("L"))[:200, :200] / 255).astype(np.float32)[None, None]
        jpeg = Jpeg(10).apply(clean[0])[None]
        gains.append(psnr(create("jpeg-smoothing", channels=1).restore(jpeg, Jpeg(10)), clean) - psnr(jpeg, clean))
    assert min(gains) > 0.1
    assert np.mean(gains) > 0.45
