"""Stacks of 4 GB in bounded memory, slice by slice and as a volume."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

nibabel = pytest.importorskip("nibabel")
pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")

RUN = """
import sys
from pathlib import Path
from nonloc.verbs.files import process
from nonloc.verbs.options import Options
from nonloc.verbs.task import Task
source, target, method, sigma, memory = sys.argv[1:]
settings = {"method": method, "sigma": None if sigma == "auto" else sigma}
if method == "nl-means-3d":
    settings["arguments"] = {"window": 3, "patch": 1}
task = Task("denoise", settings=settings, options=Options(memory=int(memory) << 20))
outcome = process(Path(source), Path(target), task.planner, task=task)
# not ru_maxrss, which begins with the peak of the process that started this one
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(sum(page.changed for page in outcome.pages), peak >> 10)
"""


def stack(path, pages, height, width, noisy):
    """`pages` slices of uint16, one written after the other; those in `noisy` are a ramp with noise, others are 0."""
    head = nibabel.Nifti1Header()
    head.set_data_dtype(np.uint16)
    head.set_data_shape((width, height, pages))
    head["vox_offset"], head["magic"] = 352, b"n+1"
    rng = np.random.default_rng(0)
    ramp = np.linspace(500, 1500, width, dtype=np.float32)
    size = 2 * height * width
    with open(path, "wb") as file:
        file.write(head.binaryblock + bytes(4))
        for page in range(pages):
            if page in noisy:
                file.seek(352 + page * size)
                file.write((ramp + 50 * rng.standard_normal((height, width), np.float32)).astype(np.uint16).data)
        file.truncate(352 + pages * size)
    return path


def peak(source, target, method, sigma, memory=400):
    """Pages that were changed, and the largest resident memory of the process, in MiB."""
    told = subprocess.run(
        [sys.executable, "-c", RUN, source, target, method, sigma, str(memory)], capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    return tuple(map(int, told.stdout.split()[-2:]))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_stack_of_4_gb_stays_below_600_mib(tmp_path):
    if shutil.disk_usage(tmp_path).free < 12 << 30:
        pytest.skip("it takes 12 GB of disk")
    source = stack(tmp_path / "a.nii", 64, 8192, 4096, {0, 39})
    assert source.stat().st_size > 4 << 30
    changed, most = peak(source, tmp_path / "b.nii", "gaussian", "auto")
    assert (tmp_path / "b.nii").stat().st_size >= source.stat().st_size  # and how it was made
    assert changed == 2
    assert most < 600
    source.unlink()
    (tmp_path / "b.nii").unlink()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_volume_takes_the_memory_that_it_was_given_however_long_it_is(tmp_path):
    found = []
    for pages in (60, 150):
        source = stack(tmp_path / "a.nii", pages, 256, 256, set(range(pages)))
        changed, most = peak(source, tmp_path / f"b{pages}.nii", "nl-means-3d", "30dn", memory=300)
        assert changed == pages
        found.append(most)
    assert found[1] < 1.1 * found[0] + 20
    assert found[1] < 500
