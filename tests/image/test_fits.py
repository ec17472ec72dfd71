"""FITS: whole numbers, floats with NaN, cubes and other HDUs come back as they were; astropy is the second reader."""

import io
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

import nonloc
from nonloc.errors import ImageError
from nonloc.image.array import as_image
from nonloc.image.read import header, read, read_pages
from nonloc.image.write import encode, single_page, write, write_pages

fits = pytest.importorskip("astropy.io.fits")

KINDS = ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
WCS = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 4.5, "CRVAL1": 83.6, "CD1_1": -2e-4, "OBJECT": "M42"}


def sky(kind="f4", shape=(20, 30)):
    return np.random.default_rng(0).normal(100, 10, shape).astype(kind)


def file(path, array, **cards):
    hdu = fits.PrimaryHDU(array)
    hdu.header.update({**WCS, **cards})
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.arange(5.0))], name="STARS")
    fits.HDUList([hdu, fits.ImageHDU(np.ones((3, 4)), name="MASK"), table]).writeto(path, overwrite=True)
    return path


@pytest.mark.parametrize("shape", [(20, 30), (3, 20, 30), (2, 2, 5, 6)])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_written_again_byte_for_byte(kind, shape, tmp_path):
    array = sky(kind, shape)
    if kind[0] == "f":
        array[..., 3, 4], array[..., 0, 0] = np.nan, np.inf
    path = file(tmp_path / "a.fits", array)
    pages = list(read_pages(path))
    assert len(pages) == header(path).pages == np.prod(shape[:-2])
    assert pages[0].dtype == np.dtype(kind)
    np.testing.assert_array_equal(pages[-1].samples[1], array.reshape(-1, *shape[-2:])[-1, 1])
    write_pages(pages, tmp_path / "b.fits")
    assert (tmp_path / "b.fits").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_cube_keeps_its_cards_and_tells_of_the_change(kind, tmp_path):
    array = sky(kind, (3, 20, 30))
    path = file(tmp_path / "a.fits", array, DATAMAX=1.0)
    one = np.ones((), kind)
    write_pages([page.with_samples(page.samples + one) for page in read_pages(path)], tmp_path / "b.fits")
    with fits.open(path) as old, fits.open(tmp_path / "b.fits") as new:
        new.verify("exception")
        kept = set(old[0].header) - {"DATAMAX"}
        assert all(new[0].header[name] == old[0].header[name] for name in kept)
        np.testing.assert_array_equal(new[0].data, array + one)
        assert "nonloc" in str(new[0].header["HISTORY"])
        assert new[0].header["DATAMAX"] == (array + one).max()
        assert [hdu.name for hdu in new[1:]] == ["MASK", "STARS"]
        np.testing.assert_array_equal(new[2].data["x"], np.arange(5))


@pytest.mark.parametrize("more", range(20, 28))
def test_a_header_that_fills_its_block_has_room_for_the_history(more, tmp_path):
    array = sky("i4", (2, 20, 30))
    path = file(tmp_path / "a.fits", array, **{f"KEY{i}": i for i in range(more)})
    pages = list(read_pages(path))
    for change in (0, 1):
        write_pages([page.with_samples(page.samples + np.int32(change)) for page in pages], tmp_path / f"{change}.fits")
        with fits.open(path) as old, fits.open(tmp_path / f"{change}.fits") as new:
            new.verify("exception")
            np.testing.assert_array_equal(new[0].data, array + change)
            assert all(new[0].header[name] == value for name, value in old[0].header.items())
            assert ("HISTORY" in new[0].header) == bool(change)
            assert new[2].name == "STARS"


def test_cards_that_bend_the_standard_are_kept_and_stale_checksums_are_not(tmp_path):
    data = bytearray(file(tmp_path / "a.fits", sky("i2"), CHECKSUM="x", DATASUM="1").read_bytes())
    at = data.index(b"CRPIX1")
    data[at : at + 80] = b"CRPIX1  = 4,5 px, about".ljust(80)
    image = read(bytes(data))
    write(image.with_samples(image.samples + np.int16(1)), tmp_path / "b.fits")
    head = (tmp_path / "b.fits").read_bytes()[:2880]
    assert b"CRPIX1  = 4,5 px, about" in head
    assert b"OBJECT  = 'M42" in head
    assert b"SUM" not in head


