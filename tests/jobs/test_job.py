"""A job in this process: what is done, what is left, what is refused."""

import json
import os
import shlex
import shutil
import signal
import subprocess
from multiprocessing import active_children

import numpy as np
import pytest
from job_files import COMMAND, ENVIRONMENT, FAST, fill, hidden, picture, same, visible

from nonloc import read
from nonloc.errors import UsageError
from nonloc.image.read import read_pages
from nonloc.image.write import write, write_pages
from nonloc.interfaces.cli import main
from nonloc.jobs import Listener, Task, run_job


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def counts(summary):
    return summary.count("done"), summary.count("done before"), summary.count("failed")


def job(*words, task=FAST, output="out/", **options):
    return run_job(words, task, output=output, recursive=True, **options)


def test_a_second_run_finds_all_done(here):
    fill(here / "in", "a.png", "x/b.tif", "x/c.jpg")
    assert counts(job("in")) == (3, 0, 0)
    before = same(here / "out")
    assert list(before) == ["a.png", "x/b.tif", "x/c.jpg"]
    again = job("in")
    assert counts(again) == (0, 3, 0)
    assert again.code == 0
    assert same(here / "out") == before
    assert hidden(here / "out") == []


def test_a_job_goes_on_from_another_folder_and_after_a_move(here, monkeypatch):
    fill(here / "archive/in", "a.png", "b.png")
    job("archive/in", output="archive/out/")
    os.rename(here / "archive", here / "moved")
    monkeypatch.chdir(here / "moved/in")
    assert counts(job(".", output="../out")) == (0, 2, 0)


def test_new_and_changed_inputs_are_done_and_the_others_left(here):
    a, b = fill(here / "in", "a.png", "b.png")
    job("in")
    before = same(here / "out")
    write(picture(seed=7), a, overwrite=True)
    fill(here / "in/later", "c.png")
    assert counts(job("in")) == (2, 1, 0)
    after = same(here / "out")
    assert after["b.png"] == before["b.png"]
    assert after["a.png"] != before["a.png"]
    os.utime(b, (1, 1))  # touched, and yet the same
    assert counts(job("in")) == (0, 3, 0)


def test_an_input_changed_in_place_with_its_old_time_is_seen(here):
    (a,) = fill(here / "in", "a.tif")
    job("in")
    times = a.stat().st_atime_ns, a.stat().st_mtime_ns
    data = bytearray(a.read_bytes())
    data[-1] ^= 1
    a.write_bytes(data)
    os.utime(a, ns=times)
    assert counts(job("in"))[:2] != (0, 1)


def test_an_output_that_is_missing_is_done_again_and_one_that_was_changed_is_kept(here):
    fill(here / "in", "a.png", "b.png")
    job("in")
    (here / "out/a.png").unlink()
    shutil.copy(here / "in/b.png", here / "out/b.png")
    mine = (here / "out/b.png").read_bytes()
    summary = job("in")
    assert counts(summary) == (1, 0, 1)
    assert summary.code == 1
    assert "changed since" in summary.files[0].error
    assert (here / "out/b.png").read_bytes() == mine
    assert counts(job("in", overwrite=True)) == (2, 0, 0)
    assert (here / "out/b.png").read_bytes() != mine


def test_what_others_wrote_is_not_replaced(here):
    fill(here / "in", "a.png", "b.png")
    fill(here / "out", "a.png")
    mine = visible(here / "out")
    for options in ({}, {"resume": False}):
        assert "exists" in next(file.error for file in job("in", **options).files if file.error)
        assert visible(here / "out")["a.png"] == mine["a.png"]


def test_other_options_on_the_same_outputs_are_refused_and_explained(here):
    fill(here / "in", "a.png", "b.png")
    job("in")
    before = same(here / "out")
    other = Task("denoise", "denoised", {"method": "gaussian", "sigma": "30"})
    with pytest.raises(UsageError, match="sigma was 20, is 30") as raised:
        job("in", task=other)
    assert "--overwrite" in str(raised.value)
    assert same(here / "out") == before
    assert counts(job("in", task=other, overwrite=True)) == (2, 0, 0)
    assert counts(job("in", task=other)) == (0, 2, 0)


def test_no_resume_and_overwrite_do_all_again(here):
    fill(here / "in", "a.png")
    job("in")
    for options in ({"resume": False}, {"overwrite": True}):
        before = same(here / "out")
        assert counts(job("in", **options)) == (1, 0, 0)
        assert same(here / "out") != before


