"""Stacks of ImageJ and OME-TIFF: planes stay planes, channels have levels of their own; tifffile reads them, too."""

import io
import re
import uuid

import numpy as np
import pytest
import tifffile

import nonloc
from nonloc.errors import ImageError
from nonloc.image import hyperstack
from nonloc.image.read import header, read, read_pages
from nonloc.image.write import encode, single_page, write, write_pages
from nonloc.interfaces.cli import main

SHAPE = (2, 3, 2, 24, 40)  # TZCYX
FEW = (1, 2, 2, 24, 40)  # where methods run
LUTS = [np.tile(np.arange(256, dtype="u1"), (3, 1)), np.zeros((3, 256), "u1")]
IMAGEJ = {
    "axes": "TZCYX", "spacing": 2.0, "unit": "um", "finterval": 0.5, "min": 100.0, "max": 900.0,
    "Labels": [f"plane {i}" for i in range(12)], "LUTs": LUTS, "Overlays": [b"Iout" + bytes(60)], "Info": "who, when",
}  # fmt: skip
OME = {
    "axes": "TZCYX", "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.2, "PhysicalSizeYUnit": "µm",
    "Channel": {"Name": ["DAPI", "GFP"]}, "Plane": {"ExposureTime": list(range(12))},
}  # fmt: skip


def counts(dtype="u2", shape=SHAPE):
    """A bright channel and a dim one, above a camera's offset; each noisy."""
    rng = np.random.default_rng(0)
    level = np.array([20_000.0, 300.0])[:, np.newaxis, np.newaxis] if len(shape) == 5 else 300.0
    found = 100 + level * (0.5 + 0.5 * (np.arange(shape[-1]) > 20)) + rng.normal(0, 1, shape) * level / 10
    return (found / (100 if np.dtype(dtype).itemsize == 1 else 1)).astype(dtype)


def imagej(path, array=None, **options):
    metadata = {key: value for key, value in IMAGEJ.items() if key != "LUTs" or (array is None or array.ndim == 5)}
    options = {"imagej": True, "resolution": (5.0, 2.5), "metadata": metadata, **options}
    tifffile.imwrite(path, counts() if array is None else array, **options)
    return path


def ome(path, array=None, **options):
    options = {"ome": True, "photometric": "minisblack", "metadata": OME, **options}
    tifffile.imwrite(path, counts() if array is None else array, **options)
    return path


def tags(path):
    """All tags of all pages, but where pixels are and what stands for a default."""
    with tifffile.TiffFile(path) as file:
        return [
            {t.code: t.value for t in page.aspage().tags if t.code not in (273, 279, 284, 317)} for page in file.pages
        ]


def assert_same_tags(old, new):
    assert len(old) == len(new)
    for before, after in zip(old, new, strict=True):
        assert before.keys() == after.keys()
        for code, value in before.items():
            np.testing.assert_equal(after[code], value, err_msg=str(code))


@pytest.mark.parametrize("change", [0, 1])
@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize(
    ("make", "dtype"), [*((make, dtype) for make in (imagej, ome) for dtype in ("u1", "u2", "f4")), (ome, "i2")]
)
def test_a_stack_keeps_samples_axes_units_and_every_tag(make, dtype, byteorder, change, tmp_path):
    array = counts(dtype)
    path = make(tmp_path / "a.tif", array, byteorder=byteorder)
    pages = list(read_pages(path))
    assert len(pages) == header(path).pages == 12
    assert {page.samples.shape for page in pages} == {(24, 40)}
    one = np.array(change, dtype)
    write_pages([page.with_samples(page.samples + one) for page in pages], tmp_path / "b.tif")
    with tifffile.TiffFile(path) as old, tifffile.TiffFile(tmp_path / "b.tif") as new:
        np.testing.assert_array_equal(new.asarray(), array + one)
        assert new.series[0].axes == old.series[0].axes == "TZCYX"
        assert new.is_imagej == old.is_imagej
        np.testing.assert_equal(new.imagej_metadata, old.imagej_metadata)
    before, after = tags(path), tags(tmp_path / "b.tif")
    if make is ome and change:  # the one thing that is made anew: the file's identity
        found, was = after[0].pop(270), before[0].pop(270)
        identity = re.compile(r"urn:uuid:([0-9a-f-]{36})")
        assert identity.sub("", found) == identity.sub("", was)
        assert uuid.UUID(identity.search(found)[1]) != uuid.UUID(identity.search(was)[1])
    assert_same_tags(before, after)


