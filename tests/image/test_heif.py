"""HEIC: read and written where pillow-heif is installed, and an error that names the extra where not."""

import importlib.util
import io
import subprocess
import sys

import numpy as np
import picture_files
import pytest

from nonloc.errors import ImageError
from nonloc.image.array import as_image
from nonloc.image.exif import orientation
from nonloc.image.read import header, read
from nonloc.image.write import encode, write

INSTALLED = importlib.util.find_spec("pillow_heif") is not None
needs_library = pytest.mark.skipif(not INSTALLED, reason="needs pillow-heif")

# the boxes of a HEIC of 64 x 48 pixels, without the pixels
ISPE = b"\0\0\0\x14ispe\0\0\0\0\0\0\0\x40\0\0\0\x30"
IPCO = (8 + len(ISPE)).to_bytes(4, "big") + b"ipco" + ISPE
IPRP = (8 + len(IPCO)).to_bytes(4, "big") + b"iprp" + IPCO
META = (12 + len(IPRP)).to_bytes(4, "big") + b"meta\0\0\0\0" + IPRP
BARE = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + META


def heic(array, **options):
    import pillow_heif

    stream = io.BytesIO()
    mode = {2: "L"}.get(array.ndim) or {3: "RGB", 4: "RGBA"}[array.shape[2]]
    mode += ";16" if array.dtype == np.uint16 else ""
    options = {"quality": 95, "chroma": 444, "save_all": False} | options
    size = (array.shape[1], array.shape[0])
    pillow_heif.encode(mode, size, np.ascontiguousarray(array).tobytes(), stream, **options)
    return stream.getvalue()


def test_the_size_is_known_without_the_library():
    assert (header(BARE).width, header(BARE).height) == (64, 48)
    with pytest.raises(ImageError, match="limit is 1000"):
        read(BARE, max_pixels=1000)


def test_without_the_library_the_error_names_the_extra():
    script = (
        "import sys; sys.modules['pillow_heif'] = None\nfrom nonloc.image.read import read\nimport test_heif as t\n"
    )
    script += "try: read(t.BARE)\nexcept Exception as e: print(type(e).__name__, e)"
    folder = __file__.rsplit("/", 1)[0]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {[folder, *sys.path]!r}\n{script}"],
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("ImageError"), done.stderr
    assert "nonloc[heif]" in done.stdout


@needs_library
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_and_metadata_are_read(channels):
    array = picture_files.smooth(channels)
    data = heic(array, icc_profile=picture_files.ICC, exif=picture_files.exif(1), xmp=picture_files.XMP)
    image = read(data)
    assert image.format == "heic"
    assert image.lossy
    found = image.samples if image.alpha is None else np.dstack([image.samples, image.alpha])
    assert found.shape[:2] == array.shape[:2]
    whole = np.stack([array] * 3, -1) if found.ndim > array.ndim else array
    assert np.abs(found.astype(int) - whole).mean() < 4
    assert image.metadata.xmp == picture_files.XMP
    assert image.metadata.exif == picture_files.exif(1)
    assert image.metadata.icc == picture_files.ICC


@needs_library
def test_an_unchanged_picture_is_copied_and_a_changed_one_written(tmp_path):
    data = heic(picture_files.smooth(3), exif=picture_files.exif(1))
    image = read(data)
    write(image, tmp_path / "a.heic")
    assert (tmp_path / "a.heic").read_bytes() == data
    changed = image.with_samples(255 - image.samples)
    again = read(encode(changed, "heic"))
    assert np.abs(again.samples.astype(int) - changed.samples).mean() < 4
    assert again.metadata.exif == picture_files.exif(1)


@needs_library
def test_more_than_8_bits_are_kept():
    array = picture_files.smooth(3).astype(np.uint16) * 257
    image = read(heic(array))
    assert image.dtype == np.uint16
    assert round(1 / image.scale) in (1023, 4095)
    assert np.abs(image.pixels() - np.moveaxis(array, -1, 0) / 65535).mean() < 0.01
    with pytest.raises(ImageError, match="cut to 8 bits"):
        encode(image.with_samples(image.samples // 2), "heic")
    in_png = read(encode(image, "png"))
    np.testing.assert_allclose(in_png.pixels(), image.pixels(), atol=0.5 / 65535)


@needs_library
def test_a_picture_turned_by_the_library_is_not_turned_twice():
    stream = io.BytesIO()
    import pillow_heif
    from PIL import Image as Pillow

    picture = pillow_heif.from_pillow(Pillow.fromarray(picture_files.smooth(3)))
    picture.save(stream, exif=picture_files.exif(6))
    image = read(stream.getvalue())
    assert (image.height, image.width) == (56, 48)  # lying, 48 high and 56 wide, before the turn
    assert orientation(image.metadata.exif) == 1


@needs_library
def test_a_damaged_file_is_an_image_error():
    data = heic(picture_files.smooth(3))
    for end in range(12, len(data) - 1, max(1, len(data) // 60)):
        with pytest.raises(ImageError):
            read(data[:end])


@pytest.mark.skipif(INSTALLED, reason="pillow-heif is installed")
def test_writing_without_the_library_leaves_no_file(tmp_path):
    with pytest.raises(ImageError, match=r"nonloc\[heif\]"):
        write(as_image(picture_files.smooth(3)), tmp_path / "a.heic")
    assert not list(tmp_path.iterdir())