def test_two_inputs_for_one_output_are_refused_before_any_work(here):
    fill(here, "x/a.png", "y/a.png")
    with pytest.raises(UsageError, match=r"x/a\.png and y/a\.png"):
        job("x/a.png", "y/a.png")
    with pytest.raises(UsageError, match="both"):
        job("x/a.png", "y/a.png", output="out/{method}_{sigma}{ext}")
    assert not (here / "out").exists()


def test_no_input_is_ever_written_over(here):
    fill(here / "in", "a.png", "b.png")
    before = visible(here / "in")
    for output in ("in/", "{dir}/{stem}{ext}"):
        with pytest.raises(UsageError, match="input itself"):
            job("in", output=output, overwrite=True)
    with pytest.raises(UsageError, match="input"):
        job("in/a.png", "in/b.png", output="in/{stem}.png", overwrite=True)
    assert visible(here / "in") == before


def test_results_beside_their_inputs_are_no_inputs(here):
    fill(here / "in", "a.png", "b.png")
    assert counts(job("in", output=None)) == (2, 0, 0)
    again = job("in", output=None)
    assert counts(again) == (0, 2, 0)
    assert again.results == 2
    assert sorted(visible(here / "in")) == ["a-denoised.png", "a.png", "b-denoised.png", "b.png"]
    assert counts(job(*sorted(map(str, (here / "in").glob("*.png"))), output=None)) == (0, 2, 0)


def test_names_with_the_plan_in_them_are_found_again(here):
    fill(here / "in", "a.png", "x/b.png")
    template = "out/{dir}/{stem}_{method}_{sigma}{ext}"
    assert counts(job("in", output=template)) == (2, 0, 0)
    assert list(visible(here / "out")) == ["in/a_gaussian_20.png", "in/x/b_gaussian_20.png"]
    assert counts(job("in", output=template)) == (0, 2, 0)
    other = Task("denoise", "denoised", {"method": "gaussian", "sigma": "30"})
    assert counts(job("in", output=template, task=other)) == (2, 0, 0)
    assert "in/a_gaussian_30.png" in visible(here / "out")
    assert hidden(here / "out") == []


