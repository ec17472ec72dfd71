"""MATLAB's rgb2gray."""

import numpy as np

from nonloc.datasets import rgb2gray


def test_gray_pixels_keep_their_level():
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(rgb2gray(np.stack([levels] * 3, -1)[np.newaxis])[0], levels)


def test_primaries_have_the_weights_of_ntsc():
    assert rgb2gray(np.uint8([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]])).tolist() == [[76, 150, 29]]


def test_a_gray_picture_comes_back_as_it_is():
    gray = np.uint8([[1, 2], [3, 4]])
    assert rgb2gray(gray) is gray
