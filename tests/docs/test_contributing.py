"""The contributing guide is executable: its files, written out as it says, make a method that keeps every promise."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nonloc.testing

PAGE = Path(__file__).parents[2] / "docs" / "contributing.md"
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not PAGE.is_file(), reason="needs the pages of the checkout")]


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """The folder that a reader has after copying each block to the name above it."""
    folder = tmp_path_factory.mktemp("guide")
    for name, content in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def installed(package, tmp_path_factory):
    """The environment of a process in which `pip install .` was done."""
    site = tmp_path_factory.mktemp("site")
    words = ["-m", "pip", "install", "-q", "--no-deps", "--disable-pip-version-check", "--target", site, package]
    done = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])}


def test_it_names_a_file_a_card_a_package_and_tests(package):
    found = sorted(str(path.relative_to(package)) for path in package.rglob("*") if path.is_file())
    assert found == [
        "pyproject.toml",
        "src/nonloc_trimmed/__init__.py",
        "src/nonloc_trimmed/trimmed_mean.py",
        "src/nonloc_trimmed/trimmed_mean.toml",
        "tests/test_trimmed_mean.py",
    ]


def test_the_method_keeps_the_promises_of_every_method(package, installed):
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(package / "tests")]
    done = subprocess.run(words, capture_output=True, text=True, env=installed, cwd=package)
    assert done.returncode == 0, done.stdout
    assert f"{len(nonloc.testing.CHECKS) + 1} passed" in done.stdout


def test_the_commands_know_it(installed, tmp_path):
    noisy = (nonloc.testing.sample(40, 50).samples.clip(0, 1) * 255).round().astype("uint8")
    nonloc.write(nonloc.Image(noisy, scale=1 / 255), tmp_path / "photo.png")
    for words in (
        ["methods", "trimmed-mean"],
        ["denoise", "photo.png", "--method", "trimmed-mean", "--set", "trim=0.4"],
    ):
        command = [sys.executable, "-m", "nonloc", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=installed, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "photo-denoised.png").is_file()
