"""DICOM: samples and elements come back; a changed picture is a derived object; pydicom is the second reader."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import nonloc
from nonloc.errors import ImageError
from nonloc.image.array import as_image
from nonloc.image.read import header, read, read_pages
from nonloc.image.write import encode, single_page, write, write_pages

pydicom = pytest.importorskip("pydicom")
from pydicom import uid  # noqa: E402
from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402

PLAIN = (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian)
SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"  # real files that come with the package


def body(frames=1, channels=1, signed=True, bits=12):
    rng = np.random.default_rng(0)
    shape = (*([frames] if frames > 1 else []), 12, 10, *([channels] if channels > 1 else []))
    kind = ("i" if signed else "u") + ("2" if bits > 8 else "1")
    return rng.integers(-500 if signed else 0, 2 ** (bits - 1), shape).astype(kind)


def file(path, array, syntax=uid.ExplicitVRLittleEndian, kind="MONOCHROME2", bits=12, planar=0, **elements):
    cards = Dataset()
    cards.file_meta = FileMetaDataset()
    cards.file_meta.TransferSyntaxUID = syntax
    cards.SOPClassUID = cards.file_meta.MediaStorageSOPClassUID = uid.CTImageStorage
    cards.SOPInstanceUID = cards.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    cards.StudyInstanceUID, cards.SeriesInstanceUID, cards.SeriesDescription = "1.2", "1.2.3", "Thorax"
    cards.ImageType, cards.PatientName = ["ORIGINAL", "PRIMARY", "AXIAL"], "Phantom^Water"
    cards.RescaleSlope, cards.RescaleIntercept, cards.WindowCenter, cards.WindowWidth = "0.5", "-1024", "40", "400"
    cards.BurnedInAnnotation = "NO"
    channels = 3 if kind == "RGB" else 1
    frames = array.shape[0] if array.ndim == 3 + (channels == 3) else 1
    cards.Rows, cards.Columns = array.shape[-3:-1] if channels == 3 else array.shape[-2:]
    cards.SamplesPerPixel, cards.PhotometricInterpretation = channels, kind
    if channels == 3:
        cards.PlanarConfiguration = planar
    if frames > 1:
        cards.NumberOfFrames = frames
    cards.BitsAllocated, cards.BitsStored, cards.HighBit = 8 * array.itemsize, bits, bits - 1
    cards.PixelRepresentation = int(array.dtype.kind == "i")
    for name, value in elements.items():
        setattr(cards, name, value)
    stored = np.moveaxis(array, -1, -3) if planar else array
    order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
    cards.PixelData = stored.astype(array.dtype.newbyteorder(order)).tobytes()
    cards["PixelData"].VR = "OW" if array.itemsize > 1 else "OB"
    cards.save_as(path, enforce_file_format=True)
    return path


def differing(one, other):
    """Keywords of the elements in which two files differ."""
    return {e.keyword for a, b in ((one, other), (other, one)) for e in a if e.tag not in b or b[e.tag] != e}


@pytest.mark.parametrize("syntax", PLAIN, ids=lambda s: s.name)
@pytest.mark.parametrize(
    ("array", "options"),
    [
        (body(), {}),
        (body(signed=False), {"kind": "MONOCHROME1"}),
        (body(frames=3), {}),
        (body(signed=False, bits=8), {"bits": 8}),
        (body(channels=3, signed=False, bits=8), {"kind": "RGB", "bits": 8}),
        (body(frames=2, channels=3, signed=False, bits=8), {"kind": "RGB", "bits": 8, "planar": 1}),
    ],
    ids=["ct", "film", "frames", "bytes", "colour", "planes"],
)
def test_what_is_read_is_written_again_with_all_its_elements(syntax, array, options, tmp_path):
    path = file(tmp_path / "a.dcm", array, syntax, **options)
    pages = list(read_pages(path))
    assert len(pages) == header(path).pages
    np.testing.assert_array_equal(np.squeeze([page.samples for page in pages]), array)
    write_pages(pages, tmp_path / "b.dcm")
    assert (tmp_path / "b.dcm").read_bytes() == path.read_bytes()


def test_a_changed_picture_is_a_derived_object_that_says_it_is_not_for_diagnosis(tmp_path):
    array = body(frames=3)
    path = file(tmp_path / "a.dcm", array, SmallestImagePixelValue=-500, LargestImagePixelValue=7, IconImageSequence=[])
    pages = list(read_pages(path))
    pages[1] = pages[1].with_samples(pages[1].samples + np.int16(1))
    write_pages(pages, tmp_path / "b.dcm")
    old, new = pydicom.dcmread(path), pydicom.dcmread(tmp_path / "b.dcm")
    array[1] += 1
    np.testing.assert_array_equal(new.pixel_array, array)
    assert differing(old, new) == {
        "SOPInstanceUID", "SeriesInstanceUID", "ImageType", "DerivationDescription", "SeriesDescription",
        "SourceImageSequence", "LargestImagePixelValue", "SmallestImagePixelValue", "IconImageSequence", "PixelData",
    }  # fmt: skip
    assert uid.UID(new.SOPInstanceUID).is_valid
    assert new.SOPInstanceUID == new.file_meta.MediaStorageSOPInstanceUID != old.SOPInstanceUID
    assert new.ImageType == ["DERIVED", "PRIMARY", "AXIAL"]
    assert "not for diagnosis" in new.DerivationDescription
    assert "not for diagnosis" in new.SeriesDescription
    assert new.SourceImageSequence[0].ReferencedSOPInstanceUID == old.SOPInstanceUID
    assert (new.SmallestImagePixelValue, new.LargestImagePixelValue) == (array.min(), array.max())
    write_pages(pages, tmp_path / "c.dcm")
    assert (tmp_path / "b.dcm").read_bytes() == (tmp_path / "c.dcm").read_bytes()


def test_slices_of_one_series_stay_one_series(tmp_path):
    made = []
    for number in (1, 2):
        path = file(tmp_path / f"{number}.dcm", body(), SOPInstanceUID=f"1.2.3.{number}")
        image = read(path)
        made.append(encode(image.with_samples(image.samples // 2), "dicom"))
    one, two = (pydicom.dcmread(pydicom.filebase.DicomBytesIO(data)) for data in made)
    assert one.SeriesInstanceUID == two.SeriesInstanceUID != "1.2.3"
    assert one.SOPInstanceUID != two.SOPInstanceUID


def test_padding_is_filled_for_the_methods_and_put_back(tmp_path):
    array = body()
    array[:4, :3], array[11, 9] = -2000, -1999
    path = file(tmp_path / "a.dcm", array, PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1999)
    image = read(path)
    assert image.samples.min() >= -500
    assert -image.offset / image.scale > -600
    write(image, tmp_path / "b.dcm")
    assert (tmp_path / "b.dcm").read_bytes() == path.read_bytes()
    clean = nonloc.denoise(image, sigma=10, method="median")
    write(clean, tmp_path / "c.dcm")
    found = pydicom.dcmread(tmp_path / "c.dcm").pixel_array
    np.testing.assert_array_equal(found == -2000, array == -2000)
    assert found[11, 9] == -1999


def test_film_is_dark_where_its_numbers_are_large(tmp_path):
    array = body(signed=False)
    image = read(file(tmp_path / "a.dcm", array, kind="MONOCHROME1"))
    pixels = image.pixels()
    assert pixels[0][array == array.max()].mean() < 0.01 < 0.99 < pixels[0][array == array.min()].mean()
    np.testing.assert_array_equal(image.stored(pixels), array)


def test_values_beyond_the_bits_stored_are_clipped(tmp_path):
    image = read(file(tmp_path / "a.dcm", body(signed=False)))
    write(image.with_samples(image.samples * np.uint16(8)), tmp_path / "b.dcm")
    assert pydicom.dcmread(tmp_path / "b.dcm").pixel_array.max() == 4095


@pytest.mark.parametrize(
    "name",
    ["MR_small_RLE", "MR_small_jp2klossless", "SC_rgb_jpeg_dcmtk", "SC_rgb_rle_2frame", "examples_overlay",
     "SC_ybr_full_422_uncompressed", "image_dfl", "CT_small", "SC_rgb_small_odd_big_endian", "rtdose_rle"],
)  # fmt: skip
def test_real_files_keep_samples_and_elements_through_another_compression(name, tmp_path):
    path = SHIPPED / f"{name}.dcm"
    if not path.exists():
        pytest.skip("this pydicom does not bring the file")
    write_pages(read_pages(path), tmp_path / "b.dcm")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old, new = pydicom.dcmread(path), pydicom.dcmread(tmp_path / "b.dcm")
        np.testing.assert_array_equal(pydicom.pixels.pixel_array(new), pydicom.pixels.pixel_array(old))
        allowed = {"PixelData", "DataSetTrailingPadding", "PhotometricInterpretation", "PlanarConfiguration"}
        assert differing(old, new) <= allowed
    assert not new.file_meta.TransferSyntaxUID.is_encapsulated


def test_what_dicom_cannot_hold_is_refused(tmp_path):
    path = tmp_path / "b.dcm"
    with pytest.raises(ImageError, match="elsewhere"):
        write(as_image(np.zeros((4, 5), np.uint8)), path)
    pages = list(read_pages(file(tmp_path / "a.dcm", body(frames=3))))
    with pytest.raises(ImageError, match="page 1 of 3"):
        write(pages[0], path)
    with pytest.raises(ImageError, match="1 of the 3 frames"):
        write(single_page(pages[0]), path)
    with pytest.raises(ImageError, match="order"):
        write_pages(pages[::-1], path)
    with pytest.raises(ImageError, match="Keep size"):
        write_pages([page.with_samples(page.samples[:4]) for page in pages], path)
    assert not path.exists()


def test_damaged_and_unknown_files_are_image_errors(tmp_path):
    path = file(tmp_path / "a.dcm", body())
    data = path.read_bytes()
    with pytest.raises(ImageError, match="limit is 100"):
        read(path, max_pixels=100)
    for end in range(132, len(data) - 1, 31):
        with pytest.raises(ImageError):
            read(data[:end])
    with pytest.raises(ImageError, match="PALETTE"):
        read(file(path, body(signed=False, bits=8), kind="PALETTE COLOR", bits=8))
    report = pydicom.dcmread(path)
    del report.PixelData, report.Rows
    report.save_as(path)
    with pytest.raises(ImageError, match="no picture"):
        read(path)


def test_without_pydicom_the_error_names_the_extra(tmp_path):
    path = file(tmp_path / "a.dcm", body())
    script = "import sys; sys.modules['pydicom'] = None\nfrom nonloc.image.read import read\n"
    script += f"try: read({str(path)!r})\nexcept Exception as e: print(type(e).__name__, e)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.startswith("ImageError"), done.stderr
    assert "nonloc[lab]" in done.stdout


def test_no_format_of_laboratories_is_loaded_before_a_file_of_it():
    script = "import sys, nonloc.image.read, nonloc.image.write\n"
    script += "print([m for m in ('pydicom', 'nibabel', 'astropy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
