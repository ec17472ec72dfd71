"""What is particular to one format, and how formats are told apart."""

import io
import struct
import subprocess
import sys

import numpy as np
import picture_files
import pytest
import tifffile
from picture_files import png_chunk, tiff

from nonloc.errors import ImageError
from nonloc.image.array import as_image
from nonloc.image.exif import orientation, resolution, with_orientation
from nonloc.image.formats import FORMATS, by_content
from nonloc.image.layout import let_go
from nonloc.image.read import header, read, read_pages
from nonloc.image.write import encode, write

FILES = picture_files.lossless_files() + picture_files.lossy_files()
BY_NAME = {file.name: file.data for file in FILES}


def test_reading_and_writing_load_no_decoder_before_a_picture():
    script = "import sys, nonloc.image.array, nonloc.image.read, nonloc.image.write\n"
    script += "print([m for m in ('PIL', 'tifffile', 'imagecodecs', 'scipy', 'torch', 'numba') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_content_decides_when_reading_and_the_name_when_writing(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(BY_NAME["uint8-3.png"])
    image = read(path)
    assert image.format == "png"
    write(image, tmp_path / "b.JPEG")
    assert read(tmp_path / "b.JPEG").format == "jpeg"


@pytest.mark.parametrize("file", FILES, ids=repr)
def test_each_file_is_claimed_by_its_format_alone(file):
    claims = [module.NAME for module in FORMATS if module.matches(file.data[:64])]
    assert len(claims) == 1
    assert claims[0] == by_content(file.data[:64]).NAME
    assert read(file.data).format.removesuffix("-lossy") == claims[0]


@pytest.mark.parametrize("file", FILES, ids=repr)
def test_the_header_tells_the_size_without_decoding(file):
    head, image = header(file.data), read(file.data)
    assert (head.width, head.height) == (image.width, image.height)
    with pytest.raises(ImageError, match="limit"):
        read(file.data, max_pixels=head.width * head.height - 1)


@pytest.mark.parametrize("file", FILES, ids=repr)
def test_samples_of_a_file_cannot_be_changed_in_place(file, tmp_path):
    image = read(file.data)
    with pytest.raises(ValueError, match="read-only"):
        image.samples[0, 0] = 1


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        read(tmp_path / "none.png")
    with pytest.raises(ImageError, match="folder"):
        read(tmp_path)


def test_a_palette_says_what_becomes_of_it():
    image = read(BY_NAME["palette-4.png"])
    assert "8-bit RGB" in image.metadata.tags["png.note"]
    data = encode(image, "png")
    assert data[24:26] == b"\4\3"  # 4 bits, palette
    samples = image.samples.copy()
    samples[0, 0] ^= 1
    data = encode(image.with_samples(samples), "png")
    assert data[24:26] == b"\x08\2"
    assert b"bKGD" not in data


def test_a_background_given_as_palette_entry_becomes_a_colour():
    image = read(BY_NAME["palette-4-alpha.png"])
    samples = image.samples.copy()
    samples[0, 0] ^= 1
    data = encode(image.with_samples(samples), "png")
    at = data.index(b"bKGD")
    table = np.frombuffer(image.metadata.tags["png.palette"].colours, np.uint8).reshape(-1, 3)
    assert data[at - 4 : at] == b"\0\0\0\6"
    assert list(data[at + 5 : at + 10 : 2]) == table[1].tolist()


def test_an_animated_png_is_not_written_as_if_it_were_one_picture(tmp_path):
    data = picture_files.png_with(BY_NAME["pillow.png"], (b"acTL", struct.pack(">II", 3, 0)))
    image = read(data)
    assert image.metadata.tags["pages"] == 3
    with pytest.raises(ImageError, match="page 1 of 3"):
        write(image, tmp_path / "a.png")
    with pytest.raises(ImageError, match="3 frames"):
        list(read_pages(data))


