"""What pages tell a new user to type works as written, in the order in which it stands."""

import re
import shlex
from pathlib import Path

import pytest

import nonloc
from nonloc.interfaces.cli import main
from nonloc.testing import sample

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not DOCS.is_dir(), reason="needs the pages of the checkout")]


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def write_noisy(path: Path, seed: int) -> None:
    noisy = (sample(64, 80, 3, seed=seed).samples.clip(0, 1) * 255).round().astype("uint8")
    path.parent.mkdir(parents=True, exist_ok=True)
    nonloc.write(nonloc.Image(noisy, scale=1 / 255), path)


def test_the_first_commands_work_as_they_stand(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_noisy(tmp_path / "photo.png", 0)
    write_noisy(tmp_path / "photos" / "a.png", 1)
    write_noisy(tmp_path / "photos" / "more" / "b.png", 2)
    lines = [line for block in blocks("start", "") for line in block.splitlines() if line.startswith("nonloc ")]
    assert len(lines) > 6
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        assert main(words) == 0, f"{line}: {capsys.readouterr().err}"
    for made in ("photo-restored.png", "clean.png", "soft.png", "sheet.png", "clean/a.png", "clean/more/b.png"):
        assert (tmp_path / made).is_file(), made


@pytest.mark.parametrize("page", ["start", "users", "api"])
def test_the_python_of_a_page_runs(page):
    found = blocks(page, "python")
    assert found
    for code in found:
        exec(compile(code, page, "exec"), {})


def test_an_exported_network_runs_as_its_page_says(tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    lines = [line for line in blocks("export", "")[0].splitlines() if line.startswith("nonloc ") and "gray" in line]
    assert main(shlex.split(lines[0], comments=True)[1:]) == 0
    exec(compile(blocks("export", "python")[0], "export", "exec"), {})
