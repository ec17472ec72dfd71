"""The training loop: repeatable, resumable, and it learns."""

import dataclasses

import numpy as np
import pytest
import torch

from nonloc.datasets import DatasetPicture
from nonloc.degradation import GaussianNoise, parse
from nonloc.errors import RecipeError
from nonloc.methods import registry
from nonloc.methods.weights import read_metadata
from nonloc.training.data import Batch, Crops, TorchRandom, draw_batch
from nonloc.training.loop import Training
from nonloc.training.loss import training_loss
from nonloc.training.recipe import Data, Recipe, Schedule, Validate, changed, read_recipe
from nonloc.training.schedule import Progress, ema_decay, rate


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A tiny data set of our own, found where `load` looks."""
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    found = []
    for i in range(3):
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        path = folder / f"{i}.png"
        Image.fromarray(coarse).resize((64, 48), Image.Resampling.BICUBIC).save(path)
        found.append(DatasetPicture(path.stem, path))
    for module in ("nonloc.training.data.load", "nonloc.training.validation.load"):
        monkeypatch.setattr(module, lambda name: found)
    return found


def recipe(channels=3, steps=6, **fields) -> Recipe:
    given = {
        "name": "tiny",
        "method": "nonloc-s",
        "degradation": "gaussian:0..75 + 0.4*clip8",
        "data": Data(("open",), patch=32, batch=2),
        "channels": channels,
        "precision": "fp32",
        "network": {"widths": [8, 8, 8], "blocks": [1, 1, 1, 1, 1]},
        "schedule": Schedule(steps=steps),
        "validate": Validate(steps=1000, count=2, sigma=(25,)),
        **fields,
    }
    return Recipe(**given)


def tensors(training: Training) -> dict[str, torch.Tensor]:
    own = {f"module.{k}": v for k, v in training.module.state_dict().items()}
    return own | {f"ema.{k}": v for k, v in training.ema.state_dict().items()}


def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(pictures, tmp_path):
    whole = Training(recipe(), tmp_path / "whole")
    whole.run()
    for _ in range(3):
        part = Training(recipe(), tmp_path / "parts")
        part.run(stop_after=2)
    assert part.progress.done
    for name, tensor in tensors(whole).items():
        assert torch.equal(tensor, tensors(part)[name]), name
    weights = [(tmp_path / folder / "weights.safetensors") for folder in ("whole", "parts")]
    assert read_metadata(weights[0])["steps"] == 6


def test_another_recipe_does_not_continue_a_training(pictures, tmp_path):
    Training(recipe(), tmp_path / "run").run(stop_after=2)
    with pytest.raises(RecipeError, match="seed changed"):
        Training(recipe(seed=5), tmp_path / "run")
    assert Training(recipe(seed=5), tmp_path / "run", fresh=True).progress.step == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_it_learns(pictures, tmp_path, channels):
    training = Training(recipe(channels, steps=250, degradation="gaussian:25"), tmp_path / "run")
    before = training.validation.psnr(training.ema)[25]
    after = training.run()[25]
    assert after > before + 2


def test_the_weights_say_where_they_come_from(pictures, tmp_path):
    Training(recipe(), tmp_path / "run").run()
    told = read_metadata(tmp_path / "run" / "weights.safetensors")
    assert told["data"][0]["licence"] == "open"
    assert told["recipe"]["degradation"] == "gaussian:0..75 + 0.4*clip8"
    assert told["steps"] == 6
    assert set(told["validation"]["psnr"]) == {"25"}


def test_the_log_has_a_line_for_each_validation(pictures, tmp_path):
    Training(recipe(validate=Validate(steps=2, count=1, sigma=(25, 50))), tmp_path / "run").run()
    lines = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert lines[0] == "step,fraction,minutes,loss,rate,psnr_25,psnr_50"
    assert [line.split(",")[0] for line in lines[1:]] == ["2", "4", "6"]


def test_a_clock_ends_the_training_when_its_minutes_are_over(pictures, tmp_path):
    training = Training(recipe(schedule=Schedule(minutes=0.02)), tmp_path / "run")
    training.run()
    assert training.progress.done
    assert training.progress.step >= 1
    assert training.progress.seconds >= 0.02 * 60


def test_each_sample_has_its_own_level_and_the_network_is_told_it():
    crops = Crops([torch.full((1, 40, 40), 128, dtype=torch.uint8)], 32)
    rng, noise = np.random.default_rng(0), TorchRandom(torch.Generator().manual_seed(0))
    batch = draw_batch(crops, 8, parse("gaussian:5..75"), rng, noise)
    seen = (batch.noisy - batch.clean).flatten(1).std(1)
    torch.testing.assert_close(seen, batch.std, rtol=0.15, atol=0)
    assert batch.std.unique().numel() == 8


def test_a_network_that_enlarges_trains_on_smaller_pictures(pictures, tmp_path):
    smaller = recipe(1, method="sr-fast", network={"factor": 2, "features": 8, "depth": 3}, steps=12)
    end = Validate(steps=1000, count=2, degradation="downscale", sigma=(2,))
    smaller = dataclasses.replace(smaller, degradation="downscale:2 + clip8", validate=end)
    training = Training(smaller, tmp_path / "run")
    before = training._batch()
    assert before.clean.shape[-1] == 2 * before.noisy.shape[-1]
    assert before.told == ()
    training.run()
    assert training.module.last.weight.abs().sum() > 0


def test_srmd_is_told_the_kernel_and_the_noise_of_each_sample(pictures, tmp_path):
    blurred = recipe(1, method="srmd", network={"factor": 2, "features": 8, "depth": 3}, steps=2)
    damage = "turned-gaussian-blur:0.1..10 + downscale:2 + gaussian"
    end = Validate(steps=1000, count=2, degradation="turned-gaussian-blur:1 + downscale:2 + gaussian", sigma=(5,))
    blurred = dataclasses.replace(blurred, degradation=f"{damage}:0..50", validate=end)
    training = Training(blurred, tmp_path / "run")
    kernels, std = training._batch().told
    assert kernels.shape[1:] == (15, 15)
    assert not torch.allclose(kernels[0], kernels[1])
    assert std.max() > 0
    training.run()


def test_a_blind_network_with_batch_norm_trains_too(pictures, tmp_path):
    blind = recipe(1, method="dncnn", network={"depth": 4, "features": 8}, degradation="gaussian:25", steps=20)
    training = Training(blind, tmp_path / "run")
    training.run()
    norm = next(layer for layer in training.ema.modules() if isinstance(layer, torch.nn.BatchNorm2d))
    assert int(norm.num_batches_tracked) == 50  # its statistics are its own, not the live network's


def test_a_method_without_weights_cannot_be_trained(tmp_path):
    with pytest.raises(RecipeError, match="no weights to train"):
        Training(recipe(method="gaussian"), tmp_path / "run")


def test_crops_are_taken_from_everywhere_and_turned_every_way():
    picture = torch.arange(12, dtype=torch.uint8).reshape(1, 3, 4)
    crops = Crops([picture], 2)
    rng = np.random.default_rng(0)
    drawn = {tuple((crops.draw(1, rng) * 255).round().int().flatten().tolist()) for _ in range(2000)}
    assert len(drawn) == 2 * 3 * 8


def test_a_patch_larger_than_every_picture_is_refused():
    with pytest.raises(RecipeError, match="no picture is that large"):
        Crops([torch.zeros(1, 20, 90, dtype=torch.uint8)], 32)


def test_loss_weighs_low_noise_up():
    module = torch.nn.Identity()
    module.forward = lambda y: y
    quiet, loud = (Batch(torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), s), torch.tensor([s])) for s in (0.0, 0.2))
    error = 0.01
    losses = [
        float(training_loss(module, dataclasses.replace(b, noisy=torch.full_like(b.noisy, error)), 6.0, "fp32"))
        for b in (quiet, loud)
    ]
    assert losses[0] / losses[1] == pytest.approx((0.2 * 255 + 6) / 6, rel=1e-4)


def test_the_rate_rises_then_falls_to_nothing():
    rates = [rate(f, 0.1) for f in np.linspace(0, 1, 101)]
    assert max(rates) == pytest.approx(1)
    assert np.argmax(rates) == 10
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    assert rates[0] > 0


def test_progress_goes_by_steps_or_by_time():
    assert Progress(Schedule(steps=10), step=5, seconds=999).fraction == 0.5
    assert Progress(Schedule(minutes=2), step=5, seconds=60).fraction == 0.5


def test_the_average_forgets_quickly_at_the_start():
    assert ema_decay(0, 0.999) == pytest.approx(0.1)
    assert ema_decay(10**6, 0.999) == 0.999


@pytest.mark.parametrize("name", ["nonloc-s-color", "nonloc-s-gray"])
def test_our_own_recipes_can_be_read(name):
    found = read_recipe(name)
    assert parse(found.degradation).sample(np.random.default_rng(0)).noise is not None
    assert found.method == "nonloc-s"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("method = 'a'\nspeed = 3\n", "unknown field 'speed'"),
        (
            "method = 'a'\ndegradation = 'clip8'\n[data]\npictures = ['x']\n",
            "exactly one of steps",
        ),
        ("method = \n", "Invalid value"),
        ("degradation = 'clip8'\n[data]\npictures = ['x']\n[schedule]\nsteps = 3\n", "method"),
    ],
)
def test_a_wrong_recipe_says_what_is_wrong(tmp_path, text, found):
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=found):
        read_recipe(path)


def test_a_missing_recipe_names_ours():
    with pytest.raises(RecipeError, match="nonloc-s-color"):
        read_recipe("nonloc-x")


def test_noise_on_a_torch_generator_is_repeatable():
    draws = [
        GaussianNoise(25).apply(torch.zeros(1, 4, 4), TorchRandom(torch.Generator().manual_seed(3))) for _ in range(2)
    ]
    assert torch.equal(*draws)


def test_core_minutes_end_by_the_time_of_the_process(pictures, tmp_path):
    training = Training(recipe(schedule=Schedule(core_minutes=0.01)), tmp_path / "run")
    training.run()
    assert training.progress.done
    assert 0.6 <= training.progress.seconds < 10


def test_a_start_from_another_method_takes_over_what_fits(pictures, tmp_path):
    given = {"method": "nlrn-fast", "start": "shipped:nonloc-s", "network": {}, "channels": 1}
    training = Training(recipe(**given), tmp_path / "run")
    shipped = registry.create("nonloc-s", channels=1, sigma=25).module.state_dict()
    own = training.module.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in shipped.items())


def test_a_start_may_ask_for_the_weights_of_a_licence(pictures, tmp_path):
    given = {"method": "nonloc-photo", "start": "shipped:nonloc-s:open", "network": {}, "channels": 3}
    own = Training(recipe(**given), tmp_path / "run").module.state_dict()
    open_one, default = (
        registry.create("nonloc-s", channels=3, sigma=25, licence=licence).module.state_dict()
        for licence in ("open", None)
    )
    assert all(torch.equal(own[name], tensor) for name, tensor in open_one.items())
    assert any(not torch.equal(own[name], tensor) for name, tensor in default.items())


def test_what_is_asked_on_the_command_line_changes_the_recipe_and_is_recorded(pictures, tmp_path):
    asked = changed(recipe(), "shipped", 12, 3e-4)
    assert (asked.start, asked.schedule, asked.optimizer.rate) == ("shipped", Schedule(minutes=12), 3e-4)
    assert changed(recipe(), None, None, None) == recipe()