def test_planes_behind_a_single_directory_stay_there(tmp_path):
    path = imagej(tmp_path / "a.tif", truncate=True)
    pages = list(read_pages(path))
    assert len(pages) == 12
    write_pages([page.with_samples(page.samples + np.uint16(1)) for page in pages], tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as new:
        assert len(new.pages) == 1
        np.testing.assert_array_equal(new.asarray(), counts() + 1)
        assert new.pages[0].dataoffsets[0] + 12 * 24 * 40 * 2 == new.filehandle.size
    assert_same_tags(tags(path), tags(tmp_path / "b.tif"))


@pytest.mark.parametrize("make", [imagej, ome])
def test_each_channel_has_black_and_white_of_its_own(make, tmp_path):
    pages = list(read_pages(make(tmp_path / "a.tif")))
    spans = [1 / page.scale for page in pages]
    assert spans[::2] == [spans[0]] * 6
    assert spans[1::2] == [spans[1]] * 6
    assert spans[0] > 50 * spans[1]
    for page in pages[:2]:  # so that the noise of both is seen
        assert nonloc.estimate(page).sigma > 10


def test_ome_channels_are_told_from_other_axes_whatever_their_order(tmp_path):
    array = np.moveaxis(counts(), 2, 0)  # CTZYX
    metadata = {**OME, "axes": "CTZYX"}
    pages = list(read_pages(ome(tmp_path / "a.tif", array, metadata=metadata)))
    spans = {1 / page.scale for page in pages[:6]}, {1 / page.scale for page in pages[6:]}
    assert [len(one) for one in spans] == [1, 1]
    assert min(spans[0]) > 50 * min(spans[1])


OWN, OTHER = (f"urn:uuid:{uuid.UUID(int=number)}" for number in (1, 2))
PER_PLANE = (
    '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="{own}">'
    '<Image ID="Image:0">'
    '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="4" SizeY="3" SizeZ="2" SizeC="2" SizeT="1">'
    '<Channel ID="Channel:0:0"/><Channel ID="Channel:0:1"/>{blocks}</Pixels></Image></OME>'
)


def per_plane(named):
    """OME-XML as Bio-Formats writes it: a block and a file's name for each plane, planes in an order of their own."""
    block = '<TiffData FirstC="{c}" FirstZ="{z}" FirstT="0" IFD="{ifd}" PlaneCount="1">'
    block += '<UUID FileName="a.tif">{of}</UUID></TiffData>'
    places = [(1, 0), (0, 0), (1, 1), (0, 1)]
    return PER_PLANE.format(
        own=OWN, blocks="".join(block.format(c=c, z=z, ifd=i, of=named[i]) for i, (c, z) in enumerate(places))
    )


def test_blocks_of_planes_say_which_channel_a_page_is():
    assert hyperstack.channels_of(per_plane([OWN] * 4), 4) == [(0, 1), (0, 0), (0, 1), (0, 0)]
    assert hyperstack.channels_of(per_plane([OWN, OWN, OTHER, OTHER]), 4) == [(0, 1), (0, 0), None, None]


def test_a_new_identity_takes_no_more_room_and_drops_the_old_name():
    old = per_plane([OWN] * 4)
    assert hyperstack.own_uuid(old) == OWN.encode()
    assert (
        hyperstack.own_uuid(per_plane([OWN, OWN, OTHER, OTHER])) is None
    )  # a set of files: they go on naming each other
    new = hyperstack.renamed(old.encode(), OWN.encode(), "samples").decode()
    assert len(new) == len(old)
    assert OWN not in new
    assert "FileName" not in new
    assert new.count("urn:uuid:") == 5
    assert hyperstack.channels_of(new, 4) == hyperstack.channels_of(old, 4)


@pytest.mark.parametrize("channels", [2, 3, 4, 7])
def test_channels_of_one_page_are_planes_and_no_colours(channels, tmp_path):
    array = np.random.default_rng(0).integers(90, 500, (24, 40, channels)).astype("u2")
    metadata = {"axes": "YXS"}
    ome(tmp_path / "a.ome.tif", array, planarconfig="contig", extrasamples=[0] * (channels - 1), metadata=metadata)
    pages = list(read_pages(tmp_path / "a.ome.tif"))
    assert [page.channels for page in pages] == [1] * channels
    write_pages([page.with_samples(page.samples + np.uint16(1)) for page in pages], tmp_path / "b.ome.tif")
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as new:
        np.testing.assert_array_equal(new.asarray(), array + 1)
        assert new.pages[0].photometric == 1


def test_colour_of_8_bits_stays_a_colour_picture(tmp_path):
    array = np.random.default_rng(0).integers(0, 255, (3, 24, 40, 3)).astype("u1")
    for make, axes in ((imagej, "TYXS"), (ome, "TYXS")):
        make(tmp_path / "a.tif", array, photometric="rgb", metadata={"axes": axes})
        pages = list(read_pages(tmp_path / "a.tif"))
        assert [page.channels for page in pages] == [3, 3, 3]
        write_pages(pages, tmp_path / "b.tif", overwrite=True)
        assert_same_tags(tags(tmp_path / "a.tif"), tags(tmp_path / "b.tif"))


def test_an_enlarged_stack_tells_its_new_sizes(tmp_path):
    few = counts(shape=FEW)

    def larger(path):
        return [nonloc.upscale(page, factor=2, method="bicubic") for page in read_pages(path)]

    write_pages(larger(ome(tmp_path / "a.ome.tif", few)), tmp_path / "b.ome.tif")
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as new:
        assert new.series[0].shape == (2, 2, 48, 80)
        for text in ('SizeX="80"', 'SizeY="48"', 'PhysicalSizeX="0.05"', 'PhysicalSizeY="0.1"', 'SizeZ="2"'):
            assert text in new.ome_metadata
    write_pages(larger(imagej(tmp_path / "a.tif", few)), tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as new:
        assert new.series[0].shape == (2, 2, 48, 80)
        x, y = new.pages[0].tags[282].value, new.pages[0].tags[283].value
        assert (x[0] / x[1], y[0] / y[1]) == (10, 5)


def test_nan_in_a_stack_stay_where_they_were(tmp_path):
    array = counts("f4", FEW).squeeze()
    array[:, 1, 5:9, 7:20] = np.nan
    path = ome(tmp_path / "a.ome.tif", array, metadata={**OME, "axes": "ZCYX"})
    clean = [nonloc.denoise(page, sigma=20, method="gaussian") for page in read_pages(path)]
    assert all(np.isfinite(page.samples).all() for page in clean)
    write_pages(clean, tmp_path / "b.ome.tif")
    found = tifffile.imread(tmp_path / "b.ome.tif")
    np.testing.assert_array_equal(np.isnan(found), np.isnan(array))
    assert not np.array_equal(found, array, equal_nan=True)


def test_one_plane_alone_is_written_without_what_is_true_of_the_stack_only(tmp_path):
    for make in (imagej, ome):
        page = list(read_pages(make(tmp_path / "a.tif")))[3]
        write(single_page(page), tmp_path / "b.tif", overwrite=True)
        with tifffile.TiffFile(tmp_path / "b.tif") as new:
            assert not new.is_imagej
            assert not new.is_ome
            np.testing.assert_array_equal(new.asarray(), counts()[0, 1, 1])


def test_what_is_no_whole_stack_in_its_order_is_refused(tmp_path):
    pages = list(read_pages(ome(tmp_path / "a.tif")))
    with pytest.raises(ImageError, match="page 1 of 12"):
        write(pages[0], tmp_path / "b.tif")
    with pytest.raises(ImageError, match="11 of the 12 planes"):
        write_pages(pages[:-1], tmp_path / "b.tif")
    with pytest.raises(ImageError, match="order"):
        write_pages(pages[::-1], tmp_path / "b.tif")
    assert not (tmp_path / "b.tif").exists()


def test_nan_in_a_plain_tiff_stay_where_they_were(tmp_path):
    array = np.random.default_rng(0).normal(0.5, 0.2, (24, 40, 3)).astype("f4")
    array[3, 4, 1], array[7:9, 7:9] = np.nan, np.inf
    for one, options in ((array[..., 1], {}), (array, {"photometric": "rgb"})):
        tifffile.imwrite(tmp_path / "a.tif", one, **options)
        image = read(tmp_path / "a.tif")
        assert (image.scale, image.offset) == (1, 0)
        clean = nonloc.denoise(image, sigma=20, method="gaussian")
        found = read(encode(clean, "tiff")).metadata.tags["holes"]
        again = tifffile.imread(io.BytesIO(encode(clean, "tiff")))
        lost = ~np.isfinite(one)
        np.testing.assert_array_equal(again[lost], one[lost])
        assert np.isfinite(found.back(clean.samples)).sum() == np.isfinite(again).sum() <= (~lost).sum()


def test_the_command_line_restores_stacks(tmp_path):
    few = counts(shape=FEW)
    for path in (imagej(tmp_path / "a.tif", few), ome(tmp_path / "a.ome.tif", few)):
        assert main(["denoise", str(path), "--method", "gaussian", "--sigma", "20"]) == 0
    assert main(["denoise", str(path), "--sigma", "0", "-o", str(tmp_path / "same.ome.tif")]) == 0
    assert (tmp_path / "same.ome.tif").read_bytes() == path.read_bytes()
    for name in ("a-denoised.tif", "a-denoised.ome.tif"):
        with tifffile.TiffFile(tmp_path / name) as new:
            assert new.series[0].axes == "ZCYX"
            found = new.asarray()
        for c in (0, 1):
            flat = np.s_[:, c, 4:-4, 4:16]
            assert found[flat].std() < 0.5 * few[0][flat].std()
