"""GeoTIFF: bands, nodata, masks, overviews and the place on the ground survive; tifffile and GDAL read them, too."""

import io

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

import nonloc
from nonloc.image import tiff
from nonloc.image.geotiff import rescaled
from nonloc.image.holes import reopened
from nonloc.image.ifd import Entry, Kind
from nonloc.image.read import header, read, read_pages
from nonloc.image.tiff_overviews import smaller
from nonloc.image.write import encode, write_pages
from nonloc.interfaces.cli import main

STATISTICS = (
    '<GDALMetadata>\n  <Item name="who">me</Item>\n  <Item name="STATISTICS_MAXIMUM" sample="0">9</Item>\n'
    '  <Item name="DESCRIPTION" sample="0" role="description">red</Item>\n</GDALMetadata>\n'
)
KEYS = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32632)
GEO = [
    (33550, 12, 3, (10.0, 10.0, 0.0), True),
    (33922, 12, 6, (0.0, 0.0, 0.0, 5e5, 4e6, 0.0), True),
    (34735, 3, len(KEYS), KEYS, True),
    (34736, 12, 2, (6378137.0, 298.257223563), True),
    (34737, 2, 0, "UTM zone 32N|", True),
    (42112, 2, 0, STATISTICS, True),
    (50844, 12, 92, tuple(float(i) for i in range(92)), True),
    (65000, 7, 5, b"\0\1\2\3\4", True),
]
MATRIX = (34264, 12, 16, (10.0, 1.0, 0.0, 5e5, 2.0, -10.0, 0.0, 4e6, 0, 0, 0, 0, 0, 0, 0, 1.0), True)
MOVED = {273, 279, 284, 317, 324, 325}  # where pixels are, and what stands for a default


def ground(dtype, bands, shape=(40, 50)):
    """(bands, H, W), noisy; signed numbers on both sides of 0."""
    rng = np.random.default_rng(0)
    level = {"u1": 120, "i2": 0}.get(dtype, 1000)
    return np.stack([rng.normal(level, 10 * (band + 1), shape) for band in range(bands)]).astype(dtype)


def geo(array, nodata=None, more=(), **options):
    """The bytes of a GeoTIFF of `array` (bands, H, W)."""
    extra = [*GEO, *more, *([] if nodata is None else [(42113, 2, 0, nodata, True)])]
    array = array[0] if len(array) == 1 else array
    if options.pop("contig", False) and array.ndim == 3:
        options["planarconfig"], array = "contig", np.moveaxis(array, 0, -1)
    elif array.ndim == 3:
        options["planarconfig"] = "separate"
    if array.ndim == 3 and options.get("photometric") != "rgb":
        options.setdefault("extrasamples", [0] * (min(array.shape[0], array.shape[-1]) - 1))
    stream = io.BytesIO()
    options = {"photometric": "minisblack", "metadata": None, "software": False, "extratags": extra, **options}
    order = options.pop("byteorder", "<")
    with tifffile.TiffWriter(stream, byteorder=order) as file:
        file.write(array, **options)
    return stream.getvalue()


def tags(data):
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return {t.code: t.value for t in file.pages[0].tags if t.code not in MOVED}


def through(data, path, change=0):
    pages = list(read_pages(data))
    write_pages([page.with_samples(page.samples + np.array(change, page.dtype)) for page in pages], path)
    return path.read_bytes()


LAYOUTS = {
    "strips": {},
    "tiles": {"tile": (16, 32), "compression": "zstd", "predictor": True},
    "contig": {"contig": True, "compression": "lzw"},
    "big-endian": {"byteorder": ">", "compression": "deflate"},
}
NODATA = [("i2", "-9999"), ("u2", "0"), ("f4", "nan"), ("f4", "-3.4e+38"), ("u1", None)]


