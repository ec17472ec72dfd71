"""Stage by stage: which stages run, which learn, and that a training by the recipe is still repeatable."""

import numpy as np
import pytest
import torch

from nonloc.datasets import DatasetPicture
from nonloc.errors import RecipeError
from nonloc.methods.unrolled.tnrd import TNRD
from nonloc.training.loop import Training
from nonloc.training.recipe import Data, Optimizer, Recipe, Schedule, Stages, Validate, read_recipe
from nonloc.training.stages import enter


def learning(network):
    """For each stage, whether it learns."""
    return [all(p.requires_grad for p in stage.parameters()) for stage in network.stages]


@pytest.mark.parametrize(
    ("fraction", "depth", "learns"),
    [
        (0.0, 1, [True, False, False]),
        (0.09, 1, [True, False, False]),
        (0.11, 2, [False, True, False]),
        (0.29, 3, [False, False, True]),
        (0.3, 3, [True, True, True]),
        (1.0, 3, [True, True, True]),
    ],
)
def test_stages_come_one_after_another_and_then_learn_together(fraction, depth, learns):
    network = TNRD(size=3, stages=3)
    enter(network, fraction, greedy=0.3)
    assert (network.depth, learning(network)) == (depth, learns)


def test_without_a_greedy_part_all_learn_from_the_start():
    network = TNRD(size=3, stages=2)
    enter(network, 0.0, greedy=0.0)
    assert (network.depth, learning(network)) == (2, [True, True])


def test_a_network_without_stages_is_refused():
    with pytest.raises(RecipeError, match="Linear has no stages"):
        enter(torch.nn.Linear(1, 1), 0.5, 0.2)


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A tiny data set of our own, found where `load` looks."""
    from PIL import Image

    coarse = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    path = tmp_path / "picture.png"
    Image.fromarray(coarse).resize((64, 48), Image.Resampling.BICUBIC).save(path)
    for module in ("nonloc.training.data.load", "nonloc.training.validation.load"):
        monkeypatch.setattr(module, lambda name: [DatasetPicture(path.stem, path)])


def recipe(steps, **fields) -> Recipe:
    given = {
        "name": "tiny",
        "method": "tnrd",
        "degradation": "gaussian:25",
        "data": Data(("open",), patch=32, batch=2),
        "channels": 1,
        "precision": "fp32",
        "network": {"size": 3, "stages": 3},
        "optimizer": Optimizer(rate=0.02, weight_decay=0),
        "schedule": Schedule(steps=steps),
        "validate": Validate(steps=1000, count=1, sigma=(25,)),
        "stages": Stages(greedy=0.5),
        **fields,
    }
    return Recipe(**given)


def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(pictures, tmp_path):
    whole = Training(recipe(12), tmp_path / "whole")
    whole.run()
    for _ in range(4):
        part = Training(recipe(12), tmp_path / "parts")
        part.run(stop_after=3)
    assert part.progress.done
    for ours, theirs in ((whole.module, part.module), (whole.ema, part.ema)):
        for name, tensor in ours.state_dict().items():
            assert torch.equal(tensor, theirs.state_dict()[name]), name


def test_while_a_stage_learns_those_before_it_stay(pictures, tmp_path):
    training = Training(recipe(12), tmp_path / "run")
    training.run(stop_after=2)  # the first stage's two steps
    before = {name: tensor.clone() for name, tensor in training.module.state_dict().items()}
    training.run(stop_after=2)
    moved = {name for name, tensor in training.module.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved
    assert all(name.startswith("stages.1.") for name in moved)
    assert training.ema.depth == 2


@pytest.mark.slow
def test_each_stage_makes_it_better(pictures, tmp_path):
    training = Training(recipe(120, validate=Validate(steps=20, count=1, sigma=(25,))), tmp_path / "run")
    training.run()
    lines = (tmp_path / "run" / "log.csv").read_text().splitlines()[1:]
    scores = [float(line.split(",")[-1]) for line in lines]
    assert scores[0] < scores[2] < scores[-1]


@pytest.mark.parametrize("name", ["tnrd-5x5-25", "tnrd-7x7-25", "csf-5x5-25"])
def test_the_recipes_say_how_long_the_stages_come_one_by_one(name):
    found = read_recipe(name)
    assert found.stages is not None
    assert 0 < found.stages.greedy < 1
    assert found.as_dict()["stages"] == {"greedy": found.stages.greedy}
