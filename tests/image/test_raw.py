"""Camera RAW: the mosaic is restored as four planes and comes back as a DNG; rawpy develops what is written.

There is no file of a real camera here; the DNGs are made by tifffile.
"""

import io
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import tifffile

import nonloc
from nonloc.errors import ImageError
from nonloc.image import raw
from nonloc.image.array import as_image
from nonloc.image.raw_tags import Camera
from nonloc.image.read import header, read_pages
from nonloc.image.write import write, write_pages
from nonloc.interfaces.cli import main

rawpy = pytest.importorskip("rawpy")

MATRIX = (9000, 10000, -2000, 10000, -500, 10000, -4000, 10000, 12000, 10000, 2000, 10000, -500, 10000, 1500, 10000,
          6000, 10000)  # fmt: skip
COLOUR = [
    (50706, 1, 4, (1, 4, 0, 0), True),
    (50707, 1, 4, (1, 1, 0, 0), True),
    (50708, 2, 0, "Maker Model", True),
    (271, 2, 0, "Maker", True),
    (272, 2, 0, "Model", True),
    (274, 3, 1, 6, True),
    (306, 2, 0, "2024:02:29 12:30:01", True),
    (315, 2, 0, "who took it", True),
    (50721, 10, 9, MATRIX, True),
    (50728, 5, 3, (1, 2, 1, 1, 2, 3), True),
    (50778, 3, 1, 21, True),
    (50781, 1, 16, bytes(range(16)), True),
]
ORDERS = {"RGGB": (0, 1, 1, 2), "GBRG": (1, 2, 0, 1)}
KEPT = {271, 272, 274, 306, 315, 33421, 33422, 50706, 50708, 50713, 50714, 50717, 50721, 50728, 50778, 50829, 51022}


def scene(height=60, width=80, order="RGGB", black=256, noise=40.0):
    """What a sensor of 12 bits gives of a smooth picture: (H, W) uint16."""
    y, x = np.mgrid[:height, :width]
    colour = np.tile(np.array(ORDERS[order]).reshape(2, 2), (height // 2 + 1, width // 2 + 1))[:height, :width]
    level = black + np.array([500.0, 1200.0, 800.0])[colour] * (1 + np.sin(x / 17) * np.cos(y / 13) / 2)
    return (level + np.random.default_rng(0).normal(0, noise, level.shape)).clip(0, 4095).astype("u2")


def dng(path, array, order="RGGB", *, black=(256,), preview=False, byteorder="<", more=(), **options):
    """A DNG of a mosaic, with a preview before it where asked."""
    sensor = [
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, ORDERS[order], True),
        (50714, 4, len(black), black, True),
        (50717, 4, 1, 4095, True),
        (51022, 7, 8, bytes(8), True),
        (51041, 12, 2, (1e-4, 1e-6), True),
        *([(50713, 3, 2, (2, 2), True)] if len(black) == 4 else []),
        *more,
    ]
    plain = {"metadata": None, "software": False}
    with tifffile.TiffWriter(path, byteorder=byteorder) as file:
        if preview:
            small = np.zeros((20, 30, 3), "u1")
            file.write(small, photometric="rgb", subfiletype=1, subifds=1, extratags=COLOUR, **plain)
            file.write(array, photometric=32803, extratags=sensor, **plain, **options)
        else:
            file.write(array, photometric=32803, extratags=COLOUR + sensor, **plain, **options)
    return path


def tags(path):
    """Tags of the first page and of those within, which prevail."""
    with tifffile.TiffFile(path) as file:
        pages = [file.pages[0], *(file.pages[0].pages or [])]
        return {t.code: t.value for page in pages for t in page.aspage().tags}


def developed(path):
    with rawpy.imread(str(path)) as found:
        return found.postprocess(use_camera_wb=True, no_auto_bright=True, output_bps=16)


def through(path, out, change=0):
    pages = list(read_pages(path))
    write_pages([page.with_samples(page.samples + np.uint16(change)) for page in pages], out)
    return pages


LAYOUTS = {
    "plain": {},
    "preview": {"preview": True, "byteorder": ">"},
    "lossless-jpeg": {"preview": True, "compression": 7, "compressionargs": {"lossless": True, "bitspersample": 12}},
    "blacks": {"black": (250, 256, 258, 262), "order": "GBRG"},
    "margins": {"more": [(50829, 4, 4, (2, 4, 58, 78), True)]},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(60, 80), (61, 83)])
