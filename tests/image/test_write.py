"""Writing: whole or not at all, never over a file unasked, and never with something lost in silence."""

import errno
import os
import stat
from dataclasses import replace

import numpy as np
import picture_files
import pytest

from nonloc.errors import ImageError
from nonloc.image.array import as_image
from nonloc.image.atomic import atomic
from nonloc.image.image import Metadata
from nonloc.image.read import read, read_pages
from nonloc.image.write import encode, single_page, write, write_pages

GRAY = picture_files.pixels(np.uint8)
RGB16 = picture_files.pixels(np.uint16, 3)


def names(folder):
    return sorted(os.listdir(folder))


def test_a_writer_that_fails_half_way_leaves_nothing_and_the_old_file(tmp_path):
    target = tmp_path / "a.png"
    target.write_bytes(b"old")

    def fail():
        with atomic(target, overwrite=True) as stream:
            stream.write(b"half of the new")
            stream.flush()
            assert target.read_bytes() == b"old"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.png"]


def test_a_keyboard_interrupt_leaves_nothing(tmp_path):
    def interrupted():
        with atomic(tmp_path / "a.png") as stream:
            stream.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == []


def test_a_full_disk_is_an_image_error_that_says_so(tmp_path):
    with pytest.raises(ImageError, match="No space left"), atomic(tmp_path / "a.png"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert names(tmp_path) == []


def test_pages_that_fail_leave_no_file(tmp_path):
    def pages():
        yield as_image(GRAY)
        raise ImageError("page 2", "it is missing", "Look for it")

    with pytest.raises(ImageError, match="page 2"):
        write_pages(pages(), tmp_path / "a.tif")
    assert names(tmp_path) == []


def test_what_appears_has_the_usual_rights(tmp_path):
    write(as_image(GRAY), tmp_path / "a.png")
    (tmp_path / "plain").touch()
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_an_existing_file_is_replaced_only_when_asked(tmp_path):
    target = tmp_path / "a.png"
    write(as_image(GRAY), target)
    before = target.read_bytes()
    with pytest.raises(ImageError, match="exists"):
        write(as_image(255 - GRAY), target)
    assert target.read_bytes() == before
    write(as_image(255 - GRAY), target, overwrite=True)
    np.testing.assert_array_equal(read(target).samples, 255 - GRAY)
    assert names(tmp_path) == ["a.png"]


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    target = tmp_path / "a.png"

    def late():
        with atomic(target) as stream:
            stream.write(b"mine")
            target.write_bytes(b"theirs")

    with pytest.raises(ImageError, match="exists"):
        late()
    assert target.read_bytes() == b"theirs"
    assert names(tmp_path) == ["a.png"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    write(as_image(GRAY), tmp_path / "link.png", overwrite=True)
    assert (tmp_path / "link.png").is_symlink()
    np.testing.assert_array_equal(read(tmp_path / "real.png").samples, GRAY)


def test_a_picture_mapped_from_a_file_can_replace_it(tmp_path):
    target = tmp_path / "large.tif"
    array = np.arange(3000 * 6000, dtype=np.uint16).reshape(3000, 6000)
    target.write_bytes(picture_files.tiff(array))
    image = read(target)
    assert isinstance(image.samples, np.memmap)
    write(image, target, overwrite=True)
    np.testing.assert_array_equal(read(target).samples, array)


@pytest.mark.parametrize(
    ("name", "said"),
    [("a.xyz", ".tif"), ("a", ".png"), ("no/folder/a.png", "no folder")],
)
def test_a_name_that_cannot_be_written_is_explained(name, said, tmp_path):
    with pytest.raises(ImageError, match=said):
        write(as_image(GRAY), tmp_path / name)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("picture", "ending", "said"),
    [
        (as_image(RGB16), ".jpg", "16-bit samples would be cut to 8 bits"),
        (as_image(picture_files.pixels(np.uint8, 4)), ".jpg", "alpha"),
        (as_image(picture_files.pixels(np.uint8, 5), channel_axis=-1), ".jpg", "5 channels"),
        (as_image(picture_files.pixels(np.float32)), ".png", "32-bit float"),
        (as_image(picture_files.pixels(np.int16), data_range=(0, 1)), ".png", "int16"),
        (as_image(picture_files.pixels(np.uint8), data_range=(20, 40)), ".png", "measured values whose black is 20"),
        (as_image(picture_files.pixels(np.uint8, 5), channel_axis=-1), ".png", "5 channels"),
    ],
)
def test_a_format_that_cannot_hold_the_picture_says_what_would_be_lost(picture, ending, said, tmp_path):
    with pytest.raises(ImageError, match=said):
        write(picture, tmp_path / f"a{ending}")
    assert names(tmp_path) == []


def test_cmyk_does_not_fit_into_png(tmp_path):
    cmyk = read(next(f.data for f in picture_files.jpeg_files() if f.name == "CMYK-baseline.jpg"))
    with pytest.raises(ImageError, match="CMYK"):
        write(cmyk, tmp_path / "a.png")
    write(cmyk, tmp_path / "a.tif")
    np.testing.assert_array_equal(read(tmp_path / "a.tif").samples, cmyk.samples)


def test_one_page_of_several_is_not_written_as_if_it_were_all(tmp_path):
    pages = [as_image(picture_files.pixels(np.uint16, 3, seed=i)) for i in range(3)]
    write_pages(pages, tmp_path / "three.tif")
    first = read(tmp_path / "three.tif")
    assert first.metadata.tags["pages"] == 3
    with pytest.raises(ImageError, match="page 1 of 3"):
        write(first, tmp_path / "one.tif")
    write(single_page(first), tmp_path / "one.tif")
    back = list(read_pages(tmp_path / "three.tif"))
    assert [page.metadata.tags["page"] for page in back] == [0, 1, 2]
    for page, original in zip(back, pages, strict=True):
        np.testing.assert_array_equal(page.samples, original.samples)
    write_pages(read_pages(tmp_path / "three.tif"), tmp_path / "again.tif")
    assert [p.metadata.tags["tiff.layout"] for p in read_pages(tmp_path / "again.tif")] == [
        p.metadata.tags["tiff.layout"] for p in back
    ]


def test_pages_of_different_kinds_stand_in_one_file(tmp_path):
    pages = [as_image(GRAY), as_image(RGB16), as_image(picture_files.pixels(np.float32, 3))]
    write_pages(pages, tmp_path / "a.tif")
    for page, original in zip(read_pages(tmp_path / "a.tif"), pages, strict=True):
        assert page.dtype == original.dtype
        np.testing.assert_array_equal(page.samples, original.samples)


def test_no_pages_and_pages_in_a_format_of_one_are_errors(tmp_path):
    with pytest.raises(ImageError, match="no page"):
        write_pages([], tmp_path / "a.tif")
    with pytest.raises(ImageError, match="one page"):
        write_pages([as_image(GRAY)], tmp_path / "a.png")
    assert names(tmp_path) == []


def test_quality_is_for_lossy_formats_and_from_1_to_100(tmp_path):
    picture = as_image(picture_files.smooth(3))
    assert len(encode(picture, "jpeg", quality=30)) < len(encode(picture, "jpeg", quality=90))
    for ending, quality in ((".png", 90), (".jpg", 0), (".jpg", 101)):
        with pytest.raises(ImageError, match="quality"):
            write(picture, tmp_path / f"a{ending}", quality=quality)


def test_alpha_of_another_size_is_an_error(tmp_path):
    picture = replace(as_image(GRAY), alpha=np.zeros((3, 3), np.uint8))
    with pytest.raises(ImageError, match="alpha"):
        write(picture, tmp_path / "a.png")


def test_the_same_picture_gives_the_same_bytes():
    for name in ("png", "jpeg", "tiff"):
        assert encode(as_image(GRAY), name) == encode(as_image(GRAY), name)


@pytest.mark.parametrize("target", ["png", "tiff", "jpeg"])
def test_metadata_go_with_the_picture_into_another_format(target):
    for name in ("rgb-u1-le-lzw.tif", "uint8-3.png", "RGB-baseline.jpg"):
        files = picture_files.lossless_files() + picture_files.lossy_files()
        image = read(next(f.data for f in files if f.name == name))
        back = read(encode(image, target))
        assert back.metadata.icc == image.metadata.icc
        assert back.metadata.xmp == image.metadata.xmp
        x, y, unit = image.metadata.resolution
        factor = {("cm", "inch"): 2.54, ("inch", "cm"): 1 / 2.54}.get((unit, back.metadata.resolution[2]), 1)
        rounding = 0.5 / min(x, y) if target == "jpeg" else 1e-4  # JPEG holds whole numbers
        assert back.metadata.resolution[:2] == pytest.approx((x * factor, y * factor), rel=rounding)
        if image.metadata.exif is not None and "tiff" not in (target, image.format):
            assert back.metadata.exif == image.metadata.exif


def test_a_jpeg_keeps_its_tables_sampling_and_order_when_its_samples_change():
    for file in picture_files.jpeg_files():
        image = read(file.data)
        samples = image.samples.copy()
        samples[20:24, 20:24] ^= 3
        after = read(encode(image.with_samples(samples), "jpeg"))
        for key in ("jpeg.tables", "jpeg.progressive", "jpeg.rgb", "jpeg.segments"):
            assert after.metadata.tags[key] == image.metadata.tags[key], (file, key)
        if image.channels == 3:
            assert after.metadata.tags["jpeg.sampling"] == image.metadata.tags["jpeg.sampling"]
        assert np.abs(after.samples.astype(int) - samples).mean() < 8


def test_a_jpeg_whose_metadata_change_keeps_its_coded_pixels():
    image = read(picture_files.jpeg("RGB", quality=60))
    changed = replace(image, metadata=replace(image.metadata, xmp=picture_files.XMP, icc=picture_files.ICC))
    after = read(encode(changed, "jpeg"))
    np.testing.assert_array_equal(after.samples, image.samples)
    assert after.metadata.xmp == picture_files.XMP
    assert after.metadata.icc == picture_files.ICC


def test_metadata_too_large_for_jpeg_are_an_error_not_a_loss():
    picture = as_image(picture_files.smooth(3))
    for metadata in (Metadata(exif=bytes(70_000)), Metadata(xmp=bytes(70_000))):
        with pytest.raises(ImageError, match="JPEG holds"):
            encode(replace(picture, metadata=metadata), "jpeg")


def test_depths_between_8_and_16_bits_keep_black_and_white():
    array = picture_files.pixels(np.uint16, most=4095)
    array[0, :2] = 0, 4095
    picture = as_image(array, bit_depth=12)
    in_tiff = read(encode(picture, "tiff"))
    np.testing.assert_array_equal(in_tiff.samples, array)
    assert in_tiff.scale == picture.scale
    in_png = read(encode(picture, "png"))
    np.testing.assert_allclose(in_png.pixels(), picture.pixels(), atol=0.5 / 65535)
    assert in_png.samples[0, :2].tolist() == [0, 65535]