@pytest.mark.parametrize("change", [0, 1])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bands", [1, 3, 4, 7])
@pytest.mark.parametrize(
    ("dtype", "nodata"), [("i2", "-9999"), ("u2", "0"), ("f4", "nan"), ("f4", "-3.4e+38"), ("u1", None)]
)
def test_samples_bands_and_every_tag_survive(dtype, nodata, bands, layout, change, tmp_path):
    array = ground(dtype, bands)
    if nodata is not None:
        array[:, 10:20, 30:40] = float(nodata)
        array[0, 3, 4] = float(nodata)
    none = np.zeros(array.shape, bool)
    if nodata is not None:
        none = np.isnan(array) if nodata == "nan" else array == np.array(float(nodata)).astype(dtype)
    data = geo(array, nodata, **LAYOUTS[layout])
    assert header(data).pages == len(list(read_pages(data))) == bands
    new = through(data, tmp_path / "b.tif", change)
    expected = np.where(none, array, array + np.array(change, dtype))
    found = tifffile.imread(io.BytesIO(new))
    found = np.moveaxis(found, -1, 0) if "contig" in LAYOUTS[layout] and bands > 1 else found
    np.testing.assert_array_equal(found.reshape(array.shape), expected)
    before, after = tags(data), tags(new)
    if change:  # what is wrong of the new samples is left out
        assert "STATISTICS" not in after[42112]
        before[42112] = before[42112].replace('  <Item name="STATISTICS_MAXIMUM" sample="0">9</Item>\n', "")
    assert before == after
    with tifffile.TiffFile(io.BytesIO(data)) as one, tifffile.TiffFile(io.BytesIO(new)) as other:
        assert one.geotiff_metadata == other.geotiff_metadata


def test_each_band_has_black_and_white_of_its_own_which_nodata_do_not_shift(tmp_path):
    array = ground("i2", 4)
    array[:, :20] = -9999
    pages = list(read_pages(geo(array, "-9999")))
    spans = [1 / page.scale for page in pages]
    assert all(40 * (band + 1) < span < 80 * (band + 1) for band, span in enumerate(spans))
    assert all(page.samples.min() > -200 for page in pages)  # filled for the methods


@pytest.mark.parametrize(("dtype", "nodata"), [("i2", "-9999"), ("u2", "0"), ("f4", "nan")])
def test_methods_leave_nodata_where_and_what_it_was(dtype, nodata, tmp_path):
    array = ground(dtype, 2)
    array[:, 10:20, 30:40] = float(nodata)
    clean = [nonloc.denoise(page, sigma=20, method="gaussian") for page in read_pages(geo(array, nodata))]
    write_pages(clean, tmp_path / "b.tif")
    found = tifffile.imread(tmp_path / "b.tif")
    inside = np.zeros(array.shape, bool)
    inside[:, 10:20, 30:40] = True
    np.testing.assert_array_equal(found[inside], array[inside])
    assert (found[~inside] != array[~inside]).mean() > 0.8
    assert abs(found[~inside].mean() - array[~inside].mean()) < 5


@given(seed=st.integers(0, 2**32 - 1), nodata=st.sampled_from(["0", "7", "255"]))
def test_what_a_method_makes_never_turns_into_nodata(seed, nodata):
    rng = np.random.default_rng(seed)
    array = rng.integers(0, 256, (2, 5, 6)).astype("u1")
    pages = list(read_pages(geo(array, nodata)))
    stream = io.BytesIO()
    flat = [page.with_samples(np.full_like(page.samples, int(nodata))) for page in pages]
    tiff.write_pages(map(reopened, flat), stream)
    found = tifffile.imread(io.BytesIO(stream.getvalue()))
    changed = [not (band == int(nodata)).all() for band in array]
    for band, old, was in zip(found, array, changed, strict=True):
        if was:
            np.testing.assert_array_equal(band == int(nodata), old == int(nodata))


def test_colour_stays_colour_and_its_nodata_stay(tmp_path):
    array = ground("u1", 3)
    array[:, 5:15, 5:20] = 0
    array[0, 30, 30] = 0  # black in one channel is a colour
    data = geo(array, "0", photometric="rgb", contig=True, tile=(16, 16))
    image = read(data)
    assert image.channels == 3
    assert image.samples.min(axis=(0, 1))[1] > 0
    assert image.samples[30, 30, 0] == 0
    clean = nonloc.denoise(image, sigma=20, method="gaussian")
    found = tifffile.imread(io.BytesIO(encode(clean, "tiff")))
    assert (found[5:15, 5:20] == 0).all()
    assert (found != np.moveaxis(array, 0, -1)).mean() > 0.5
    assert tags(encode(image, "tiff")) == tags(data)
    assert "STATISTICS" not in tags(encode(clean, "tiff"))[42112]


