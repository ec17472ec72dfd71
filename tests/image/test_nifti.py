"""NIfTI: volumes come back with their whole numbers, header and affine; nibabel is the second reader."""

import gzip
import subprocess
import sys

import numpy as np
import pytest

import nonloc
from nonloc.errors import ImageError
from nonloc.image.array import as_image
from nonloc.image.formats import ending
from nonloc.image.read import header, read, read_pages
from nonloc.image.write import single_page, write, write_pages

nibabel = pytest.importorskip("nibabel")

AFFINE = np.array([[2, 0, 0, -90], [0, 2, 0.1, -126], [0, 0, 3, -72], [0, 0, 0, 1]])
KINDS = ["u1", "i1", "i2", "u2", "i4", "f4", "f8"]


def brain(kind="i2", shape=(9, 8, 3)):
    return np.random.default_rng(0).normal(100, 10, shape).astype(kind)


def file(path, array, version=nibabel.Nifti1Image, slope=None, order="<"):
    """A file of exactly these stored numbers, which mean slope[0] times them plus slope[1]."""
    volume = version(array, AFFINE, dtype=array.dtype)
    cards = volume.header.as_byteswapped(order)
    cards["descrip"] = b"scan of a phantom"
    cards["scl_slope"], cards["scl_inter"] = slope or (np.nan, np.nan)
    cards.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"kept"))
    cards["vox_offset"] = begin = len(cards.binaryblock) + 36
    cards["magic"] = cards.single_magic
    head = cards.binaryblock + b"\1\0\0\0" + (32).to_bytes(4, "little" if order == "<" else "big")
    head += (6).to_bytes(4, "little" if order == "<" else "big") + b"kept".ljust(24, b"\0")
    data = head.ljust(begin, b"\0") + array.astype(array.dtype.newbyteorder(order)).tobytes(order="F")
    path.write_bytes(gzip.compress(data) if path.name.endswith("gz") else data)
    return path