def test_an_animated_webp_is_refused():
    stream = io.BytesIO()
    from PIL import Image as Pillow

    frames = [Pillow.fromarray(picture_files.pixels(np.uint8, 3, seed=i)) for i in range(3)]
    frames[0].save(stream, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert header(stream.getvalue()).pages == 3
    with pytest.raises(ImageError, match="3 frames"):
        read(stream.getvalue())


def test_an_unknown_critical_chunk_is_refused_and_a_private_one_kept():
    png = BY_NAME["pillow.png"]
    with pytest.raises(ImageError, match="ABCD"):
        read(png[:33] + png_chunk(b"ABCD", b"") + png[33:])
    data = encode(read(png[:33] + png_chunk(b"abCd", b"kept") + png[33:]), "png")
    assert png_chunk(b"abCd", b"kept") in data


def test_reduced_copies_are_no_pages_and_are_spoken_of(tmp_path):
    array = picture_files.pixels(np.uint8, 3)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(array, photometric="rgb", metadata=None)
        file.write(array[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
    image = read(tmp_path / "a.tif")
    assert image.metadata.tags["pages"] == 1
    assert "1 reduced" in image.metadata.tags["tiff.note"]
    write(image, tmp_path / "b.tif")


def test_camera_raw_files_are_named_as_such(tmp_path):
    array = picture_files.pixels(np.uint16)
    preview = tiff(array, subfiletype=1)
    sensor = tiff(array, extratags=[(50706, 1, 4, (1, 4, 0, 0), True)])
    for data in (preview, sensor):
        with pytest.raises(ImageError, match="RAW"):
            read(data)


def test_a_tiff_with_jpeg_inside_is_written_without_a_further_loss():
    array = np.tile(picture_files.smooth(3), (2, 2, 1))
    image = read(tiff(array, photometric="rgb", compression="jpeg", tile=(16, 16)))
    again = read(encode(image, "tiff"))
    np.testing.assert_array_equal(again.samples, image.samples)
    assert again.metadata.tags["tiff.layout"].compression == 8


def test_several_channels_beside_colour_keep_their_places():
    array = picture_files.pixels(np.uint8, 6)
    image = read(tiff(array, photometric="rgb", extrasamples=[0, 2, 0]))
    np.testing.assert_array_equal(image.alpha, array[..., 4])
    back = tifffile.imread(io.BytesIO(encode(image, "tiff")))
    np.testing.assert_array_equal(back, array)


def test_strips_that_are_missing_are_counted():
    data = bytearray(tiff(picture_files.pixels(np.uint8), rowsperstrip=8))
    at = data.index(struct.pack("<HHI", 278, 3, 1)) if struct.pack("<HHI", 278, 3, 1) in data else None
    at = at or data.index(struct.pack("<HHI", 278, 4, 1))
    data[at + 8] = 2
    with pytest.raises(ImageError, match="3 of its 11 strips"):
        read(bytes(data))


def test_a_large_scan_is_mapped_and_its_pages_can_be_let_go(tmp_path):
    array = np.arange(2400 * 2400 * 3, dtype=np.uint16).reshape(2400, 2400, 3)
    for order in "<>":
        path = tmp_path / f"{ord(order)}.tif"
        path.write_bytes(tiff(array, photometric="rgb", byteorder=order, rowsperstrip=100))
        image = read(path)
        assert isinstance(image.samples, np.memmap)
        before = image.pixels(slice(5, 9), slice(5, 9))
        let_go(image.samples)
        np.testing.assert_array_equal(image.pixels(slice(5, 9), slice(5, 9)), before)
        np.testing.assert_array_equal(image.samples, array)


def test_letting_go_of_a_plain_or_changed_array_changes_nothing():
    array = np.arange(12)
    let_go(array)
    assert array.tolist() == list(range(12))


def test_white_may_be_0_in_a_tiff_and_black_is_still_0_in_pixels():
    image = read(BY_NAME["white-is-0-u1.tif"])
    np.testing.assert_allclose(image.pixels()[0], 1 - image.samples / 255, atol=1e-6)
    np.testing.assert_array_equal(image.stored(image.pixels()), image.samples)
    in_png = read(encode(image, "png"))
    np.testing.assert_array_equal(in_png.samples, 255 - image.samples)


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_orientation_is_found_and_set_in_place(order):
    for value in range(1, 9):
        block = picture_files.exif(value, order)
        assert orientation(block) == value
        turned = with_orientation(block, 1)
        assert orientation(turned) == 1
        assert with_orientation(turned, value) == block
    assert resolution(block) is None
    assert orientation(b"no exif") == 1


@pytest.mark.parametrize("target", ["tiff", "webp", "avif"])
def test_a_resolution_reaches_formats_that_have_another_place_for_it(target):
    image = read(picture_files.jpeg("RGB", dpi=(300, 200)))
    back = read(encode(image, target))
    assert back.metadata.resolution == (300, 200, "inch")


def test_bmp_cannot_hold_exif_and_says_so(tmp_path):
    with pytest.raises(ImageError, match="EXIF"):
        write(read(BY_NAME["RGB-baseline.jpg"]), tmp_path / "a.bmp")


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_and_profile_live_in_the_newest_bmp(channels):
    from dataclasses import replace

    image = as_image(picture_files.pixels(np.uint8, channels))
    image = replace(image, metadata=replace(image.metadata, icc=picture_files.ICC))
    back = read(encode(image, "bmp"))
    np.testing.assert_array_equal(back.alpha, image.alpha)
    np.testing.assert_array_equal(back.pixels(), np.broadcast_to(image.pixels(), (3, *image.samples.shape[:2])))
    assert back.metadata.icc == picture_files.ICC


def test_run_length_coded_bmp_is_read():
    rows = b"\x03\x07\x02\x01\0\0" + b"\0\x05\1\2\3\4\5\0\0\1"  # from below: 7 7 7 1 1 and 1 2 3 4 5
    table = b"".join(bytes([i, i, 2 * i, 0]) for i in range(8))
    info = struct.pack("<IiiHHIIiiII", 40, 5, 2, 1, 8, 1, len(rows), 0, 0, 8, 0)
    data = b"BM" + struct.pack("<IHHI", 54 + 32 + len(rows), 0, 0, 54 + 32) + info + table + rows
    image = read(data)
    assert image.samples[..., 1].tolist() == [[1, 2, 3, 4, 5], [7, 7, 7, 1, 1]]
    assert image.samples[..., 0].tolist() == [[2, 4, 6, 8, 10], [14, 14, 14, 2, 2]]
    np.testing.assert_array_equal(read(encode(image, "bmp")).samples, image.samples)


@pytest.mark.parametrize("bits", [10, 12])
def test_deep_avif_keeps_its_bits(bits):
    image = read(BY_NAME[f"rgb-{bits}.avif"])
    assert image.dtype == np.uint16
    assert round(1 / image.scale) == 2**bits - 1
    changed = image.with_samples(image.samples[::-1])
    again = read(encode(changed, "avif"))
    assert again.scale == image.scale
    assert np.abs(again.pixels() - changed.pixels()).mean() < 0.02


@pytest.mark.data
def test_photographs_pass_through_unchanged(data_root):
    for path in sorted((data_root / "test" / "polyu40").glob("*.JPG"))[:8]:
        assert encode(read(path), "jpeg") == path.read_bytes()
    for path in sorted((data_root / "test" / "set12").glob("*.png")):
        image = read(path)
        np.testing.assert_array_equal(read(encode(image, "png")).samples, image.samples)