def test_near_infrared_beside_colour_is_a_band_and_alpha_is_none(tmp_path):
    array = ground("u1", 4)
    data = geo(array, photometric="rgb", extrasamples=[0], contig=True)
    assert len(list(read_pages(data))) == 4
    new = through(data, tmp_path / "b.tif", 1)
    np.testing.assert_array_equal(np.moveaxis(tifffile.imread(io.BytesIO(new)), -1, 0), array + 1)
    assert tags(new)[262] == 2
    array[3] = np.where(np.arange(50) < 25, 0, 255)
    data = geo(array.astype("u2"), extrasamples=[0, 0, 2], contig=True)
    pages = list(read_pages(data))
    assert len(pages) == 3
    new = through(data, tmp_path / "c.tif", 1)
    found = np.moveaxis(tifffile.imread(io.BytesIO(new)), -1, 0)
    np.testing.assert_array_equal(found[3], array[3])
    np.testing.assert_array_equal(found[:3, :, :25], array[:3, :, :25])  # where alpha is 0 nothing was measured
    np.testing.assert_array_equal(found[:3, :, 25:], array[:3, :, 25:] + 1)


def with_copies(path):
    """Two bands with a mask, overviews, and overviews of the mask, as GDAL orders them; nothing known in one corner."""
    array, mask = ground("u2", 2, (64, 96)), np.full((64, 96), True)
    mask[:32, :40] = False
    array[:, ~mask] = 5000
    with tifffile.TiffWriter(path) as file:
        plain = {"metadata": None, "software": False, "tile": (16, 16)}
        bands = {**plain, "photometric": "minisblack", "planarconfig": "contig", "extrasamples": [0]}
        bits = {**plain, "photometric": "mask", "compression": "deflate"}
        file.write(np.moveaxis(array, 0, -1), **bands, extratags=GEO)
        file.write(mask, **bits, subfiletype=4)
        for step in (2, 4):
            file.write(np.moveaxis(array, 0, -1)[::step, ::step], **bands, subfiletype=1)
            file.write(mask[::step, ::step], **bits, subfiletype=5)
    return array, mask


