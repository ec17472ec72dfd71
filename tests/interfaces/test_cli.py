"""The command line as a user types it, on real files."""

import json
import subprocess
import sys

import numpy as np
import pytest

from nonloc import read, testing
from nonloc.degradation import GaussianNoise, PoissonGaussian
from nonloc.image.image import Image
from nonloc.image.write import write
from nonloc.interfaces.cli import main
from nonloc.interfaces.cli.options import read_arguments, read_size, read_tile


def picture8(height=60, width=80, channels=3, sigma=25) -> Image:
    samples = testing.sample(height, width, channels, sigma).samples
    return Image((np.clip(samples, 0, 1) * 255).round().astype(np.uint8), scale=1 / 255)


@pytest.fixture
def noisy(tmp_path):
    return write(picture8(), tmp_path / "in.png")


def test_a_picture_is_denoised_into_a_file_beside_it(noisy, capsys):
    assert main(["denoise", str(noisy), "--method", "nl-means"]) == 0
    out = noisy.with_name("in-denoised.png")
    clean = testing.sample(60, 80, 3, sigma=0).samples * 255
    before, after = (np.square(read(p).samples - clean).mean() for p in (noisy, out))
    assert after < before / 2
    said = capsys.readouterr().out
    assert "Non-local means" in said
    assert str(out) in said