def plain(path):
    return gzip.decompress(path.read_bytes()) if path.name.endswith("gz") else path.read_bytes()


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 3), (5, 6, 2, 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_written_again_byte_for_byte(kind, shape, ending, tmp_path):
    for version in (nibabel.Nifti1Image, nibabel.Nifti2Image):
        for order in "<>":
            array = brain(kind, shape)
            if kind[0] == "f":
                array[3, 4] = np.nan
            path = file(tmp_path / f"a{ending}", array, version, (0.5, -3), order)
            pages = list(read_pages(path))
            assert len(pages) == header(path).pages == np.prod(shape[2:])
            last = array.reshape(*shape[:2], -1, order="F")[..., -1]
            np.testing.assert_array_equal(pages[-1].samples[1], last[:, 1])
            write_pages(pages, tmp_path / f"b{ending}", overwrite=True)
            assert plain(tmp_path / f"b{ending}") == plain(path)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_changed_volume_keeps_affine_slope_and_extension_and_its_whole_numbers(ending, tmp_path):
    array = brain()
    path = file(tmp_path / f"a{ending}", array, slope=(0.0152, -3))
    pages = list(read_pages(path))
    pages[1] = pages[1].with_samples(pages[1].samples + np.int16(1))
    write_pages(pages, tmp_path / f"b{ending}")
    old, new = nibabel.load(path), nibabel.load(tmp_path / f"b{ending}")
    array[..., 1] += 1
    np.testing.assert_array_equal(new.dataobj.get_unscaled(), array)
    np.testing.assert_array_equal(new.affine, old.affine)
    assert (new.dataobj.slope, new.dataobj.inter) == (old.dataobj.slope, old.dataobj.inter)
    assert new.header["descrip"] == b"scan of a phantom; nonloc 0.1.0, not for diagnosis"
    assert new.header.extensions[0].get_content() == old.header.extensions[0].get_content()
    before, after = old.header.structarr, new.header.structarr
    assert [name for name in before.dtype.names if before[name].tobytes() != after[name].tobytes()] == ["descrip"]


def test_all_slices_have_one_black_and_white_and_methods_see_them_so(tmp_path):
    array = brain("f4", (40, 30, 4)) * np.array([1, 2, 3, 4], np.float32)
    array[5, 5, 2] = np.nan
    pages = list(read_pages(file(tmp_path / "a.nii", array)))
    assert len({(page.scale, page.offset) for page in pages}) == 1
    assert 450 < (1 - pages[0].offset) / pages[0].scale < 560
    clean = [nonloc.denoise(page, sigma=10, method="wiener") for page in pages]
    write_pages(clean, tmp_path / "b.nii")
    np.testing.assert_array_equal(np.isnan(nibabel.load(tmp_path / "b.nii").get_fdata()), np.isnan(array))


def test_the_same_samples_give_the_same_packed_bytes(tmp_path):
    pages = list(read_pages(file(tmp_path / "a.nii.gz", brain())))
    for name in "bc":
        write_pages(pages, tmp_path / f"{name}.nii.gz")
    assert (tmp_path / "b.nii.gz").read_bytes() == (tmp_path / "c.nii.gz").read_bytes()
    assert (tmp_path / "b.nii.gz").read_bytes()[3:8] == bytes(5)  # neither a name nor a time


def test_a_packed_file_may_be_written_plain_and_the_other_way_round(tmp_path):
    path = file(tmp_path / "a.nii.gz", brain())
    write_pages(read_pages(path), tmp_path / "b.nii")
    write_pages(read_pages(tmp_path / "b.nii"), tmp_path / "c.nii.gz")
    assert plain(path) == plain(tmp_path / "b.nii") == plain(tmp_path / "c.nii.gz")


def test_the_ending_of_a_packed_file_is_taken_as_a_whole():
    assert [ending(name) for name in ("a.b.NII.GZ", "a.nii", "b.tar.gz", "c")] == [".NII.GZ", ".nii", ".gz", ""]


def test_colour_is_kept(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (7, 6, 2, 3), np.uint8)
    pages = [as_image(array[:, :, z].swapaxes(0, 1)) for z in range(2)]
    write_pages(pages, tmp_path / "a.nii")
    found = nibabel.load(tmp_path / "a.nii")
    assert found.shape == (7, 6, 2)
    assert [tuple(v) for v in np.asarray(found.dataobj)[3, 2]] == [tuple(v) for v in array[3, 2]]
    again = list(read_pages(tmp_path / "a.nii"))
    np.testing.assert_array_equal(again[1].samples, pages[1].samples)
    assert again[0].scale == 1 / 255


def test_pictures_from_elsewhere_get_a_plain_header(tmp_path):
    for kind in KINDS:
        array = brain(kind, (9, 8))
        write(as_image(array, data_range="auto"), tmp_path / f"{kind}.nii.gz")
        np.testing.assert_array_equal(nibabel.load(tmp_path / f"{kind}.nii.gz").dataobj, array.T)


def test_what_nifti_cannot_hold_is_refused(tmp_path):
    path = tmp_path / "b.nii"
    with pytest.raises(ImageError, match="3 channels of uint16"):
        write(as_image(np.zeros((4, 5, 3), np.uint16)), path)
    with pytest.raises(ImageError, match="alpha"):
        write(as_image(np.zeros((4, 5, 4), np.uint8)), path)
    pages = list(read_pages(file(tmp_path / "a.nii", brain())))
    with pytest.raises(ImageError, match="1 of the 3 slices"):
        write(single_page(pages[0]), path)
    with pytest.raises(ImageError, match="order"):
        write_pages(pages[::-1], path)
    with pytest.raises(ImageError, match="in space"):
        write_pages([page.with_samples(page.samples[:4]) for page in pages], path)
    assert not path.exists()


def test_damaged_and_foreign_files_are_image_errors(tmp_path):
    for end_of_name in (".nii", ".nii.gz"):
        data = file(tmp_path / f"a{end_of_name}", brain()).read_bytes()
        for end in range(44, len(data) - 1, max(1, len(data) // 30)):
            with pytest.raises(ImageError):
                list(read_pages(data[:end]))
        with pytest.raises(ImageError, match="limit is 50"):
            read(data, max_pixels=50)
    with pytest.raises(ImageError, match="no NIfTI"):
        read(gzip.compress(b"a letter to a friend" * 40))
    with pytest.raises(ImageError, match="gunzip"):
        read(gzip.compress(b"SIMPLE  =                    T".ljust(2880)))
    nibabel.save(nibabel.Nifti1Image(brain("c8"), AFFINE), tmp_path / "c.nii")
    with pytest.raises(ImageError, match="complex64"):
        read(tmp_path / "c.nii")
    nibabel.save(nibabel.Nifti1Pair(brain(), AFFINE), tmp_path / "pair.img")
    with pytest.raises(ImageError, match="another file"):
        read(tmp_path / "pair.hdr")


def test_without_nibabel_the_error_names_the_extra(tmp_path):
    path = file(tmp_path / "a.nii", brain())
    script = "import sys; sys.modules['nibabel'] = None\nfrom nonloc.image.read import read\n"
    script += f"try: read({str(path)!r})\nexcept Exception as e: print(type(e).__name__, e)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.startswith("ImageError"), done.stderr
    assert "nonloc[lab]" in done.stdout