def test_masks_stay_and_overviews_are_those_of_the_new_samples(tmp_path):
    array, mask = with_copies(tmp_path / "a.tif")
    assert header(tmp_path / "a.tif").pages == 2
    pages = list(read_pages(tmp_path / "a.tif"))
    assert max(page.samples.max() for page in pages) < 2000
    clean = [nonloc.denoise(page, sigma=20, method="gaussian") for page in pages]
    write_pages(clean, tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as new:
        kinds = [(page.subfiletype, page.shape[:2]) for page in new.pages]
        assert kinds == [(0, (64, 96)), (4, (64, 96)), (1, (32, 48)), (5, (32, 48)), (1, (16, 24)), (5, (16, 24))]
        found, half = new.pages[0].asarray(), new.pages[2].asarray().astype(float)
        np.testing.assert_array_equal(new.pages[1].asarray(), mask)
        np.testing.assert_array_equal(new.pages[3].asarray(), mask[::2, ::2])
        np.testing.assert_array_equal(found[~mask], np.moveaxis(array, 0, -1)[~mask])
        means = found.reshape(32, 2, 48, 2, 2).mean((1, 3))
        assert np.abs(half - means)[mask[::2, ::2]].max() <= 0.5
        assert new.pages[2].tile == (16, 16)


def test_overviews_are_means_of_what_is_known():
    array = np.full((6, 8, 1), 100, "u2")
    array[:2, :3] = 0
    array[4, 6] = 104
    found = smaller(array, (3, 4), 0.0, None, False)[..., 0]
    expected = np.full((3, 4), 100)
    expected[0, 0], expected[2, 3] = 0, 101  # where nothing is known it stays so
    np.testing.assert_array_equal(found, expected)
    assert set(np.unique(smaller(array, (3, 4), 0.0, None, True))) <= {0, 100, 104}


@pytest.mark.parametrize("point", [1, 2])
def test_an_enlarged_picture_stays_at_its_place(point):
    kind = Kind("<")
    keys = np.array((1, 1, 0, 1, 1025, 0, 1, point), "<u2").tobytes()

    def entry(tag, values):
        return Entry(tag, 12, len(values), np.array(values, "<f8").tobytes())

    matrix = np.array(MATRIX[3]).reshape(4, 4)
    old = {34735: Entry(34735, 3, 8, keys), 34264: entry(34264, matrix.ravel())}
    old |= {33550: entry(33550, (10.0, 20.0, 0.0)), 33922: entry(33922, (3.0, 4.0, 0.0, 5e5, 4e6, 0.0))}
    new = rescaled(old, kind, (40, 50), (80, 150))

    def numbers(entries, tag):
        return np.frombuffer(entries[tag].value)

    def corner(entries, x, y):  # of a pixel's upper left corner on the ground
        shift = 0.5 if point == 2 else 0
        scale, tie = numbers(entries, 33550), numbers(entries, 33922)
        simple = tie[3] + (x - shift - tie[0]) * scale[0], tie[4] - (y - shift - tie[1]) * scale[1]
        return *simple, *(numbers(entries, 34264).reshape(4, 4) @ (x - shift, y - shift, 0, 1))[:2]

    for x, y in ((0, 0), (50, 40), (7, 11)):
        np.testing.assert_allclose(corner(new, 3 * x, 2 * y), corner(old, x, y))


def test_an_enlarged_file_tells_its_new_grid(tmp_path):
    data = geo(ground("u2", 1, (20, 30)), "0")
    write_pages([nonloc.upscale(page, factor=2, method="bicubic") for page in read_pages(data)], tmp_path / "b.tif")
    found = tags((tmp_path / "b.tif").read_bytes())
    assert found[33550] == (5.0, 5.0, 0.0)
    assert found[33922] == (0.0, 0.0, 0.0, 5e5, 4e6, 0.0)
    assert found[50844][:5] == (0, 1, 4.5, 6.5, 4)  # line and sample offset: (2 + 1/2) 2 - 1/2 ...
    assert found[50844][7:9] == (14, 16)


def test_tiles_that_gdal_left_out_are_nodata(tmp_path):
    data = bytearray(geo(ground("u2", 1, (32, 32)), "0", tile=(16, 16)))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        for tag in (324, 325):
            found = file.pages[0].tags[tag]
            size = {3: 2, 4: 4}[int(found.dtype)]
            data[found.valueoffset + size : found.valueoffset + 2 * size] = bytes(size)
    image = read(bytes(data))
    assert len(image.metadata.tags["holes"].places) == 256
    found = tifffile.imread(io.BytesIO(encode(image, "tiff")))
    assert (found[:16, 16:] == 0).all()
    assert (found[16:] > 0).all()


def test_nan_that_lerc_masks_are_found(tmp_path):
    """As GDAL writes them; tifffile, which writes the file here, and reads it, gives 0 there."""
    array = ground("f4", 1)[0]
    array[5:9, 20:30] = np.nan
    known = ~np.isnan(array)
    codes = imagecodecs.lerc_encode(np.nan_to_num(array), masks=known, level=0)
    extra = [*GEO, (42113, 2, 0, "nan", True)]
    options = {
        "shape": array.shape,
        "dtype": array.dtype,
        "rowsperstrip": 40,
        "compression": "lerc",
        "extratags": extra,
    }
    tifffile.imwrite(tmp_path / "a.tif", iter([codes]), photometric="minisblack", metadata=None, **options)
    pages = list(read_pages(tmp_path / "a.tif"))
    write_pages([page.with_samples(page.samples + np.float32(1)) for page in pages], tmp_path / "b.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), array + 1)


def test_gdal_finds_what_it_found_before(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    with_copies(tmp_path / "a.tif")
    for name, data in {
        "b.tif": (tmp_path / "a.tif").read_bytes(),
        "c.tif": geo(ground("f4", 7), "nan", contig=True),
        "d.tif": geo(ground("i2", 1), "-9999", more=[MATRIX]),
    }.items():
        (tmp_path / name).write_bytes(data)
        through(data, tmp_path / f"new-{name}", 1)
        with rasterio.open(tmp_path / name) as old, rasterio.open(tmp_path / f"new-{name}") as new:
            assert (old.crs, old.transform, old.dtypes) == (new.crs, new.transform, new.dtypes)
            assert old.descriptions == new.descriptions
            assert old.overviews(1) == new.overviews(1)
            np.testing.assert_array_equal(old.read_masks(), new.read_masks())
            np.testing.assert_array_equal(old.nodata, new.nodata)


def test_the_command_line_restores_bands(tmp_path):
    array = ground("i2", 5)
    array[:, :9] = -9999
    (tmp_path / "a.tif").write_bytes(geo(array, "-9999"))
    assert main(["denoise", str(tmp_path / "a.tif"), "--method", "gaussian", "--sigma", "20"]) == 0
    found = tifffile.imread(tmp_path / "a-denoised.tif")
    assert (found[:, :9] == -9999).all()
    assert (found[:, 9:].std((1, 2)) < 0.6 * array[:, 9:].std((1, 2))).all()
    assert main(["denoise", str(tmp_path / "a.tif"), "--sigma", "0", "-o", str(tmp_path / "same.tif")]) == 0
    assert (tmp_path / "same.tif").read_bytes() == (tmp_path / "a.tif").read_bytes()
