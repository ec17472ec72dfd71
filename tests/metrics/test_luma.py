"""Studio-range luma."""

import numpy as np
import pytest

from nonloc.errors import ImageError
from nonloc.metrics import luma


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint8])
def test_white_is_235_and_black_is_16(kind):
    peak = 255 if kind is np.uint8 else 1
    pixels = np.array([[[peak] * 3, [0] * 3]], kind)
    np.testing.assert_allclose(luma(pixels), [[235, 16]], atol=1e-5)


def test_primaries_have_the_weights_of_bt601():
    np.testing.assert_allclose(luma(np.eye(3)[np.newaxis]), [[81.481, 144.553, 40.966]])


def test_eight_bits_in_eight_bits_out_rounded():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    assert luma(pixels).dtype == np.uint8
    np.testing.assert_array_equal(luma(pixels), np.floor(luma(pixels / 255) + 0.5))


def test_a_gray_picture_is_an_error():
    with pytest.raises(ImageError, match="colour"):
        luma(np.zeros((4, 4)))
