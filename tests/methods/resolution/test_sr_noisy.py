"""sr-noisy: before it is trained, denoiser and enlarger one after the other; then started from the weights of both."""

import dataclasses
from pathlib import Path

import pytest
import torch

from nonloc.degradation import parse_fixed
from nonloc.engine import Plan, run
from nonloc.image.image import Image
from nonloc.methods.registry import card, choose_weights, create, method_class
from nonloc.methods.resolution.sr_noisy import SrNoisy
from nonloc.methods.weights import locate
from nonloc.training.recipe import read_recipe
from nonloc.training.start import module_of, parts, started


@pytest.mark.parametrize("factor", [2, 3])
def test_it_starts_as_the_one_after_the_other(factor):
    recipe = read_recipe(f"sr-noisy-x{factor}")
    whole = module_of(card("sr-noisy"), recipe).eval()
    torch.manual_seed(0)
    y = torch.rand(2, 3, 32, 40)
    denoiser, enlarger = create("nonloc-s", channels=3), create("sr-fast", channels=3, factor=factor)
    with torch.inference_mode():
        clean = denoiser.module(y, torch.tensor([0.1, 0.0]))
        expected = enlarger.restore(clean, parse_fixed(f"downscale:{factor}"))
        assert torch.allclose(whole(y, torch.tensor([0.1, 0.0])), expected, atol=1e-5)


def test_every_number_learns():
    torch.manual_seed(0)
    module = SrNoisy(channels=1, factor=2, widths=(8, 8, 8), features=8, depth=3)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    module(torch.rand(2, 1, 16, 16), torch.tensor([0.1, 0.2])).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())


@pytest.mark.parametrize("shape", [(17, 29), (40, 33, 3)])
def test_any_size_comes_back_times_the_factor(shape):
    found = card("sr-noisy")
    channels = 3 if len(shape) == 3 else 1
    network = SrNoisy(channels=channels, factor=2, widths=(8, 8, 8), features=8, depth=3)
    method = method_class(found)(found, module=network.eval())
    picture = Image(torch.rand(shape).numpy(), scale=1.0)
    restored, _ = run(Plan(method, parse_fixed("downscale:2 + gaussian:15")), picture)
    assert restored.samples.shape == (2 * shape[0], 2 * shape[1], *shape[2:])


def test_a_start_may_name_one_file_for_each_module(tmp_path):
    assert parts("scratch") == [("", "scratch")]
    assert parts("a=shipped:x + b=f.safetensors") == [("a", "shipped:x"), ("b", "f.safetensors")]
    recipe = read_recipe("sr-noisy-x2")
    assert started(recipe.start) == recipe.start
    file = locate(card("sr-fast"), choose_weights(card("sr-fast"), 1, None, factor=2))
    only = dataclasses.replace(recipe, start=f"enlarger={Path(file)}")
    made, whole = (module_of(card("sr-noisy"), one).state_dict() for one in (only, recipe))
    same = {name.split(".")[0] for name in made if torch.equal(made[name], whole[name]) and made[name].any()}
    assert same == {"enlarger"}
