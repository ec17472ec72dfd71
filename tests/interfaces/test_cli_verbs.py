"""upscale, deblur and repair as a user types them, on real files."""

import json
import os

import numpy as np
import pytest
from PIL import Image as Pil

from nonloc import read, testing
from nonloc.degradation import MotionBlur
from nonloc.image.image import Image
from nonloc.image.write import write
from nonloc.interfaces.cli import main


def picture8(samples) -> Image:
    return Image((np.clip(samples, 0, 1) * 255).round().astype(np.uint8), scale=1 / 255)


@pytest.fixture
def clean(tmp_path):
    return write(picture8(testing.sample(64, 80, 3, sigma=0).samples), tmp_path / "in.png")


def test_a_folder_is_enlarged_and_a_second_run_has_nothing_to_do(tmp_path, capsys):
    folder, out = tmp_path / "small", tmp_path / "large"
    folder.mkdir()
    for i in range(3):
        write(picture8(testing.sample(20 + i, 30, 3, sigma=0, seed=i).samples), folder / f"{i}.png")
    command = ["upscale", str(folder), "-o", str(out), "--factor", "1.5", "-m", "bicubic"]
    assert main(command) == 0
    assert sorted(read(p).samples.shape for p in out.glob("*.png")) == [(30, 45, 3), (32, 45, 3), (33, 45, 3)]
    capsys.readouterr()
    assert main(command) == 0
    assert "3 done before" in capsys.readouterr().out
    assert main([*command[:-4], "--factor", "2", "-m", "bicubic"]) != 0  # another job in the same folder is told


def test_a_dry_run_tells_the_memory_of_the_large_picture(clean, capsys):
    told = []
    for factor in ("2", "8"):
        assert main(["upscale", str(clean), "-x", factor, "-m", "bicubic", "--dry-run", "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    small, large = (one["would_do"][0] if "would_do" in one else one for one in told)
    assert large["peak"] > small["peak"] + 64 * 80 * 3 * (64 - 4)
    assert large["factor"] == 8


def test_a_shaken_picture_is_sharpened_with_a_kernel_in_words_or_in_a_file(clean, tmp_path, capsys):
    blurred = MotionBlur(7, 0).apply(read(clean).pixels())
    shaken = write(picture8(np.moveaxis(blurred, 0, -1)), tmp_path / "shaken.png")
    np.save(tmp_path / "k.npy", MotionBlur(7, 0).kernel)
    results = []
    for kernel, name in (("motion:7", "a.png"), (str(tmp_path / "k.npy"), "b.png")):
        out = tmp_path / name
        assert main(["deblur", str(shaken), "-k", kernel, "-m", "tv-deconvolution", "-o", str(out)]) == 0
        results.append(read(out).samples)
    assert np.array_equal(*results)
    truth = read(clean).samples.astype(float)
    before, after = (np.square(s - truth).mean() for s in (read(shaken).samples, results[0]))
    assert after < before / 2
    assert main(["deblur", str(shaken), "-k", "shaky"]) == 2
    assert "motion:15,30" in capsys.readouterr().err


def test_a_scan_is_repaired_by_a_mask_and_the_report_says_how_much(clean, tmp_path, capsys):
    broken = read(clean).samples.copy()
    broken[20:23, 10:70] = 255
    scan = write(picture8(broken / 255), tmp_path / "scan.png")
    mask = np.zeros(broken.shape[:2], np.uint8)
    mask[20:23, 10:70] = 255
    Pil.fromarray(mask).save(tmp_path / "mask.png")
    out = tmp_path / "whole.png"
    assert main(["repair", str(scan), "--mask", str(tmp_path / "mask.png"), "-o", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["method"] == "inpaint"
    assert np.array_equal(read(out).samples[mask == 0], broken[mask == 0])
    assert main(["repair", str(scan), "-d", "scratches", "-m", "bm3d", "-o", str(tmp_path / "x.png")]) == 2
    assert main(["repair", str(scan)]) == 2
    assert "impulses" in capsys.readouterr().err


def test_threads_sleep_while_they_wait(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert main(["--version"]) == 0
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert main(["--version"]) == 0
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
