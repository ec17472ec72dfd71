"""Every output tells how it was made; `verify` makes it anew, and sees what was changed."""

import io
import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Pillow

import nonloc
from nonloc.errors import UsageError
from nonloc.image import provenance
from nonloc.image.array import as_image
from nonloc.image.read import read, read_pages
from nonloc.image.write import encode, write, write_pages
from nonloc.interfaces.cli import main

RDF = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">%s</rdf:RDF></x:xmpmeta>'
AUTHOR = (
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>Ann &amp; Bob</dc:creator>'
    b"</rdf:Description>"
)


def noisy(dtype=np.uint8, channels=1, seed=0):
    y, x = np.mgrid[:40, :48] / 48
    clean = np.stack([0.3 + 0.4 * y, 0.8 - 0.5 * x, 0.5 + 0.2 * np.sin(9 * x)][:channels], -1).squeeze()
    values = clean + np.random.default_rng(seed).normal(0, 20 / 255, clean.shape)
    if np.dtype(dtype).kind == "f":
        return values.astype(dtype)
    return np.clip(np.rint(values * np.iinfo(dtype).max), 0, np.iinfo(dtype).max).astype(dtype)


def ordinary(path, dtype=np.uint8, channels=3, pages=1, **options):
    images = [as_image(noisy(dtype, channels, seed)) for seed in range(pages)]
    return write(images[0], path, **options) if pages == 1 else write_pages(images, path)


def fits(path):
    library = pytest.importorskip("astropy.io.fits")
    cube = np.stack([noisy(np.float32, seed=seed) for seed in range(3)])
    cube[1, 5, 5] = np.nan
    library.PrimaryHDU(cube, library.Header({"OBJECT": "M 31"})).writeto(path)


