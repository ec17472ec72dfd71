"""Promise 1, your bits come back: read, write, read gives the same samples and metadata, for all formats."""

import io

import numpy as np
import picture_files
import pytest
import tifffile
from PIL import Image as Pillow

from nonloc.image.read import read
from nonloc.image.write import write

LOSSLESS = picture_files.lossless_files()
LOSSY = picture_files.lossy_files()
FIELDS = ("icc", "exif", "xmp", "resolution")


def assert_same(expected, found):
    assert found.dtype == expected.dtype
    assert (found.scale, found.offset) == (expected.scale, expected.offset)
    np.testing.assert_array_equal(found.samples, expected.samples)
    assert (found.alpha is None) == (expected.alpha is None)
    if expected.alpha is not None:
        assert found.alpha.dtype == expected.alpha.dtype
        np.testing.assert_array_equal(found.alpha, expected.alpha)
    for field in FIELDS:
        assert getattr(found.metadata, field) == getattr(expected.metadata, field), field


def test_the_matrix_is_large_enough():
    assert len(LOSSLESS) >= 60
    assert len(LOSSY) >= 20
    assert len({f.name for f in LOSSLESS + LOSSY}) == len(LOSSLESS + LOSSY)


@pytest.mark.parametrize("file", LOSSLESS, ids=repr)
def test_reading_gives_the_samples_that_were_written_by_others(file, tmp_path):
    path = tmp_path / file.name
    path.write_bytes(file.data)
    image = read(path)
    assert image.path == path
    np.testing.assert_array_equal(image.samples, file.samples)
    assert image.samples.dtype == file.samples.dtype
    assert (image.alpha is None) == (file.alpha is None)
    if file.alpha is not None:
        np.testing.assert_array_equal(image.alpha, file.alpha)


@pytest.mark.parametrize("file", LOSSLESS + LOSSY, ids=repr)
def test_an_untouched_picture_comes_back_with_all_metadata(file, tmp_path):
    before = read(file.data)
    write(before, tmp_path / file.name)
    after = read(tmp_path / file.name)
    assert_same(before, after)
    for key in ("png.chunks", "png.key", "jpeg.segments", "jpeg.tables", "tiff.layout", "tiff.tags"):
        assert before.metadata.tags.get(key) == after.metadata.tags.get(key), key


@pytest.mark.parametrize("file", LOSSLESS, ids=repr)
def test_changed_samples_are_written_as_they_are(file, tmp_path):
    before = read(file.data)
    samples = before.samples.copy()
    flat = samples.reshape(-1)
    flat[:7] = flat[:7][::-1]
    changed = before.with_samples(samples)
    write(changed, tmp_path / file.name)
    after = read(tmp_path / file.name)
    np.testing.assert_array_equal(after.pixels(), changed.pixels())
    if before.alpha is not None:
        white, was = np.iinfo(after.alpha.dtype).max, np.iinfo(before.alpha.dtype).max
        np.testing.assert_array_equal(after.alpha / white, before.alpha / was)
    for field in FIELDS:
        assert getattr(after.metadata, field) == getattr(before.metadata, field), field


@pytest.mark.parametrize("file", LOSSY, ids=repr)
def test_an_untouched_lossy_file_is_copied_byte_for_byte(file, tmp_path):
    write(read(file.data), tmp_path / file.name)
    assert (tmp_path / file.name).read_bytes() == file.data


@pytest.mark.parametrize("file", LOSSLESS, ids=repr)
def test_other_programs_read_what_is_written(file, tmp_path):
    image = read(file.data)
    write(image, tmp_path / file.name)
    data = (tmp_path / file.name).read_bytes()
    if file.name.startswith("lab"):
        found, expected = (tifffile.TiffFile(io.BytesIO(b)).pages[0] for b in (data, file.data))
        assert found.photometric == expected.photometric == 8
        np.testing.assert_array_equal(found.asarray(), expected.asarray())
    elif file.name.endswith(".tif"):
        found = tifffile.imread(io.BytesIO(data))
        expected = tifffile.imread(io.BytesIO(file.data))
        np.testing.assert_array_equal(found, expected)
    else:
        with Pillow.open(io.BytesIO(data)) as found, Pillow.open(io.BytesIO(file.data)) as expected:
            assert found.mode == expected.mode
            np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif", ".webp", ".avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_kept_and_never_applied(orientation, ending, tmp_path):
    stream = io.BytesIO()
    exif = picture_files.exif(orientation)
    Pillow.fromarray(picture_files.smooth(3)).save(stream, "JPEG", exif=b"Exif\0\0" + exif)
    image = read(stream.getvalue())
    changed = image.with_samples(255 - image.samples)
    write(changed, tmp_path / f"a{ending}")
    with Pillow.open(tmp_path / f"a{ending}") as found:
        assert found.getexif().get(274, 1) == orientation
    after = read(tmp_path / f"a{ending}")
    assert (after.width, after.height) == (56, 48)
    write(after, tmp_path / f"b{ending}")
    with Pillow.open(tmp_path / f"b{ending}") as found:
        assert found.getexif().get(274, 1) == orientation
        assert found.getexif().get_ifd(34665)[34855] == 3200
