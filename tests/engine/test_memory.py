"""The bound on memory is kept, and told before: a real process and what the system says it took."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from nonloc import read

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")

PROGRAM = """
import json, sys
from nonloc.interfaces.cli import main
words = ["denoise", sys.argv[1], "-o", sys.argv[2], "--method", sys.argv[3], "--sigma", "20", "--json", *sys.argv[4:]]
code = main(words)
# not ru_maxrss, which begins with the peak of the process that started this one
with open("/proc/self/status") as file:
    peak = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
print(json.dumps({"code": code, "rss": peak}), file=sys.stderr)
"""


def measured(source, target, method, *words) -> tuple[dict, int]:
    """The command's JSON and the peak of its process in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(source), str(target), method, *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    process = json.loads(done.stderr.splitlines()[-1])
    assert process["code"] == 0, done.stderr
    return json.loads(done.stdout), process["rss"]


def scan(path, height, width) -> np.ndarray:
    """A noisy colour ramp as an uncompressed TIFF; returns its samples."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(40, 200, width, dtype=np.float32)[None, :, None] * np.ones((height, 1, 3), np.float32)
    samples = np.empty((height, width, 3), np.uint8)
    for y in range(0, height, 500):
        part = ramp[y : y + 500]
        samples[y : y + 500] = (part + 20 * rng.standard_normal(part.shape, np.float32)).clip(0, 255).round()
    tifffile.imwrite(path, samples, photometric="rgb")
    return samples


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("height", [1500, pytest.param(4000, marks=pytest.mark.whole_sets)])
def test_megapixels_in_colour_stay_below_2_gib_without_a_seam(tmp_path, height):
    width = 6000
    scan(tmp_path / "scan.tif", height, width)
    told, rss = measured(tmp_path / "scan.tif", tmp_path / "out.tif", "nonloc-s", "--precision", "bf16")
    assert rss < 2 << 30
    assert told["tiles"] > 1
    assert abs(rss / told["peak"] - 1) < 0.25
    out = read(tmp_path / "out.tif").samples
    assert out.shape == (height, width, 3)
    # what a seam would be: a step between the two rows, or columns, on either side of a cut
    profile = [np.abs(np.diff(out.astype(np.float32).mean(axis), axis=0)).mean(1) for axis in (1, 0)]
    for steps in profile:
        cuts = range(told["tile"], len(steps), told["tile"])
        assert all(steps[cut - 1] < steps.mean() + 6 * steps.std() for cut in cuts)


def test_a_small_bound_is_kept_by_smaller_tiles(tmp_path):
    scan(tmp_path / "scan.tif", 1500, 1500)
    told, rss = measured(tmp_path / "scan.tif", tmp_path / "out.tif", "nonloc-s", "--memory", "600M")
    assert told["tiles"] > 1
    assert rss < 600 << 20
    assert abs(rss / told["peak"] - 1) < 0.25


def test_the_prediction_holds_for_a_picture_in_one_piece(tmp_path):
    scan(tmp_path / "scan.tif", 1000, 1200)
    told, rss = measured(tmp_path / "scan.tif", tmp_path / "out.tif", "nonloc-s")
    assert told["tile"] is None
    assert abs(rss / told["peak"] - 1) < 0.25
