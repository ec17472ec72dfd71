"""The command line over folders, patterns, lists and streams."""

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from nonloc import read, testing
from nonloc.image.image import Image
from nonloc.image.read import read_pages
from nonloc.image.write import write, write_pages
from nonloc.interfaces.cli import main

FAST = ["--method", "gaussian", "--sigma", "20"]


def picture(seed=0, channels=3) -> Image:
    samples = testing.sample(40, 50, channels, sigma=20).samples
    samples = samples + np.random.default_rng(seed).normal(0, 0.02, samples.shape)
    return Image((np.clip(samples, 0, 1) * 65535).round().astype(np.uint16), scale=1 / 65535)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos/trip").mkdir(parents=True)
    write(picture(1), tmp_path / "photos/a.png")
    write(picture(2), tmp_path / "photos/b.tif")
    write(picture(3), tmp_path / "photos/trip/c.png")
    (tmp_path / "photos/notes.txt").write_text("no picture")
    return tmp_path


@pytest.fixture
def stream(monkeypatch):
    """Give stdin these bytes; returns what came out of stdout when the command has run."""

    def go(words, data=b""):
        class Binary(io.BytesIO):
            def isatty(self):
                return False

        given, taken = io.BytesIO(data), Binary()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given))
        out = io.TextIOWrapper(taken, write_through=True)
        monkeypatch.setattr(sys, "stdout", out)
        code = main(words)
        out.flush()
        return code, taken.getvalue()

    return go


def names(folder="."):
    return sorted(p.relative_to(folder).as_posix() for p in Path(folder).rglob("*") if p.is_file())


def test_a_folder_goes_into_a_folder_of_the_same_shape(photos, capsys):
    assert main(["denoise", "photos/", "-r", "-o", "clean/", *FAST]) == 0
    assert names("clean") == ["a.png", "b.tif", "nonloc-job.jsonl", "trip/c.png"]
    said = capsys.readouterr()
    assert "3 done" in said.out
    assert "notes.txt" in said.err
    assert "\033" not in said.err
    assert main(["denoise", "photos/", "-r", "-o", "clean/", *FAST]) == 0
    assert "3 done before" in capsys.readouterr().out


def test_without_r_sub_folders_are_left_out_and_named(photos, capsys):
    assert main(["denoise", "photos", "-o", "clean", *FAST]) == 0
    assert names("clean") == ["a.png", "b.tif", "nonloc-job.jsonl"]
    assert "1 sub-folder left out; -r" in capsys.readouterr().err


def test_the_output_folder_may_lie_among_the_inputs(photos):
    for _ in range(2):
        assert main(["denoise", ".", "-r", "-o", "clean/", *FAST]) == 0
    assert names("clean") == ["nonloc-job.jsonl", "photos/a.png", "photos/b.tif", "photos/trip/c.png"]


def test_patterns_and_a_template_with_the_plan(photos):
    words = ["denoise", "photos/*.tif", "photos/trip/*.png", "-o", "{dir}/{stem}_{method}_{sigma}{ext}", *FAST]
    assert main(words) == 0
    assert [n for n in names("photos") if "gaussian" in n] == ["b_gaussian_20.tif", "trip/c_gaussian_20.png"]


def test_one_file_may_have_a_template_and_no_manifest(photos):
    assert main(["denoise", "photos/a.png", "-o", "{stem}_{sigma}{ext}", *FAST]) == 0
    assert main(["denoise", "photos/b.tif", "-o", "new/", *FAST]) == 0
    assert main(["denoise", "photos/b.tif", "-o", "other.png", "--compare", "--report", *FAST]) == 0
    assert names() == [
        "a_20.png",
        "new/b.tif",
        "other-compared.png",
        "other.png",
        "other.png.json",
        *names_of_photos(),
    ]


def test_a_single_file_does_not_make_the_folder_of_a_misspelt_name(photos, capsys):
    assert main(["denoise", "photos/a.png", "-o", "phtos/new.png", *FAST]) == 3
    assert "no folder phtos" in capsys.readouterr().err
    assert not Path("phtos").exists()


def names_of_photos():
    return ["photos/a.png", "photos/b.tif", "photos/notes.txt", "photos/trip/c.png"]


def test_lists_from_a_file_and_with_nul(photos, stream):
    Path("list.txt").write_text("photos/a.png\nphotos/trip\n")
    assert main(["denoise", "@list.txt", "-o", "one", *FAST]) == 0
    assert names("one") == ["a.png", "c.png", "nonloc-job.jsonl"]
    code, _ = stream(["denoise", "--files0-from", "-", "-o", "two/", *FAST], b"photos/a.png\0photos/b.tif\0")
    assert code == 0
    assert names("two") == ["a.png", "b.tif", "nonloc-job.jsonl"]


