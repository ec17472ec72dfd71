"""Named sets found in a folder: all of them, or an error that says what to do."""

import csv
import hashlib

import numpy as np
import pytest
from PIL import Image

from nonloc.datasets import dataset, fingerprint, load, names, verify
from nonloc.errors import DataMissing, ImageError, UsageError


@pytest.fixture
def root(tmp_path):
    """A data folder with small pictures in the places of set5, polyu40, photos and open."""
    rng = np.random.default_rng(0)

    def write(path, shape=(4, 6, 3)):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(path)

    for i in range(5):
        write(tmp_path / f"test/set5/{i}_GT.png")
    for i in range(40):
        for kind in ("mean", "real"):
            write(tmp_path / f"test/polyu40/shot{i:02}_{kind}.JPG")
    for name, licences in (
        ("photos", ["CC0-1.0"] * 60 + ["Unsplash licence"] * 70 + ["public domain (CC0), as the source states"] * 2),
        ("open", ["CC-BY-4.0"] * 172),
    ):
        files = [f"{name}{i:03}.jpg" for i in range(len(licences))]
        if name == "photos":
            files[-2:] = dataset("photos").not_open
        for file in files:
            write(tmp_path / "train" / name / file, (4, 6))
        with (tmp_path / f"train/{name}.csv").open("w", newline="") as table:
            csv.writer(table).writerows([("file", "licence"), *zip(files, licences, strict=True)])
    return tmp_path


def test_pictures_come_sorted_and_by_name(root):
    pictures = load("set5", root=root)
    assert [picture.name for picture in pictures] == [f"{i}_GT" for i in range(5)]
    assert pictures[0].licence == "unstated"


def test_pixels_come_as_the_file_has_them_or_as_gray_or_colour(root):
    colour, gray = load("set5", root=root)[0], load("open", root=root)[0]
    assert colour.pixels8().shape == (4, 6, 3)
    assert colour.pixels8("gray").shape == (4, 6)
    assert gray.pixels8().shape == (4, 6)
    np.testing.assert_array_equal(gray.pixels8("rgb")[..., 1], gray.pixels8())


def test_real_pairs_are_clean_and_noisy(root):
    pictures = load("polyu40", root=root)
    assert len(pictures) == 40
    assert {(p.path.name, p.noisy.name) for p in pictures} == {
        (f"shot{i:02}_mean.JPG", f"shot{i:02}_real.JPG") for i in range(40)
    }
    assert not np.array_equal(pictures[0].pixels8(), pictures[0].noisy8())


def test_every_fourth_pair_is_for_tuning_and_the_rest_for_the_score(root):
    tune, score = load("polyu40", part="tune", root=root), load("polyu40", part="score", root=root)
    assert [p.name for p in tune] == [f"shot{i:02}" for i in range(3, 40, 4)]
    assert {p.name for p in tune} | {p.name for p in score} == {p.name for p in load("polyu40", root=root)}
    assert len(score) == 30


def test_open_pictures_are_those_whose_licence_allows_any_use(root):
    assert len(load("photos", root=root)) == 132
    assert len(load("photos", licence="open", root=root)) == 60
    assert len(load("train-open", root=root)) == 172 + 60


def test_open_pictures_of_a_research_set_are_refused(root):
    with pytest.raises(UsageError, match="non-commercial"):
        load("polyu40", licence="open", root=root)


def test_missing_pictures_are_counted(root):
    (root / "test/set5/3_GT.png").unlink()
    with pytest.raises(DataMissing, match="4 of 5"):
        load("set5", root=root)


def test_without_a_data_folder_the_error_names_the_variable(monkeypatch):
    monkeypatch.delenv("NONLOC_DATA", raising=False)
    with pytest.raises(DataMissing, match="NONLOC_DATA"):
        load("bsd68")


def test_an_unknown_set_names_the_nearest():
    with pytest.raises(UsageError, match="'bsd68'"):
        load("BSD86")


def test_a_changed_picture_is_found(root):
    files = sorted((root / "test/set5").iterdir())
    lines = [f"{hashlib.sha256(f.read_bytes()).hexdigest()}  test/set5/{f.name}\n" for f in files]
    (root / "SHA256SUMS").write_text("".join(lines))
    with pytest.raises(ImageError, match="not the known one"):  # not the five pictures of the literature
        verify("set5", root=root)
    assert fingerprint("set5", root=root) == hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.mark.data
@pytest.mark.parametrize("name", names())
def test_every_set_is_there_and_its_list_of_checksums_is_the_known_one(name, data_root):
    assert len(load(name, root=data_root)) == dataset(name).count
    assert fingerprint(name, root=data_root) == dataset(name).fingerprint


@pytest.mark.data
def test_the_bytes_of_a_set_are_verified_file_by_file(data_root, tmp_path):
    assert verify("set12", root=data_root) == 12
    (tmp_path / "test").mkdir()
    (tmp_path / "SHA256SUMS").write_bytes((data_root / "SHA256SUMS").read_bytes())
    folder = tmp_path / "test/set12"
    folder.mkdir()
    for file in (data_root / "test/set12").iterdir():
        (folder / file.name).write_bytes(file.read_bytes() + (b"\0" if file.name == "04.png" else b""))
    with pytest.raises(ImageError, match=r"1 files differ.*04\.png"):
        load("set12", verify=True, root=tmp_path)


@pytest.mark.data
def test_67_tiles_of_photos_are_open(data_root):
    assert len(load("photos", licence="open", root=data_root)) == 67


@pytest.mark.data
def test_gray_bsd68_is_rgb2gray_of_the_colour_set(data_root):
    pairs = list(zip(load("bsd68", root=data_root), load("cbsd68", root=data_root), strict=True))[::4]
    assert all(np.array_equal(gray.pixels8(), colour.pixels8("gray")) for gray, colour in pairs)
