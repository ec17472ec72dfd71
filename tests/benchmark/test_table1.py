"""The whole experiment, small: it runs by one command, goes on where it stopped, and fills every table."""

from pathlib import Path

import numpy as np
import pytest
import table1
import table1_page
import torch
from equal_time import read
from PIL import Image
from table1_verdicts import CELLS, TEXT, Figures

from nonloc.datasets import DatasetPicture
from nonloc.methods import registry

ROOT = Path(__file__).parents[2]
STEPS = {"design": "cnn", "features": 8, "steps": 3}
SMALL = table1.Scale(
    designs={
        "mlp": {"design": "mlp", "features": 32},
        "cnn": STEPS,
        "cnn-nl": STEPS | {"steps": 2, "window": 9, "embedding": 4, "values": 8},
        "rnn": STEPS | {"design": "rnn"},
        "rnn-nl": STEPS | {"design": "rnn", "steps": 2, "window": 9, "embedding": 4, "values": 8},
    },
    sequences={
        "recurrent": {"design": "recurrent", "features": 8, "blocks": 1},
        "five-frame": {"design": "five-frame", "features": 8, "blocks": 1},
    },
    patch=32,
    batch=2,
    clip=24,
    frames=3,
    clips=1,
    pictures=2,
    validated=1,
    side=64,
    strip=(40, 64),
    sizes=(32, 48),
    distances=(8, 32),
    radii=(4, 16),
)
MINUTES = 0.01


@pytest.fixture
def still_pictures(tmp_path, monkeypatch):
    """A small set of our own, found where `load` looks."""
    rng, found = np.random.default_rng(0), []
    for i in range(2):
        path = tmp_path / f"{i}.png"
        coarse = rng.integers(0, 256, (12, 16), dtype=np.uint8)
        Image.fromarray(coarse).resize((131, 98), Image.Resampling.BICUBIC).save(path)
        found.append(DatasetPicture(path.stem, path))
    for module in ("nonloc.training.data", "nonloc.training.validation", "table1"):
        monkeypatch.setattr(f"{module}.load", lambda name: found)
    threads = torch.get_num_threads()
    yield found
    torch.set_num_threads(threads)
    registry.cards.cache_clear()


def words(folder: Path, *more: str) -> list[str]:
    page = folder / "table1.md"
    page.write_text((ROOT / "docs/table1.md").read_text(encoding="utf-8"), encoding="utf-8")
    given = ["--runs", folder / "runs", "--file", folder / "table1.csv", "--page", page, "--minutes", MINUTES]
    return [*map(str, given), *more]


@pytest.mark.slow  # 14 trainings of half a second, and all probes
def test_one_command_trains_probes_judges_and_writes(still_pictures, tmp_path):
    given = words(tmp_path, "--seeds", "2")
    table1.main([*given, "--only", "cnn", "recurrent"], SMALL)
    first = read(tmp_path / "table1.csv")
    assert {r["network"] for r in first} == {"cnn", "recurrent"}
    table1.main(given, SMALL)
    rows = read(tmp_path / "table1.csv")
    assert rows[: len(first)] == first  # not measured again
    assert len({(r["network"], r["seed"], r["probe"], r["at"]) for r in rows}) == len(rows)
    assert all(np.isfinite(float(r["value"])) for r in rows)

    figures = Figures(rows)
    answers = [claim.judged(figures) for claim in (*CELLS, *TEXT)]
    assert set(answers) <= {"confirmed", "refuted", "undecided"}
    assert len(CELLS) == 12
    by_place = {claim.where: claim.judged(figures) for claim in CELLS}
    # what follows from how the networks are built, whatever they learned
    assert by_place["sharing, recurrent"] == by_place["sharing, convolutional"] == "confirmed"
    assert figures.less("five-frame", "memory", 30, 5) == pytest.approx([0, 0], abs=1e-4)
    assert figures("mlp", "gradient", "16") == pytest.approx([1, 1])

    page = (tmp_path / "table1.md").read_text()
    for claim in (*CELLS, *TEXT):
        assert f"| {claim.where} | {claim.says} | {claim.shown_by} |" in page
    assert "Not measured yet" not in page
    again = page
    table1.main([*given, "--print-only"], SMALL)
    assert (tmp_path / "table1.md").read_text() == again
    plots = {p.name for p in tmp_path.glob("*.svg")}
    assert not plots or plots == {f"table1_{name}.svg" for name in ("curves", "context", "copy", "size", "memory")}


def test_a_training_that_was_stopped_goes_on(still_pictures, tmp_path, monkeypatch):
    run = table1.Training.run
    monkeypatch.setattr(table1.Training, "run", lambda self: run(self, stop_after=3))
    part = table1.trained("rnn-nl", 0, MINUTES, SMALL, tmp_path)
    assert part.progress.step == 3
    monkeypatch.setattr(table1.Training, "run", run)
    whole = table1.trained("rnn-nl", 0, MINUTES, SMALL, tmp_path)
    assert whole.progress.done
    assert whole.progress.step > 3
    assert whole.metadata()["recipe"]["degradation"].startswith("0.5*white | 0.125*correlated")


def test_a_page_of_nothing_says_so(tmp_path):
    page = Path(words(tmp_path)[5])
    table1_page.write([], page)
    assert page.read_text().count("Not measured yet.") == 10
