"""Learning from noisy pictures alone: what the network is shown, what is kept apart, and what it is worth."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

import nonloc
from nonloc.errors import RecipeError, WeightsError
from nonloc.interfaces.cli import main
from nonloc.methods import registry
from nonloc.methods.self_supervised.nonloc_lab import NonlocLab
from nonloc.methods.weights import read_metadata
from nonloc.training.data import TorchRandom
from nonloc.training.loop import Training
from nonloc.training.noisy import PAIRS, lesson, masked, neighbours, noisy_loss
from nonloc.training.noisy_pictures import load_noisy
from nonloc.training.own import keep_weights, noisy_recipe
from nonloc.training.recipe import Noisy, Schedule, Validate, read_recipe

sys.path.insert(0, str(Path(__file__).parent))
from microscopy import counted, stack

SMALL = {"widths": [8, 8, 8], "blocks": [1, 1, 1, 1, 1]}


def random(seed=0) -> TorchRandom:
    return TorchRandom(torch.Generator().manual_seed(seed))


def decibels(restored, clean) -> float:
    return float(-10 * np.log10(np.mean((np.asarray(restored) - clean) ** 2)))


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A user's folder for weights, empty."""
    monkeypatch.setenv("NONLOC_WEIGHTS", str(tmp_path / "kept"))
    registry.cards.cache_clear()
    yield tmp_path / "kept"
    monkeypatch.undo()
    registry.cards.cache_clear()


def written(path: Path, pages) -> Path:
    tifffile.imwrite(path, pages)
    return path


def quick(place: Path, pairs: Path | None = None, **fields):
    recipe = noisy_recipe(place, pairs)
    given = {"network": SMALL, "precision": "fp32", "schedule": Schedule(steps=6), "validate": Validate(steps=3)}
    return dataclasses.replace(recipe, **given, **fields)


def test_a_hidden_pixel_takes_the_value_of_another_one_near_it():
    y = torch.arange(40 * 50.0).reshape(1, 1, 40, 50)
    shown, hidden = masked(y, random())
    assert 0.03 < hidden.mean() < 0.1
    assert torch.equal(shown[hidden == 0], y[hidden == 0])
    apart = shown[hidden == 1] - y[hidden == 1]
    assert (apart != 0).all()
    away = (apart.abs() + 2) // 50, ((apart + 2) % 50 - 2).abs()  # rows, columns
    assert all(a.max() <= 2 for a in away)
    assert all(a.max() == 2 for a in away)


def test_what_a_masked_network_says_of_pixels_that_it_was_shown_does_not_count():
    noisy = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    batch = lesson("masked", noisy, None, random())
    said = batch.clean + 5 * (1 - batch.mask)
    module = torch.nn.Identity()
    module.forward = lambda y: said
    assert float(noisy_loss(module, batch, 1.0, "fp32")) == 0
    said = batch.clean + 0.5 * batch.mask
    assert float(noisy_loss(module, batch, 0.5, "fp32")) == pytest.approx(1)