def test_json_says_what_was_done(noisy, capsys):
    out = noisy.with_name("out.png")
    assert main(["denoise", str(noisy), "-o", str(out), "--method", "gaussian", "--sigma", "20", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["method"] == "gaussian"
    assert told["degradation"] == "gaussian:20"
    assert told["output"] == str(out)
    assert told["size"] == [60, 80, 3]


def test_a_report_is_written_beside_the_picture(noisy):
    assert main(["denoise", str(noisy), "--method", "gaussian", "--report", "-q"]) == 0
    assert json.loads(noisy.with_name("in-denoised.png.json").read_text())["method"] == "gaussian"


def test_a_dry_run_writes_nothing_and_tells_the_memory(noisy, capsys):
    assert main(["denoise", str(noisy), "--method", "gaussian", "--dry-run"]) == 0
    assert "MiB" in capsys.readouterr().out
    assert [p.name for p in noisy.parent.iterdir()] == ["in.png"]


def test_an_existing_output_is_kept_unless_overwrite(noisy, capsys):
    out = noisy.with_name("out.png")
    out.write_bytes(b"mine")
    words = ["denoise", str(noisy), "-o", str(out), "--method", "gaussian"]
    assert main(words) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert out.read_bytes() == b"mine"
    assert main([*words, "--overwrite"]) == 0
    assert read(out).samples.shape == (60, 80, 3)


def test_the_input_is_never_the_output(noisy):
    before = noisy.read_bytes()
    assert main(["denoise", str(noisy), "-o", str(noisy), "--overwrite", "--method", "gaussian"]) == 2
    assert noisy.read_bytes() == before


def test_a_clean_picture_is_copied_byte_for_byte(tmp_path, capsys):
    y, x = np.mgrid[:64, :96]
    clean = write(Image((np.stack([x, y, x + y], -1) % 256).astype(np.uint8) // 2, scale=1 / 255), tmp_path / "c.png")
    for verb, out in (("restore", "c-restored.png"), ("denoise", "c-denoised.png")):
        assert main([verb, str(clean)]) == 0
        assert (tmp_path / out).read_bytes() == clean.read_bytes()
    assert "left as it is" in capsys.readouterr().out


def test_restore_says_what_it_looked_for(noisy, capsys):
    assert main(["restore", str(noisy)]) == 0
    said = capsys.readouterr().out
    assert "sigma" in said
    assert "looked for: white noise" in said
    assert "other damage is not looked for" in said


def test_one_bad_file_does_not_stop_the_others(noisy, capsys):
    bad = noisy.with_name("bad.png")
    bad.write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    folder = noisy.parent / "out"
    folder.mkdir()
    assert main(["denoise", str(bad), str(noisy), "-o", str(folder), "--method", "gaussian"]) == 1
    assert [p.name for p in folder.iterdir() if p.suffix != ".jsonl"] == ["in.png"]  # beside the job's manifest
    assert "bad.png" in capsys.readouterr().err
    assert main(["denoise", str(bad), "--method", "gaussian"]) == 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["denoise"], 2, "INPUTS"),
        (["denois"], 2, "denois"),
        (["denoise", "IN", "--method", "gausian"], 2, "'gaussian'"),
        (["denoise", "IN", "--sigma", "loud"], 2, "auto, 25"),
        (["denoise", "IN", "--sigma", "poisson-gaussian:x"], 2, "poisson-gaussian:0.02,5"),
        (["denoise", "IN", "--memory", "much"], 2, "2G"),
        (["denoise", "IN", "--tile", "0"], 2, "auto"),
        (["denoise", "IN", "--strength", "much"], 2, "strength"),
        (["denoise", "IN", "--method", "gaussian", "--sigma", "5000"], 3, "5000"),
        (["denoise", "IN", "--method", "gaussian", "--set", "colour=3"], 3, "colour"),
        (["denoise", "missing.png"], 3, "no such file"),
        (["denoise", "IN", "IN", "-o", "one.png"], 2, "several"),
        (["methods", "bm4d-x"], 2, "nonloc methods"),
        (["train", "no-such-recipe"], 2, "nonloc-s-color"),
        (["bench", "bsd86"], 2, "bsd68"),
    ],
)
def test_errors_say_what_to_do_and_have_their_exit_code(noisy, capsys, words, code, said):
    assert main([str(noisy) if word == "IN" else word for word in words]) == code
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_debug_shows_the_traceback(noisy):
    with pytest.raises(Exception, match="no method"):
        main(["denoise", str(noisy), "--method", "none-such", "--debug"])


def test_estimate_prints_json(noisy, capsys):
    assert main(["estimate", str(noisy), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["low"] <= told["sigma"] <= told["high"]
    assert told["sigma"] == pytest.approx(25, rel=0.25)


def test_estimate_tells_the_kind_how_sure_it_is_and_the_quality_of_a_jpeg(tmp_path, capsys):
    clean = testing.sample(200, 220, 3, sigma=0).samples.astype(np.float64)
    pictures = {"white.png": GaussianNoise(20), "shot.png": PoissonGaussian(0.05, 3), "clean.jpg": GaussianNoise(0)}
    for name, noise in pictures.items():
        noisy = np.clip(noise.apply(clean, np.random.default_rng(0)) * 255, 0, 255).round().astype(np.uint8)
        write(Image(noisy, scale=1 / 255), tmp_path / name, quality=80 if name.endswith("jpg") else None)
    assert main(["estimate", *(str(tmp_path / name) for name in pictures)]) == 0
    white, shot, jpeg = capsys.readouterr().out.splitlines()
    assert ": white noise, sigma " in white
    assert ": shot noise of gain 0.0" in shot
    assert all(" % sure" in line for line in (white, shot, jpeg))
    assert ": no noise that is seen, " in jpeg
    assert "JPEG of quality 80" in jpeg
    assert main(["estimate", str(tmp_path / "shot.png"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["kind"] == "poisson-gaussian"
    assert told["shot"]["gain"] == pytest.approx(0.05, rel=0.2)
    assert told["jpeg"] is None


def test_noise_that_grows_with_the_light_can_be_given_in_words(noisy, capsys):
    words = ["denoise", str(noisy), "--sigma", "poisson-gaussian:0.02,5", "--method", "gaussian", "--dry-run"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "on stabilised variance for poisson-gaussian:0.02,5" in said
    assert "the noise grows with the light" in said


def test_compare_writes_a_sheet_with_figures(noisy, capsys):
    clean = write(picture8(sigma=0), noisy.with_name("clean.png"))
    words = ["compare", str(noisy), "--methods", "gaussian,nl-means", "--reference", str(clean), "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert [m["method"] for m in told["methods"]] == ["gaussian", "nl-means"]
    assert all(m["psnr"] > 20 for m in told["methods"])
    sheet = read(told["sheet"]).samples
    assert sheet.shape[2] == 3
    assert main(words) == 2  # the sheet exists


def test_methods_lists_all_and_tells_all_about_one(capsys):
    assert main(["methods", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"gaussian", "nl-means", "nonloc-s"} <= {m["name"] for m in told}
    assert "path" not in json.dumps(told[0])
    assert main(["methods", "nl-means"]) == 0
    assert "10.1109/CVPR.2005.38" in capsys.readouterr().out


def test_sixteen_bits_and_alpha_stay(tmp_path):
    samples = (np.clip(testing.sample(40, 50, 3).samples, 0, 1) * 65535).round().astype(np.uint16)
    alpha = np.arange(2000, dtype=np.uint16).reshape(40, 50)
    path = write(Image(samples, scale=1 / 65535, alpha=alpha), tmp_path / "deep.png")
    assert main(["denoise", str(path), "--method", "gaussian", "-q"]) == 0
    out = read(tmp_path / "deep-denoised.png")
    assert out.samples.dtype == np.uint16
    assert np.unique(out.samples).size > 1000
    np.testing.assert_array_equal(out.alpha, alpha)


def test_help_and_version_exit_with_0():
    for words in (["--help"], ["--version"], [], ["denoise", "--help"]):
        assert main(words) == 0


def test_the_installed_command_answers():
    done = subprocess.run(
        [sys.executable, "-c", "from nonloc.interfaces.cli import main; import sys; sys.exit(main(['--version']))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "0.1.0"


def test_sizes_tiles_and_arguments_are_read():
    assert read_size("2G") == 2 << 30
    assert read_size("1.5 MiB") == 3 << 19
    assert read_tile("whole") is None
    assert read_tile("512") == 512
    assert read_arguments(["size = 5"]) == {"size": "5"}
