"""The quality of a JPEG, read from its tables."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from nonloc.estimation.jpeg_quality import exact_qualities, jpeg_quality, table_quality
from nonloc.image.array import as_image
from nonloc.image.read import read


def saved(channels=3, **options):
    """A picture saved by libjpeg, as the package reads it."""
    y, x = np.mgrid[:24, :40]
    pixels = np.stack([(5 * x + 3 * c * y) % 256 for c in range(channels)], -1).astype(np.uint8)
    file = io.BytesIO()
    Pillow.fromarray(pixels[..., 0] if channels == 1 else pixels).save(file, "JPEG", **options)
    return read(file.getvalue())


@pytest.mark.parametrize("quality", [1, 2, 10, 25, 49, 50, 51, 75, 90, 95, 99, 100])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_quality_that_a_picture_was_saved_with_is_read(quality, channels):
    found = jpeg_quality(saved(channels, quality=quality))
    assert found.exact
    assert found.quality == quality
    assert found.chroma == (None if channels == 1 else quality)


def test_halved_chroma_is_told():
    assert jpeg_quality(saved(quality=80, subsampling=2)).subsampled
    assert not jpeg_quality(saved(quality=80, subsampling=0)).subsampled
    assert not jpeg_quality(saved(1, quality=80)).subsampled


def test_a_jpeg_that_keeps_rgb_has_luminance_tables_only():
    found = jpeg_quality(saved(quality=70, keep_rgb=True))
    assert (found.quality, found.chroma, found.exact) == (70, 70, True)


def test_chroma_of_another_quality_is_told_apart():
    luma, chroma = (saved(quality=q).metadata.tags["jpeg.tables"] for q in (90, 40))
    found = jpeg_quality(saved(qtables=[list(luma[0]), list(chroma[1])]))
    assert (found.quality, found.chroma, found.exact) == (90, 40, True)


def test_tables_of_another_program_get_the_quality_that_is_as_coarse():
    flat = jpeg_quality(saved(qtables=[[20] * 64, [20] * 64]))
    assert not flat.exact
    assert 55 < flat.quality < 85
    assert flat.step == 20
    assert "about" in str(flat)


def test_coarser_tables_have_a_lower_quality():
    qualities = [table_quality([step] * 64) for step in (1, 2, 4, 8, 16, 32, 64, 128, 255)]
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[0] == 100


def test_the_quality_between_two_tables_lies_between_theirs():
    lower, higher = (np.array(saved(quality=q).metadata.tags["jpeg.tables"][0]) for q in (60, 70))
    between = (lower + higher) // 2
    assert not exact_qualities(between, "luma")
    assert 60 < table_quality(between) < 70


def test_a_picture_that_is_no_jpeg_has_no_quality():
    assert jpeg_quality(as_image(np.zeros((8, 8), np.uint8))) is None