def test_neighbours_are_two_pixels_of_a_square_that_touch_in_every_way():
    y = torch.tensor([[[[0.0, 1], [2, 3]]]]).repeat(2, 1, 1, 8)
    cells = torch.arange(8).reshape(1, 1, 1, 8).repeat(2, 1, 1, 1)
    first, second = neighbours(y, cells)
    assert [(int(a), int(b)) for a, b in zip(first[1, 0, 0], second[1, 0, 0], strict=True)] == list(PAIRS)
    assert len(set(PAIRS)) == 8
    assert all(a // 2 == b // 2 or a % 2 == b % 2 for a, b in PAIRS)


def test_the_loss_of_neighbours_is_equation_6():
    y = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    batch = lesson("neighbours", y, None, random())
    module = torch.nn.AvgPool2d(3, 1, 1)
    g1, g2 = batch.noisy, batch.clean
    f1, f2 = neighbours(module(y), batch.cells)
    error = module(g1) - g2
    expected = error.square().mean() + 2 * (error - (f1 - f2)).square().mean()
    assert torch.allclose(noisy_loss(module, batch, 1.0, "fp32"), expected)


def test_pages_of_a_stack_are_read_one_by_one_and_every_tenth_is_kept_apart(tmp_path):
    place = written(tmp_path / "stack.tif", stack(12, 48)[1])
    found = load_noisy(Noisy(str(place)))
    assert (found.count, found.channels, found.way) == (12, 1, "masked")
    assert (len(found.training), len(found.held_out)) == (11, 1)
    assert not any(torch.equal(found.held_out[0], p) for p in found.training)


def test_of_few_pictures_the_lowest_rows_are_kept_apart(tmp_path):
    place = written(tmp_path / "one.tif", stack(1, 96)[1][0])
    found = load_noisy(Noisy(str(place)))
    assert found.training[0].shape == (1, 80, 96)
    assert found.held_out[0].shape == (1, 16, 96)


def test_sixteen_bits_are_taken_on_the_scale_of_their_file(tmp_path):
    counts = np.random.default_rng(0).poisson(200, (2, 64, 64)).astype(np.uint16)
    found = load_noisy(Noisy(str(written(tmp_path / "a.tif", counts))))
    pages = list(nonloc.image.read.read_pages(tmp_path / "a.tif"))
    assert found.mean == pytest.approx(float(np.mean([p.pixels().mean() for p in pages])), rel=0.02)
    assert Training(quick(tmp_path / "a.tif"), tmp_path / "run").run(stop_after=2) == {}


def test_the_network_does_not_mind_the_range_of_the_counts():
    torch.manual_seed(0)
    plain = NonlocLab(1, **SMALL)
    torch.nn.init.normal_(plain.inside.tail.weight, std=0.1)
    far = NonlocLab(1, **SMALL, black=3e-4, contrast=1e-5)
    far.load_state_dict(plain.state_dict())
    y = torch.rand(1, 1, 16, 16)
    torch.testing.assert_close((far(y * 1e-5 + 3e-4) - 3e-4) / 1e-5, plain(y), rtol=1e-3, atol=1e-3)


def test_interrupted_and_resumed_equals_uninterrupted(tmp_path):
    place = written(tmp_path / "stack.tif", stack(11, 48)[1])
    whole = Training(quick(place), tmp_path / "whole")
    whole.run()
    for _ in range(3):
        part = Training(quick(place), tmp_path / "parts")
        part.run(stop_after=2)
    for name, tensor in whole.ema.state_dict().items():
        assert torch.equal(tensor, part.ema.state_dict()[name]), name
    assert whole.held_out == part.held_out


def test_the_report_says_that_its_figure_is_no_psnr(tmp_path):
    place = written(tmp_path / "stack.tif", stack(11, 48)[1])
    Training(quick(place), tmp_path / "run").run()
    told = read_metadata(tmp_path / "run" / "weights.safetensors")
    assert "psnr" not in told["validation"]
    assert "noisy" in told["validation"]["no_psnr"]
    assert told["validation"]["loss"] > 0
    assert told["recipe"]["noisy"] == {"pictures": "stack.tif", "pairs": "", "way": "masked"}
    assert (tmp_path / "run" / "log.csv").read_text().splitlines()[0].endswith("rate,held_out")


def test_pairs_are_found_by_name_and_cut_alike(tmp_path):
    noisy = stack(2, 64)[1]
    for name, pages in (("first", noisy), ("second", noisy + 1)):
        (tmp_path / name).mkdir()
        for i, page in enumerate(pages):
            written(tmp_path / name / f"{i}.tif", page)
    found = load_noisy(Noisy(str(tmp_path / "first"), str(tmp_path / "second")))
    assert found.way == "pairs"
    batch = found.lesson(found.crops(32, "cpu").draw(4, np.random.default_rng(0)), random())
    torch.testing.assert_close(batch.clean, batch.noisy + 1)
    (tmp_path / "second" / "1.tif").rename(tmp_path / "second" / "x.tif")
    with pytest.raises(RecipeError, match="has no other"):
        load_noisy(Noisy(str(tmp_path / "first"), str(tmp_path / "second")))
    written(tmp_path / "second" / "1.tif", noisy[0, :50])
    (tmp_path / "second" / "x.tif").unlink()
    with pytest.raises(RecipeError, match="differ in size"):
        load_noisy(Noisy(str(tmp_path / "first"), str(tmp_path / "second")))


def test_what_cannot_be_learned_from_is_refused_in_words(tmp_path):
    (tmp_path / "empty").mkdir()
    for place, words in (("nowhere", "no such file"), ("empty", "there are none")):
        with pytest.raises(RecipeError, match=words):
            load_noisy(Noisy(str(tmp_path / place)))
    with pytest.raises(RecipeError, match="too small"):
        load_noisy(Noisy(str(written(tmp_path / "small.tif", np.random.default_rng(0).random((20, 20), np.float32)))))
    place = written(tmp_path / "a.tif", stack(1, 64)[1][0])
    with pytest.raises(RecipeError, match="must be told the noise"):
        Training(noisy_recipe(place, method="nonloc-s"), tmp_path / "run")


def test_a_recipe_can_name_noisy_pictures(tmp_path):
    (tmp_path / "lab.toml").write_text("method = 'nonloc-lab'\n[noisy]\npictures = 'x'\n[schedule]\nminutes = 5\n")
    recipe = read_recipe(tmp_path / "lab.toml")
    assert recipe.noisy == Noisy("x")


def test_weights_that_were_trained_are_found_by_denoise(tmp_path, own, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    noisy = stack(11, 48)[1]
    written(tmp_path / "stack.tif", noisy)
    with pytest.raises(WeightsError, match="nonloc train"):
        nonloc.denoise(noisy[0], method="nonloc-lab")
    assert main(["train", "--noisy", "stack.tif", "--minutes", "0.02", "--threads", "1", "-o", "lab.safetensors"]) == 0
    assert "no PSNR" in capsys.readouterr().out
    first = nonloc.denoise(noisy[0], method="nonloc-lab")
    assert not np.array_equal(first, noisy[0])
    for path in own.iterdir():
        path.unlink()
    assert main(["train", "--keep", "lab.safetensors"]) == 0
    np.testing.assert_array_equal(nonloc.denoise(noisy[0], method="nonloc-lab"), first)


def test_weights_of_anything_else_are_not_kept(tmp_path, own):
    with pytest.raises(WeightsError, match="no such training"):
        keep_weights(written(tmp_path / "a.tif", stack(1, 48)[1]))
    with pytest.raises(WeightsError, match="clean pictures"):
        keep_weights(Path(nonloc.__file__).parent / "weights" / "sr-fast-x2.safetensors")


@pytest.mark.parametrize("words", [[], ["nonloc-s-gray", "--noisy", "a"], ["nonloc-s-gray", "--pairs", "b"]])
def test_one_thing_is_trained_at_a_time(words):
    from nonloc.interfaces.cli.train import NAME

    assert main([NAME, *words]) == 2


def gain(tmp_path, minutes, pairs=False, **fields) -> float:
    """Decibels over the noisy stack after so many core minutes, through the engine, as `denoise` would."""
    clean, noisy = stack()
    other = written(tmp_path / "b.tif", counted(clean, 10, np.random.default_rng(1))) if pairs else None
    recipe = noisy_recipe(written(tmp_path / "a.tif", noisy), other)
    recipe = dataclasses.replace(recipe, schedule=Schedule(core_minutes=minutes), precision="fp32", **fields)
    training = Training(recipe, tmp_path / "run")
    training.run()
    method = registry.method_class(training.card)(training.card, module=training.ema)
    out = [nonloc.engine.run(nonloc.engine.Plan(method), nonloc.Image(page, scale=1.0))[0].samples for page in noisy]
    return decibels(out, clean) - decibels(noisy, clean)


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [False, True])
def test_a_stack_gains_without_any_clean_picture(tmp_path, pairs):
    assert gain(tmp_path, 1 / 3, pairs) > 3