def test_a_stream_gives_the_bytes_that_a_file_would(photos, stream, capsys):
    data = Path("photos/a.png").read_bytes()
    assert main(["denoise", "photos/a.png", "-o", "a.png", "-q", *FAST]) == 0
    expected = Path("a.png").read_bytes()
    assert stream(["denoise", "-", "-o", "-", *FAST], data) == (0, expected)
    assert stream(["denoise", "-", *FAST], data) == (0, expected)
    assert stream(["denoise", "photos/a.png", "-o", "-", "--json", *FAST]) == (0, expected)
    said = capsys.readouterr()
    assert said.out == ""
    assert "Gaussian smoothing" in said.err
    assert stream(["denoise", "-", "-o", "b.png", "-q", *FAST], data) == (0, b"")
    assert Path("b.png").read_bytes() == expected


def test_a_clean_picture_passes_the_stream_byte_for_byte(photos, stream):
    y, x = np.mgrid[:64, :96]
    clean = write(Image((np.stack([x, y, x + y], -1) % 256).astype(np.uint8) // 2, scale=1 / 255), "clean.png")
    assert stream(["restore", "-"], clean.read_bytes()) == (0, clean.read_bytes())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-", "photos/a.png"], 2, "among others"),
        (["photos/a.png", "photos/b.tif", "-o", "-"], 2, "several pictures"),
        (["-", "--report"], 2, "--report"),
        (["-"], 3, "standard input: it is empty"),
        (["photos/a.png", "--sigmaa", "3"], 2, "no such option"),
    ],
)
def test_streams_that_cannot_be_are_explained(photos, stream, capsys, words, code, said):
    assert stream(["denoise", *words, *FAST]) == (code, b"")
    assert said in capsys.readouterr().err


def test_json_is_one_object_and_jsonl_one_line_a_file(photos, capsys):
    Path("photos/bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    assert main(["denoise", "photos", "-o", "one", "--json", *FAST]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["done"], told["failed"], told["exit_code"]) == (2, 1, 1)
    assert [Path(file["input"]).name for file in told["files"]] == ["a.png", "b.tif", "bad.png"]
    assert main(["denoise", "photos", "-o", "two", "--jsonl", "--jobs", "2", *FAST]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(line["status"] for line in lines[:-1]) == ["done", "done", "failed"]
    assert lines[-1]["summary"]["exit_code"] == 1


def test_progress_is_a_line_for_each_tenth_where_there_is_no_terminal(photos, capsys):
    for i in range(40):
        write(picture(i, 1), f"photos/trip/{i:02}.png")
    assert main(["denoise", "photos/trip", "-o", "one", *FAST]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "%" in line]
    assert 5 <= len(lines) <= 10


def test_an_empty_folder_is_nothing_to_do_and_a_folder_of_bad_files_is_nothing_done(photos, capsys):
    Path("none").mkdir()
    assert main(["denoise", "none", "-o", "out", *FAST]) == 0
    assert "nothing to do" in capsys.readouterr().out
    Path("none/bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    assert main(["denoise", "none", "-o", "out", *FAST]) == 3


def test_a_dry_run_over_a_folder_writes_nothing_and_names_the_outputs(photos, capsys):
    before = names()
    assert main(["denoise", "photos", "-r", "-o", "clean/{stem}_{sigma}{ext}", "--dry-run", *FAST]) == 0
    assert names() == before
    out = capsys.readouterr().out
    assert "clean/c_20.png" in out
    assert "3 to do" in out


def test_all_pages_of_a_tiff_are_restored_and_a_clean_one_is_copied(photos):
    pages = [picture(i, 1) for i in range(3)]
    write_pages(pages, "pages.tif")
    assert main(["denoise", "pages.tif", "-o", "out.tif", *FAST]) == 0
    back = list(read_pages("out.tif"))
    assert [page.metadata.tags["page"] for page in back] == [0, 1, 2]
    for page, before in zip(back, pages, strict=True):
        assert page.samples.std() < before.samples.std()
    assert main(["denoise", "pages.tif", "-o", "same.tif", "--strength", "0"]) == 0
    assert Path("same.tif").read_bytes() == Path("pages.tif").read_bytes()


def test_the_python_call_of_a_job_gives_the_same_files(photos):
    from nonloc.jobs import Task, run_job

    summary = run_job(["photos"], Task("denoise", "denoised", {"method": "gaussian", "sigma": "20"}), output="one/")
    assert summary.code == 0
    assert main(["denoise", "photos", "-o", "two/", *FAST]) == 0
    for name in ("a.png", "b.tif"):
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes()
        assert read(Path("one", name)).samples.dtype == np.uint16


def test_a_file_that_cannot_be_read_is_one_failure(photos):
    if os.geteuid() == 0:
        os.symlink("nowhere", "photos/gone.png")  # root reads everything; a dangling link nobody can
        assert main(["denoise", "photos", "-o", "one", *FAST]) == 0
    else:
        Path("photos/a.png").chmod(0)
        assert main(["denoise", "photos", "-o", "one", *FAST]) == 1
    assert "b.tif" in names("one")
