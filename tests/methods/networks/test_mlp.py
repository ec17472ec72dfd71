"""The patch MLP: each patch through the network alone, laid down and averaged; and what the engine promises of it."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nonloc.benchmark.published import table2_rows
from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.errors import UsageError, WeightsError
from nonloc.image.image import Image
from nonloc.methods import registry
from nonloc.methods.card import Weights
from nonloc.methods.networks.mlp import MLP, MLPMethod, gaussian_window
from nonloc.methods.weights import load, save
from nonloc.training.recipe import read_recipe

SMALL = {"widths": (6, 5)}


def network(**arguments):
    """A small network, other than at the start: the biases count, too."""
    torch.manual_seed(0)
    made = MLP(**{**SMALL, **arguments})
    for parameter in made.parameters():
        torch.nn.init.uniform_(parameter, -0.2, 0.3)
    return made.eval().requires_grad_(False)


def method(**arguments):
    return MLPMethod(registry.card("mlp"), module=network(**arguments))


def on(made, samples, **fields):
    restored, _ = run(Plan(made, GaussianNoise(25), **fields), Image(samples, scale=1.0))
    return restored.samples


def by_definition(made, y, step):
    """One patch after the other; the picture mirrored as far as the last patches reach."""
    height, width = y.shape
    rows, columns = (range(0, side - made.output + step, step) for side in (height, width))
    far = [
        (made.rim, starts[-1] + made.output - side + made.rim)
        for starts, side in zip((rows, columns), y.shape, strict=True)
    ]
    z = (np.pad(y, far, mode="reflect") - 0.5) / 0.2
    total, weight = np.zeros((2, *z.shape))
    i = np.arange(made.output) - (made.output - 1) / 2
    window = np.exp(-np.add.outer(i**2, i**2) / (2 * (made.output // 2 / 2) ** 2))
    for r in rows:
        for c in columns:
            values = z[r : r + made.patch, c : c + made.patch].flatten()
            for k, layer in enumerate(made.layers[::2]):
                values = layer.weight.numpy() @ (np.tanh(values) if k else values) + layer.bias.numpy()
            total[r : r + made.output, c : c + made.output] += window * values.reshape(made.output, -1)
            weight[r : r + made.output, c : c + made.output] += window
    return (total[:height, :width] / weight[:height, :width]) * 0.2 + 0.5


@given(
    height=st.integers(9, 21),
    width=st.integers(9, 21),
    sizes=st.sampled_from([(17, 9), (9, 9), (11, 5), (12, 8)]),
    step=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_its_definition(height, width, sizes, step, seed):
    made = network(patch=sizes[0], output=sizes[1], step=step)
    y = np.random.default_rng(seed).random((height, width)).astype(np.float32)
    expected = by_definition(made, y, step)
    np.testing.assert_allclose(made(torch.from_numpy(y)[None, None])[0, 0].numpy(), expected, atol=1e-5)


def test_while_training_patches_lie_side_by_side():
    made = network().train()
    y = np.random.default_rng(0).random((27, 18)).astype(np.float32)
    given_back = made(torch.from_numpy(y)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(given_back, by_definition(made, y, 9), atol=1e-5)
    assert np.abs(given_back - by_definition(made, y, 3)).max() > 1e-4


def test_many_patches_at_once_change_nothing(monkeypatch):
    y = torch.rand(2, 1, 24, 30)
    whole = network()(y)
    monkeypatch.setattr("nonloc.methods.networks.mlp.AT_ONCE", 7)
    torch.testing.assert_close(network()(y), whole)


@pytest.mark.parametrize(
    ("arguments", "expected", "reach"),
    [
        ({}, 715_345, 12),
        ({"output": 17, "widths": [2047] * 4}, 13_762_270, 16),  # CVPR 2012: 17 - 4 x 2047 - 17
        ({"patch": 39, "output": 17, "widths": [3072, 3072, 2559, 2047]}, 27_811_839, 27),  # of the released weights
    ],
)
def test_has_the_number_of_parameters_and_the_reach_of_its_sizes(arguments, expected, reach):
    card = registry.card("mlp")
    with torch.device("meta"):
        made = MLP(**{**card.network, **arguments})
    assert sum(parameter.numel() for parameter in made.parameters()) == expected
    assert made.reach == reach


@pytest.mark.parametrize("arguments", [{}, {"patch": 13, "output": 5}, {"patch": 7, "output": 7, "step": 2}])
def test_a_pixel_sees_as_far_as_the_card_says(arguments):
    made = method(**arguments)
    halo, side = made.card.halo_exact, 60
    y = torch.rand(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    restored = made.module.double()(y)
    seen = 0
    for i in range(30, 30 + made.card.grid):  # where a pixel lies in the patches decides how far it sees
        (gradient,) = torch.autograd.grad(restored[0, 0, i, i], y, retain_graph=True)
        seen = max(seen, int((torch.nonzero(gradient[0, 0]) - i).abs().max()))
    assert seen == halo
    assert arguments or halo == registry.card("mlp").halo_exact


@pytest.mark.parametrize("arguments", [{}, {"patch": 13, "output": 7, "step": 4}])
def test_tiles_leave_no_trace(arguments):
    made = method(**arguments)
    samples = np.random.default_rng(0).random((83, 61), dtype=np.float32)
    np.testing.assert_allclose(on(made, samples, tile=17), on(made, samples, tile=None), atol=2e-5)


def test_any_size_comes_back_as_it_was_and_colour_channel_by_channel():
    made = method()
    for shape in ((1, 1), (2, 11), (9, 14), (20, 23)):
        restored = on(made, np.random.default_rng(0).random(shape, dtype=np.float32))
        assert restored.shape == shape
        assert np.isfinite(restored).all()
    colour = np.random.default_rng(0).random((12, 13, 3), dtype=np.float32)
    np.testing.assert_allclose(on(made, colour)[..., 1], on(made, colour[..., 1].copy()), atol=1e-6)


def test_the_window_is_one_in_the_middle_and_falls_as_in_the_paper():
    window = gaussian_window(17).view(17, 17)
    assert window[8, 8] == 1
    assert float(window[8, 12]) == pytest.approx(math.exp(-0.5))  # floor(17 / 2) / 2 = 4 pixels


@pytest.mark.parametrize(
    "arguments", [{"channels": 3}, {"patch": 16}, {"step": 10}, {"step": 0}, {"patch": 7}], ids=lambda a: next(iter(a))
)
def test_sizes_that_cannot_be_are_refused(arguments):
    with pytest.raises(UsageError):
        MLP(**{**SMALL, **arguments})


def test_a_picture_smaller_than_an_output_patch_is_refused():
    with pytest.raises(UsageError, match="Pad the picture"):
        network()(torch.rand(1, 1, 20, 8))


def test_weights_of_another_size_bring_their_own_halo(tmp_path):
    sizes = {"patch": 13, "output": 5, "widths": [6, 5], "step": 2}
    digest = save(network(**sizes), tmp_path / "weights.safetensors", {})
    weights = Weights("weights.safetensors", digest, 1, (25, 25), "open", "", sizes)
    card = replace(registry.card("mlp"), path=tmp_path / "card.toml")
    made = MLPMethod(card, weights, module=load(MLP, card, weights))
    assert (made.card.halo_exact, made.card.grid, made.card.minimum) == (8, 2, 5)
    y = np.random.default_rng(0).random((15, 14), dtype=np.float32)
    np.testing.assert_allclose(on(made, y), on(method(**sizes), y), atol=2e-3)


def test_a_small_one_learns_by_its_recipe():
    recipe = read_recipe("mlp-25")
    assert recipe.method == "mlp"
    assert recipe.data.patch % registry.card("mlp").network["output"] == 0  # no patch is cut off
    torch.manual_seed(0)
    made = MLP(widths=(16,))
    optimizer = torch.optim.AdamW(made.parameters(), lr=2e-3)
    clean = torch.rand(6, 1, 1, 1).expand(6, 1, 27, 27)
    noisy = clean + 25 / 255 * torch.randn(clean.shape)
    losses = []
    for _ in range(60):
        loss = (made(noisy) - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.3 * losses[0]


def test_the_card_stands_for_its_row():
    card = registry.card("mlp")
    row = next(row for row in table2_rows() if row.name == card.table2)
    assert {float(sigma): psnr for sigma, psnr in card.scores[0]["psnr"].items()} == row.article
    assert card.fidelity == "re-creation"
    if not card.weights:
        with pytest.raises(WeightsError, match=r"nonloc train.*import-weights"):
            registry.create("mlp", channels=1, sigma=25)