def test_scaled_whole_numbers_stay_the_numbers_stored(tmp_path):
    hdu = fits.PrimaryHDU(sky("i2"))
    hdu.header.update({"BSCALE": 0.5, "BZERO": 1000.0, "BLANK": -999})
    hdu.data[2, 2] = -999
    hdu.writeto(tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits", do_not_scale_image_data=True) as file:
        stored = file[0].data.copy()
    image = read(tmp_path / "a.fits")
    assert image.samples[2, 2] > 0  # filled for the methods
    np.testing.assert_array_equal(np.delete(image.samples, 2, 0), np.delete(stored, 2, 0))
    write(image.with_samples(image.samples + np.int16(4)), tmp_path / "b.fits")
    with fits.open(tmp_path / "b.fits", do_not_scale_image_data=True) as file:
        assert file[0].data[2, 2] == -999
        np.testing.assert_array_equal(np.delete(file[0].data, 2, 0), np.delete(stored, 2, 0) + 4)
        assert file[0].header["BZERO"] == 1000


@given(seed=st.integers(0, 2**32 - 1), part=st.floats(0, 1), height=st.integers(1, 9), width=st.integers(1, 9))
def test_holes_are_filled_from_what_is_known_and_stay_where_they_were(seed, part, height, width):
    from nonloc.image.holes import filled

    rng = np.random.default_rng(seed)
    samples = rng.random((height, width)).astype(np.float32)
    bad = rng.random((height, width)) < part
    samples[bad] = np.nan
    known = samples[~bad]
    out, holes = filled(samples, bad)
    np.testing.assert_array_equal(out[~bad], known)
    if known.size:
        assert known.min() - 1e-6 <= out.min() <= out.max() <= known.max() + 1e-6
    if holes is not None:
        np.testing.assert_array_equal(holes.back(out), samples)
        twice = holes.back(out.repeat(2, 0).repeat(2, 1))
        np.testing.assert_array_equal(np.isnan(twice), bad.repeat(2, 0).repeat(2, 1))


def test_nan_stay_where_they_were_through_a_method_and_in_a_tiff(tmp_path):
    array = sky()
    array[5:9, 7:20] = np.nan
    image = read(file(tmp_path / "a.fits", array))
    clean = nonloc.denoise(image, sigma=10, method="wiener")
    assert not np.array_equal(clean.samples, image.samples)
    assert np.isfinite(clean.samples).all()
    write(clean, tmp_path / "b.fits")
    np.testing.assert_array_equal(np.isnan(fits.getdata(tmp_path / "b.fits")), np.isnan(array))
    np.testing.assert_array_equal(np.isnan(tifffile.imread(io.BytesIO(encode(clean, "tiff")))), np.isnan(array))


def test_stars_far_beyond_white_keep_their_counts(tmp_path):
    array = sky("u2", (200, 200))
    array[50, 60], array[0, 0] = 65000, 0
    path = file(tmp_path / "a.fits", array)
    image = read(path)
    assert 100 < 1 / image.scale - image.offset / image.scale < 140
    np.testing.assert_array_equal(image.stored(image.pixels()), array)
    black = read(file(tmp_path / "b.fits", np.where(array > 100, array, 0).astype("u2")))
    assert black.stored(black.pixels())[50, 60] == 65000


def test_pictures_from_elsewhere_get_a_plain_header(tmp_path):
    for kind in KINDS:
        array = sky(kind)
        image = as_image(array, data_range="auto")
        write_pages([image, image], tmp_path / f"{kind}.fits")
        with fits.open(tmp_path / f"{kind}.fits") as found:
            found.verify("exception")
            np.testing.assert_array_equal(found[0].data, [array, array])


@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "i4", "f4"])
@pytest.mark.parametrize("shape", [(20, 30), (3, 20, 30)])
def test_compressed_tiles_are_read_and_come_back_uncompressed(kind, shape, tmp_path):
    how = {"compression_type": "GZIP_2" if kind == "f4" else "RICE_1", "quantize_level": 0}  # losing nothing
    packed = fits.CompImageHDU(sky(kind, shape), fits.Header(WCS), name="SCI", **how)
    beside = fits.ImageHDU(np.ones((3, 4)), name="MASK")
    fits.HDUList([fits.PrimaryHDU(), packed, beside]).writeto(tmp_path / "a.fits.fz")
    pages = list(read_pages(tmp_path / "a.fits.fz"))
    assert len(pages) == header(tmp_path / "a.fits.fz").pages
    one = np.ones((), kind)
    for change in (one * 0, one):
        changed = [page.with_samples(page.samples + change) for page in pages]
        write_pages(changed, tmp_path / "b.fits", overwrite=True)
        with fits.open(tmp_path / "b.fits") as new:
            new.verify("exception")
            assert [hdu.name for hdu in new] == ["PRIMARY", "SCI", "MASK"]
            assert not isinstance(new[1], fits.CompImageHDU)
            assert all(new[1].header[name] == value for name, value in WCS.items())
            np.testing.assert_array_equal(new[1].data, sky(kind, shape) + change)