def test_an_untouched_mosaic_is_the_same_and_develops_the_same(size, layout, tmp_path):
    options = LAYOUTS[layout]
    array = scene(*size, options.get("order", "RGGB"))
    path = dng(tmp_path / "a.dng", array, **options)
    pages = through(path, tmp_path / "b.dng")
    assert len(pages) == header(path).pages == 4
    with rawpy.imread(str(path)) as old, rawpy.imread(str(tmp_path / "b.dng")) as new:
        np.testing.assert_array_equal(old.raw_image, array)
        np.testing.assert_array_equal(new.raw_image, array)
        for name in ("sizes", "black_level_per_channel", "white_level", "camera_whitebalance", "color_desc"):
            assert getattr(old, name) == getattr(new, name)
        np.testing.assert_array_equal(old.raw_pattern, new.raw_pattern)
    np.testing.assert_array_equal(developed(path), developed(tmp_path / "b.dng"))
    before, after = tags(path), tags(tmp_path / "b.dng")
    for code in KEPT & set(before):
        assert after[code] == before[code], code
    assert after[51041] == before[51041]


def test_each_plane_is_one_colour_between_its_black_and_white(tmp_path):
    array = scene(noise=0)
    pages = list(read_pages(dng(tmp_path / "a.dng", array, black=(250, 256, 258, 262))))
    for number, (page, black) in enumerate(zip(pages, (250, 256, 258, 262), strict=True)):
        np.testing.assert_array_equal(page.samples, array[number // 2 :: 2, number % 2 :: 2])
        np.testing.assert_allclose(page.pixels()[0], (page.samples - float(black)) / (4095 - black), atol=1e-6)


def test_a_restored_mosaic_develops_with_less_noise_and_says_nothing_stale(tmp_path):
    path = dng(tmp_path / "a.dng", scene(), preview=True)
    clean = [nonloc.denoise(page, sigma="40dn", method="bm3d") for page in read_pages(path)]
    write_pages(clean, tmp_path / "b.dng")
    dng(tmp_path / "true.dng", scene(noise=0), preview=True)
    true = developed(tmp_path / "true.dng").astype(float)
    before, after = (np.abs(developed(tmp_path / name) - true).mean() for name in ("a.dng", "b.dng"))
    assert after < 0.5 * before
    assert not {51041, 50781} & set(tags(tmp_path / "b.dng"))


def test_what_lies_beside_the_picture_is_not_touched(tmp_path):
    array = scene()
    path = dng(tmp_path / "a.dng", array, more=[(50829, 4, 4, (2, 4, 58, 78), True)])
    through(path, tmp_path / "b.dng", 5)
    with rawpy.imread(str(tmp_path / "b.dng")) as new:
        found = new.raw_image - array
    expected = np.zeros_like(found)
    expected[2:58, 4:78] = 5
    np.testing.assert_array_equal(found, expected)


def test_a_curve_of_the_camera_is_applied_and_not_written_again(tmp_path):
    curve = tuple(i * i // 4095 for i in range(4096))
    path = dng(tmp_path / "a.dng", scene(), more=[(50712, 3, 4096, curve, True)])
    through(path, tmp_path / "b.dng")
    assert 50712 not in tags(tmp_path / "b.dng")
    np.testing.assert_array_equal(developed(path), developed(tmp_path / "b.dng"))


def test_a_file_of_another_kind_becomes_a_dng_that_develops_as_it_would(tmp_path):
    """As if the camera's file had been no DNG: nothing is known but what LibRaw tells of the sensor."""
    path = dng(tmp_path / "a.dng", scene(order="GBRG"), "GBRG", black=(250, 256, 258, 262))
    pages = list(read_pages(path))
    tag = [page.metadata.tags[raw.KEY] for page in pages]
    sensor = replace(tag[0].sensor, camera=Camera(), matrix=np.reshape(MATRIX[::2], (3, 3)) / 1e4)
    elsewhere = [
        replace(page, metadata=replace(page.metadata, tags={raw.KEY: replace(one, sensor=sensor)}))
        for page, one in zip(pages, tag, strict=True)
    ]
    write_pages(elsewhere, tmp_path / "b.dng")
    one, other = developed(path).astype(int), developed(tmp_path / "b.dng").astype(int)
    assert one.shape == other.shape
    assert np.abs(one - other).max() <= 0.002 * one.max()
    assert tags(tmp_path / "b.dng")[50708] == "Unknown"


def test_a_tiff_of_it_is_developed(tmp_path):
    path = dng(tmp_path / "a.dng", scene())
    write_pages(read_pages(path), tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as new:
        found = new.asarray()
        assert (found.shape, found.dtype) == ((80, 60, 3), np.uint16)  # upright: the camera was turned
        assert new.pages[0].tags[272].value == "Model"
        assert 274 not in new.pages[0].tags
    assert found.std() > 1000


def test_what_cannot_be_restored_says_so(tmp_path):
    path = dng(tmp_path / "a.dng", scene())
    pages = list(read_pages(path))
    with pytest.raises(ImageError, match="page 1 of 4"):
        write(pages[0], tmp_path / "b.dng")
    with pytest.raises(ImageError, match="3 of the 4 planes"):
        write_pages(pages[:3], tmp_path / "b.dng")
    with pytest.raises(ImageError, match="in their order"):
        write_pages(pages[::-1], tmp_path / "b.dng")
    with pytest.raises(ImageError, match="Keep the size"):
        write_pages([page.with_samples(page.samples[:10]) for page in pages], tmp_path / "b.dng")
    with pytest.raises(ImageError, match="no sensor gave"):
        write(as_image(np.zeros((4, 5), np.uint16)), tmp_path / "b.dng")
    with pytest.raises(ImageError, match="LibRaw"):
        next(read_pages(b"FUJIFILMCCD-RAW" + bytes(1000)))
    with pytest.raises(ImageError, match="the file ends after"):
        next(read_pages(path.read_bytes()[:-100]))
    with pytest.raises(ImageError):
        next(read_pages(b"II*\0\x08\0\0\0\1\0\xfe\0\4"))
    six = (1, 1, 0, 1, 1, 2, 1, 1, 2, 1, 1, 0, 2, 0, 1, 0, 2, 1, 1, 1, 2, 1, 1, 0, 1, 1, 0, 1, 1, 2, 0, 2, 1, 2, 0, 1)
    stream = io.BytesIO()
    more = [(33421, 3, 2, (6, 6), True), (33422, 1, 36, six, True), (50717, 4, 1, 4095, True)]
    tifffile.imwrite(stream, scene(), photometric=32803, metadata=None, extratags=COLOUR + more)
    with pytest.raises(ImageError, match="RAW converter"):
        next(read_pages(stream.getvalue()))


def test_without_the_extra_the_message_names_it(tmp_path):
    path = dng(tmp_path / "a.dng", scene())
    code = (
        "import sys; sys.modules['rawpy'] = None\n"
        "from nonloc.image.read import read\n"
        f"try: read({str(path)!r})\nexcept Exception as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'nonloc[raw]'" in told


@pytest.mark.parametrize("preview", [False, True])
def test_the_command_line_restores_a_mosaic(preview, tmp_path):
    path = dng(tmp_path / "a.dng", scene(), preview=preview)
    assert main(["denoise", str(path), "--method", "gaussian", "--sigma", "40dn"]) == 0
    assert not np.array_equal(developed(path), developed(tmp_path / "a-denoised.dng"))
    if preview:
        assert main(["denoise", str(path), "--sigma", "0", "-o", str(tmp_path / "same.dng")]) == 0
        assert (tmp_path / "same.dng").read_bytes() == path.read_bytes()