def test_one_bad_file_does_not_stop_the_others_and_is_tried_again(here):
    b = fill(here / "in", "a.png", "b.png", "c.png")[1]
    whole = b.read_bytes()
    b.write_bytes(whole[: len(whole) // 2])
    for jobs in (1, 2):
        summary = job("in", jobs=jobs)
        assert summary.count("failed") == 1
        assert summary.code == 1
        assert "in/b.png" in next(file.error for file in summary.files if file.error)
        assert list(visible(here / "out")) == ["a.png", "c.png"]
    b.write_bytes(whole)
    assert counts(job("in")) == (1, 2, 0)


@pytest.mark.slow
def test_several_workers_give_the_same_files_as_one(here):
    fill(here / "in", *(f"{i}.png" for i in range(6)), channels=3)
    job("in", output="one/")
    job("in", output="three/", jobs=3)
    assert visible(here / "one") == visible(here / "three")


@pytest.mark.slow
def test_a_worker_that_dies_costs_its_file_and_is_replaced(here):
    fill(here / "in", "0.tif", "1.tif", height=1500, width=1500)
    fill(here / "in", *(f"{i}.png" for i in range(2, 6)))

    class Killer(Listener):
        done = False

        def works(self, number, done):
            if not self.done:
                self.done = True
                for worker in active_children():
                    os.kill(worker.pid, signal.SIGKILL)

    summary = job("in", jobs=2, listener=Killer())
    lost = [file for file in summary.files if file.error]
    assert 1 <= len(lost) <= 2
    for file in lost:
        assert f"{file.input}: " in file.error
        assert "ended by signal 9, most likely because memory ran out" in file.error
    assert counts(summary) == (6 - len(lost), 0, len(lost))
    assert hidden(here / "out") == []
    assert counts(job("in", jobs=2)) == (len(lost), 6 - len(lost), 0)


def test_leftovers_of_this_job_are_removed_and_nothing_else(here):
    fill(here / "in", "a.png")
    out = here / "out"
    (out / ".a.png.0123456789ab.part").mkdir(parents=True)
    (out / ".a.png.0123456789ab.part/picture.png").write_bytes(b"half")
    (out / ".a.png.ba9876543210.part").write_bytes(b"half")
    others = [".z.png.0123456789ab.part", ".a.png.part", ".a.png.0123.part", "a.png.0123456789ab.part"]
    for name in others:
        (out / name).write_bytes(b"mine")
    job("in")
    assert sorted(os.listdir(out)) == sorted([*others, "a.png", "nonloc-job.jsonl"])


def test_reports_and_pictures_of_before_and_after_lie_beside_the_output(here):
    fill(here / "in", "a.png", channels=3)
    job("in")
    both = Task("denoise", "denoised", FAST.settings, report=True, compare=True)
    assert counts(job("in", task=both)) == (1, 0, 0)  # asked for, and missing so far
    assert list(visible(here / "out")) == ["a-compared.png", "a.png", "a.png.json"]
    assert json.loads((here / "out/a.png.json").read_text())["output"] == "out/a.png"
    assert read("out/a-compared.png").channels == 3
    assert counts(job("in", task=both)) == (0, 1, 0)
    assert counts(job("in")) == (0, 1, 0)


def test_a_full_manifest_disk_stops_the_job_with_one_clear_error(here):
    fill(here / "in", "a.png", "b.png")
    for jobs in (1, 2):
        summary = job("in", manifest="/dev/full", jobs=jobs)
        assert "No space left" in summary.stopped
        assert "same command again" in summary.stopped
        assert (summary.code, summary.unfinished) == (3, 2)
        assert visible(here / "out") == {}
        assert hidden(here) == []
    assert counts(job("in", manifest="/dev/null")) == (2, 0, 0)


FULL = """
set -e
mkdir out
mount -t tmpfs -o size=400k tmpfs out || exit 77
set +e
{command} denoise in -o out -m gaussian --sigma 20 -j {jobs} --json > first.json; echo $? > first.code
ls -A out > first.ls
mount -o remount,size=10m out
{command} denoise in -o out -m gaussian --sigma 20 --json > second.json
cp -r out copied
"""


@pytest.mark.slow
def test_a_full_disk_stops_the_job_and_what_is_finished_stays(here):
    fill(here / "in", *(f"{i}.tif" for i in range(5)), height=240, width=320)  # 77 kB each, and 400 kB of room
    fill(here / "in", *(f"{i}x.tif" for i in range(5)), height=240, width=320)
    words = ["unshare", "-Urm", "bash", "-c", FULL.format(command=shlex.join(COMMAND), jobs=2)]
    done = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    if not (here / "first.code").exists():
        pytest.skip(f"no small disk can be mounted here: {done.stderr}")
    first, second = (json.loads((here / f"{name}.json").read_text()) for name in ("first", "second"))
    assert (here / "first.code").read_text().strip() == "1"
    assert "No space left" in first["stopped"]
    assert done.stderr.count("No space left") == 1
    assert 1 <= first["done"] < 10
    assert len((here / "first.ls").read_text().split()) == first["done"] + 1  # and the manifest; nothing hidden
    assert (second["done_before"], second["done"]) == (first["done"], 10 - first["done"])
    job("in", output="whole/")
    assert visible(here / "copied") == visible(here / "whole")


def test_pages_are_restored_one_by_one_and_stay_pages(here):
    (here / "in").mkdir()
    pages = [picture(seed=i, bits=16) for i in range(3)]
    write_pages(pages, here / "in/pages.tif")
    assert counts(job("in", jobs=1)) == (1, 0, 0)
    back = list(read_pages("out/pages.tif"))
    assert len(back) == 3
    for page, before in zip(back, pages, strict=True):
        assert page.dtype == np.uint16
        assert page.samples.std() < before.samples.std()
    write(pages[1], here / "single.tif")
    job("single.tif", output="out/{stem}{ext}")
    np.testing.assert_array_equal(read("out/single.tif").samples, back[1].samples)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--method", "gausian"], "'gaussian'"),
        (["--sigma", "loud"], "auto, 25"),
        (["-o", "{nam}{ext}"], "{stem}"),
        (["-o", "one.png"], "several inputs"),
        (["--jobs", "0"], "1 or more"),
        (["--json", "--jsonl"], "exclude"),
        (["--files0-from", "no-list"], "no-list"),
    ],
)
def test_the_command_tells_what_is_wrong_before_any_work(here, words, said, capsys):
    fill(here / "in", "a.png", "b.png")
    assert main(["denoise", "in", *words]) == 2
    assert said in capsys.readouterr().err
    assert sorted(visible(here)) == ["in/a.png", "in/b.png"]