def nifti(path):
    library = pytest.importorskip("nibabel")
    volume = library.Nifti1Image(
        np.stack([noisy(np.int16, seed=s).T // 40 for s in range(3)], -1), np.diag([2, 2, 3, 1])
    )
    volume.header.extensions.append(library.nifti1.Nifti1Extension("comment", b"kept as it is"))
    library.save(volume, path)


def dicom(path):
    from test_dicom import file

    file(path, np.stack([noisy(np.uint8, seed=s) for s in range(2)]).astype(np.int16) * 8)


FILES = {
    "gray.png": lambda p: ordinary(p, channels=1),
    "deep.png": lambda p: ordinary(p, np.uint16),
    "colour.jpg": lambda p: ordinary(p, quality=90),
    "colour.webp": ordinary,
    "colour.avif": ordinary,
    "deep.tif": lambda p: ordinary(p, np.uint16),
    "float.tif": lambda p: ordinary(p, np.float32, 1),
    "pages.tif": lambda p: ordinary(p, np.uint16, 1, 3),
    "cube.fits": fits,
    "brain.nii": nifti,
    "brain.nii.gz": nifti,
    "thorax.dcm": dicom,
}


@pytest.mark.parametrize("name", FILES)
def test_a_restored_file_tells_how_it_was_made_and_comes_out_the_same_again(name, tmp_path, capsys):
    source, out = tmp_path / name, tmp_path / f"out-{name}"
    FILES[name](source)
    assert (
        main(["denoise", str(source), "--sigma", "20", "-m", "gaussian", "--memory", "1G", "-o", str(out), "-q"]) == 0
    )
    found = nonloc.verify(out, source)
    assert found.holds
    assert found.origin
    assert found.same_bytes
    assert not found.notes
    (step,) = found.steps
    assert step["settings"] == {"method": "gaussian", "sigma": 20}
    assert step["options"] == {"memory": 2**30}
    assert (step["nonloc"], step["verb"], step["degradation"]) == (nonloc.__version__, "denoise", "gaussian:20")
    assert main(["verify", str(out), str(source)]) == 0
    assert "made anew, the file is the same, byte for byte" in capsys.readouterr().out


@pytest.mark.parametrize("name", FILES)
def test_one_switch_leaves_it_out(name, tmp_path):
    source, out = tmp_path / name, tmp_path / f"out-{name}"
    FILES[name](source)
    command = ["denoise", str(source), "--sigma", "20", "-m", "gaussian", "--no-provenance", "-o", str(out), "-q"]
    assert main(command) == 0
    assert nonloc.verify(out, source).steps == ()
    assert b"nonloc>" not in out.read_bytes()
    assert b"urn:nonloc" not in out.read_bytes()
    assert main(["verify", str(out), str(source)]) == 1


def test_readers_of_other_makes_open_what_was_marked(tmp_path):
    for name in ("cube.fits", "brain.nii", "thorax.dcm"):
        FILES[name](tmp_path / name)
        assert (
            main(
                ["denoise", str(tmp_path / name), "--sigma", "20", "-m", "gaussian", "-o", f"{tmp_path}/o-{name}", "-q"]
            )
            == 0
        )
    import astropy.io.fits
    import nibabel
    import pydicom

    with astropy.io.fits.open(tmp_path / "o-cube.fits") as hdus:
        hdus.verify("exception")
        assert "".join(str(line) for line in hdus[0].header["HISTORY"]).count('"verb":"denoise"') == 1
        assert np.isnan(hdus[0].data[1, 5, 5])
        assert hdus[0].header["OBJECT"] == "M 31"
    old, new = nibabel.load(tmp_path / "brain.nii"), nibabel.load(tmp_path / "o-brain.nii")
    assert next(e.get_content() for e in new.header.extensions) == b"kept as it is"
    assert len(new.header.extensions) == 2
    assert np.array_equal(new.affine, old.affine)
    assert [page.samples.tolist() for page in read_pages(tmp_path / "o-brain.nii")] == np.moveaxis(
        np.asarray(new.dataobj), -1, 0
    ).swapaxes(1, 2).tolist()
    cards = pydicom.dcmread(tmp_path / "o-thorax.dcm")
    assert "denoise gaussian gaussian:20" in cards.DerivationDescription
    assert "not for diagnosis, not evidence" in cards.DerivationDescription


def test_a_change_after_the_fact_is_seen(tmp_path, capsys):
    source, out = tmp_path / "in.tif", tmp_path / "out.tif"
    ordinary(source, np.uint16)
    write(nonloc.denoise(source, sigma=20, method="median"), out)
    assert nonloc.verify(out).intact
    assert nonloc.verify(out, source).same_bytes
    picture = read(out)
    forged = np.array(picture.samples)
    forged[3, 4, 0] ^= 1
    write(picture.with_samples(forged), out, overwrite=True)
    found = nonloc.verify(out, source)
    assert (found.intact, found.origin, found.same_samples, found.largest, found.holds) == (
        False,
        True,
        False,
        1,
        False,
    )
    assert main(["verify", str(out), str(source), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["largest"] == 1
    write(as_image(noisy(np.uint16, 3, 5)), tmp_path / "other.tif")
    assert nonloc.verify(out, tmp_path / "other.tif").origin is False


def test_python_and_the_command_line_give_the_same_bytes(tmp_path):
    source = tmp_path / "in.png"
    ordinary(source)
    write(nonloc.denoise(source, sigma=20, method="nl-means"), tmp_path / "python.png")
    assert (
        main(["denoise", str(source), "--sigma", "20.0", "-m", "nl-means", "-o", str(tmp_path / "cli.png"), "-q"]) == 0
    )
    assert (tmp_path / "python.png").read_bytes() == (tmp_path / "cli.png").read_bytes()
    write(nonloc.denoise(source, sigma=20, method="nl-means"), tmp_path / "bare.png", provenance=False)
    assert nonloc.verify(tmp_path / "bare.png").steps == ()


def test_what_xmp_told_before_is_kept_and_steps_are_added_to_steps(tmp_path):
    picture = as_image(noisy(channels=3))
    picture = replace(picture, metadata=replace(picture.metadata, xmp=RDF % AUTHOR))
    for ending in ("png", "jpg", "tif", "webp", "avif"):
        paths = [tmp_path / f"{i}.{ending}" for i in range(3)]
        write(picture, paths[0])
        for before, after in itertools.pairwise(paths):
            write(nonloc.denoise(before, sigma=10, method="gaussian"), after)
        found = nonloc.verify(paths[2], paths[1])
        assert len(found.steps) == 2
        assert found.same_bytes
        xmp = read(paths[2]).metadata.xmp
        assert AUTHOR in xmp
        assert xmp.count(b"urn:nonloc:provenance") == 1
        if ending != "avif":
            Pillow.open(io.BytesIO(paths[2].read_bytes())).load()


def test_nothing_done_tells_nothing(tmp_path):
    source, out = tmp_path / "in.png", tmp_path / "out.png"
    write(as_image(np.full((30, 30), 90, np.uint8)), source)
    assert main(["denoise", str(source), "-o", str(out), "-q"]) == 0
    assert out.read_bytes() == source.read_bytes()
    write(
        nonloc.denoise(source, sigma=20, method="gaussian"), tmp_path / "flat.png"
    )  # a method ran, and changed nothing
    assert nonloc.verify(tmp_path / "flat.png").steps == ()


def test_files_that_were_used_are_found_again_or_named(tmp_path):
    source, out, mask = tmp_path / "in.png", tmp_path / "out.png", tmp_path / "mask.png"
    ordinary(source)
    hole = np.zeros((40, 48), np.uint8)
    hole[10:14, 20:24] = 255
    write(as_image(hole), mask)
    assert main(["repair", str(source), "--mask", str(mask), "-o", str(out), "-q"]) == 0
    assert nonloc.verify(out, source).same_bytes
    mask.write_bytes(encode(as_image(255 - hole), "png"))
    with pytest.raises(UsageError, match=r"mask mask\.png that was used is not there, or is another one"):
        nonloc.verify(out, source)
    write(nonloc.repair(source, mask=hole > 0), out, overwrite=True)
    with pytest.raises(UsageError, match="its mask was an array in memory"):
        nonloc.verify(out, source)


def test_xmp_that_is_no_rdf_or_leaves_no_room_stays_as_it_is():
    step = (provenance.as_text({"nonloc": "0"}),)
    assert provenance.with_xmp(b"<x:xmpmeta/>", step) is None
    assert provenance.with_xmp(RDF % (b" " * provenance.MOST), step) is None
    assert provenance.in_xmp(provenance.with_xmp(None, ('{"nonloc":"<&>"}',))) == ('{"nonloc":"<&>"}',)
    assert provenance.steps(as_image(noisy())) == ()
