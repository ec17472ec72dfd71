"""The example plug-in, as a stranger would use it: installed, listed, checked, run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nonloc
import nonloc.testing
from nonloc.image.image import Image

PLUGIN = Path(__file__).parents[2] / "examples" / "plugin"
CLI = "import sys; from nonloc.interfaces.cli import main; sys.exit(main(sys.argv[1:]))"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not PLUGIN.is_dir(), reason="needs the examples of the checkout")]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The environment of a process that has the plug-in."""
    folder = tmp_path_factory.mktemp("site")
    words = ["-m", "pip", "install", "-q", "--no-deps", "--disable-pip-version-check", "--target", folder, PLUGIN]
    done = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])}


def run(installed, *words) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, env=installed)


def test_it_is_listed_without_being_imported(installed):
    words = "import nonloc, sys; print(nonloc.methods('sigma*'), 'nonloc_sigma_filter' in sys.modules)"
    assert run(installed, "-c", words).stdout.strip() == "['sigma-filter'] False"


def test_it_keeps_the_promises_of_every_method(installed):
    done = run(installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", PLUGIN / "tests")
    assert done.returncode == 0, done.stdout
    assert f"{len(nonloc.testing.CHECKS)} passed" in done.stdout


def test_it_restores_a_picture(installed, tmp_path):
    noisy = (np.clip(nonloc.testing.sample(40, 50, 3).samples, 0, 1) * 255).round().astype(np.uint8)
    path = nonloc.write(Image(noisy, scale=1 / 255), tmp_path / "in.png")
    done = run(installed, "-c", CLI, "denoise", path, "--method", "sigma-filter", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["method"] == "sigma-filter"
    clean = nonloc.testing.sample(40, 50, 3, sigma=0).samples * 255
    out = nonloc.read(tmp_path / "in-denoised.png").samples
    assert np.square(out - clean).mean() < np.square(noisy - clean).mean() / 2