def test_what_fits_cannot_hold_is_refused(tmp_path):
    path = tmp_path / "b.fits"
    with pytest.raises(ImageError, match="3 channels"):
        write(as_image(np.zeros((4, 5, 3), np.uint8)), path)
    with pytest.raises(ImageError, match="float16"):
        write(as_image(np.zeros((4, 5), np.float16)), path)
    cube = list(read_pages(file(tmp_path / "a.fits", sky(shape=(3, 20, 30)))))
    with pytest.raises(ImageError, match="page 1 of 3"):
        write(cube[0], path)
    with pytest.raises(ImageError, match="1 of the 3 planes"):
        write(single_page(cube[0]), path)
    with pytest.raises(ImageError, match="order"):
        write_pages(cube[::-1], path)
    with pytest.raises(ImageError, match="on the sky"):
        write_pages([page.with_samples(page.samples[:10]) for page in cube], path)
    (tmp_path / "a.fits").unlink()
    with pytest.raises(ImageError, match="no longer there"):
        write_pages(cube, path)
    assert not path.exists()


def test_files_without_a_picture_and_damaged_ones_are_image_errors(tmp_path):
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.arange(5.0))])
    table.writeto(tmp_path / "table.fits")
    with pytest.raises(ImageError, match="no picture"):
        read(tmp_path / "table.fits")
    data = file(tmp_path / "a.fits", sky(shape=(40, 50))).read_bytes()
    with pytest.raises(ImageError, match="limit is 100"):
        read(data, max_pixels=100)
    for end in [*range(30, 2880, 300), 2880, 5000, 8000]:
        with pytest.raises(ImageError):
            read(data[:end])


def test_without_astropy_the_error_names_the_extra(tmp_path):
    path = file(tmp_path / "a.fits", sky())
    script = "import sys; sys.modules['astropy'] = None\nfrom nonloc.image.read import read\n"
    script += f"try: read({str(path)!r})\nexcept Exception as e: print(type(e).__name__, e)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.startswith("ImageError"), done.stderr
    assert "nonloc[lab]" in done.stdout


def test_a_field_of_stars_is_cleaned_unasked_and_its_light_is_kept(tmp_path):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:200, :200]
    places = [(15 + 19 * i, 15 + 19 * j) for i in range(10) for j in range(10)]
    clean = np.full((200, 200), 1000.0)
    for a, b in places:
        clean += 10 ** rng.uniform(3.7, 5.5) / (2 * np.pi * 2.56) * np.exp(-((y - a) ** 2 + (x - b) ** 2) / 5.12)
    sky = (clean + rng.normal(0, 15, clean.shape)).astype("f4")
    path = tmp_path / "field.fits"
    fits.PrimaryHDU(sky).writeto(path)
    restored, record = nonloc.denoise(path, return_report=True)
    assert record.method == "bm3d"
    assert "beyond white" in record.considered[0]
    out = np.asarray(restored.samples, np.float64)
    assert np.std(out - clean) < 0.5 * np.std(sky - clean)
    assert abs((out - 1000).sum() / (clean - 1000).sum() - 1) < 0.01
