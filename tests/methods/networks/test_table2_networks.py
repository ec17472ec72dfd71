"""The convolutional rows of Table 2: their size, their reach, what they give untrained, and that they learn.

Each network also as a small one of the same depth, for what its width has no part in.
"""

import math

import numpy as np
import pytest
import torch
from torch import nn

from nonloc.benchmark.published import table2_rows
from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.errors import UsageError, WeightsError
from nonloc.image.image import Image
from nonloc.methods import registry
from nonloc.methods.base import NetworkMethod
from nonloc.methods.weights import load, save
from nonloc.training.recipe import read_recipe

# trainable numbers, and the arguments of a small one
NETWORKS = {
    "ecndnet": (519_178, {"features": 4}),
    "red": (4_134_785, {"features": 4}),
    "ddrnet": (297_153, {"features": 4}),
    "phgms": (4_626_084, {"features": 4}),
    "memnet": (695_497, {"features": 4}),
    "eedn": (593_089, {"features": 4}),
    "nbcnn": (556_673, {"features": 4}),
    "eldrn": (330_433, {"features": 4}),
    "psn-k": (745_740, {"features": 4}),
    "dwdn": (1_418_692, {"features": 4}),
    "mwcnn": (16_158_308, {"widths": (4, 8, 8)}),
    "brdnet": (1_112_725, {"features": 4}),
}
OTHERS = [  # the sizes that networks.md and the papers give beside the first
    ("red", {"features": 64}, 1_035_201),
    ("phgms", {"features": 320}, 18_468_164),
    ("eldrn", {"depth": 5}, 124_673),
    ("brdnet", {"norm": "renorm"}, 1_112_725),
]
each = pytest.mark.parametrize("name", NETWORKS)


def method(name, **arguments):
    """The method with an untrained network of the card's arguments but for those given."""
    card = registry.card(name)
    cls = registry.method_class(card)
    torch.manual_seed(0)
    network = cls.network(**{**card.network, "channels": 1, **arguments})
    return cls(card, module=network.eval().requires_grad_(False))


def small(name, **arguments):
    return method(name, **{**NETWORKS[name][1], **arguments})


def stirred(made):
    """The same with all its numbers other than at the start, none of them zero; for as many features as `small` has."""
    for layer in made.module.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.copy_(nn.init.kaiming_normal_(layer.weight).abs_() / 2)
            if layer.bias is not None:
                nn.init.uniform_(layer.bias, 0.01, 0.1)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1)
            nn.init.uniform_(layer.bias, 0.01, 0.1)
    for step in getattr(made.module, "steps", ()):  # PSN-K takes off again and again: its ReLUs would shut
        step.noise[-1].weight.neg_()
    return made


def on(made, samples, **fields):
    """What the engine makes of float `samples` at sigma 25."""
    restored, _ = run(Plan(made, GaussianNoise(25), **fields), Image(samples, scale=1.0))
    return restored.samples


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@each
def test_has_the_papers_number_of_parameters(name):
    assert count(method(name).module) == NETWORKS[name][0]


@pytest.mark.parametrize(("name", "arguments", "expected"), OTHERS)
def test_other_forms_have_theirs(name, arguments, expected):
    assert count(method(name, **arguments).module) == expected


@each
def test_any_size_comes_back_as_it_was(name):
    made = stirred(small(name))
    for height, width in ((1, 1), (9, 14), (16, 24), (33, 40)):
        samples = np.random.default_rng(0).random((height, width), dtype=np.float32)
        restored = on(made, samples)
        assert restored.shape == samples.shape
        assert np.isfinite(restored).all()
        assert np.abs(restored - samples).max() > 1e-4


@each
def test_the_untrained_network_gives_its_input_back(name):
    made = small(name)
    # the ends of two do not begin with zeros: what is before them would learn nothing, or hardly anything
    end = {"brdnet": "join", "ecndnet": "end.1"}.get(name)
    for parameter in made.module.get_submodule(end).parameters() if end else ():
        nn.init.zeros_(parameter)
    y = np.random.default_rng(0).random((24, 32), dtype=np.float32)
    np.testing.assert_allclose(on(made, y), y, atol=1e-6)


@each
def test_half_precision_keeps_what_it_restores(name, tmp_path, monkeypatch):
    """As weights are shipped: written in half precision, read back, and run."""
    from dataclasses import replace

    from nonloc.methods.card import Weights

    made = stirred(small(name))
    digest = save(made.module, tmp_path / "weights.safetensors", {})
    weights = Weights("weights.safetensors", digest, 1, (25, 25), "open", "", {"channels": 1, **NETWORKS[name][1]})
    card = replace(made.card, path=tmp_path / "card.toml")
    again = type(made)(card, module=load(type(made).network, card, weights))
    y = np.random.default_rng(0).random((16, 24), dtype=np.float32)
    whole, half = on(made, y), on(again, y)
    assert np.abs(half - whole).max() < 0.01 * np.abs(whole - y).max()


def reach(made):
    """How many pixels from the rim of a block the farthest is that the block depends on.

    A block is what shares a way through the half-size grids; a single pixel where there are none.
    """
    block = made.card.multiple
    start = made.card.halo_exact // block * block + 2 * block
    inside, side = slice(start, start + block), 2 * start + block
    y = torch.rand(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    told = made.condition(y, GaussianNoise(25))
    made.module.double()(y, *told)[0, 0, inside, inside].square().sum().backward()
    rows, columns = torch.nonzero(y.grad[0, 0], as_tuple=True)
    return max(start - int(min(rows.min(), columns.min())), int(max(rows.max(), columns.max())) - (start + block - 1))


@each
def test_a_pixel_sees_as_far_as_the_card_says(name):
    made = stirred(small(name))
    assert reach(made) == made.card.halo_exact


@pytest.mark.parametrize(
    ("name", "part", "left"),
    [
        ("red", "encode.2", 4),  # the skip from the second convolution goes to the last deconvolution but one
        ("red", "encode.8", 16),
        ("mwcnn", "bottom", 48),  # the sub-bands go past it
        ("mwcnn", "down2", 16),  # so do those of the level above it
        ("brdnet", "lower", 18),  # beside it there is another network
        ("brdnet", "upper", 31),
    ],
)
def test_what_goes_past_a_silent_part_sees_less_far(name, part, left):
    made = stirred(small(name))
    for parameter in made.module.get_submodule(part).parameters():
        nn.init.zeros_(parameter)
    assert reach(made) == left


@each
def test_tiles_leave_no_trace(name):
    made = stirred(small(name))
    halo = made.card.halo_exact
    samples = np.random.default_rng(0).random((halo + 70, 53), dtype=np.float32)
    whole = on(made, samples, tile=None)
    np.testing.assert_allclose(on(made, samples, tile=32), whole, atol=2e-5 * max(1.0, float(np.abs(whole).max())))


@each
def test_the_card_stands_for_its_row(name):
    card = registry.card(name)
    rows = {row.name: row for row in table2_rows()}
    assert card.table2 in rows
    published = next(score for score in card.scores if score["protocol"].startswith(("bsd68", "not known")))
    assert {float(sigma): psnr for sigma, psnr in published["psnr"].items()} == rows[card.table2].article
    if rows[card.table2].caveat:  # what the tables mark, the card tells too
        assert "noise not stated" not in published["protocol"] or "probably" in published["of"]


@each
def test_a_small_one_learns(name):
    """One batch of noise on flat pictures, over and over."""
    recipe = read_recipe(f"{name}-25")
    assert recipe.method == name
    assert recipe.data.patch % registry.card(name).multiple == 0
    made = method(name, **({"widths": (8, 8, 8)} if name == "mwcnn" else {"features": 8}))
    module = made.module.train().requires_grad_(True)
    optimizer = torch.optim.AdamW(module.parameters(), lr=2e-3)
    clean = torch.rand(6, 1, 1, 1).expand(6, 1, 16, 16)
    noisy = clean + 25 / 255 * torch.randn(clean.shape)
    losses = []
    for _ in range(40):
        loss = (module(noisy, *made.condition(noisy, GaussianNoise(25))) - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert all(map(math.isfinite, losses))
    assert np.mean(losses[-3:]) < 0.75 * losses[0]


@each
def test_without_weights_it_says_what_to_do(name):
    if registry.card(name).weights:
        pytest.skip("has weights")
    with pytest.raises(WeightsError, match=r"nonloc train.*import-weights"):
        registry.create(name, channels=1, sigma=25)


@each
def test_it_is_a_module_that_can_be_used_alone(name):
    cls = registry.method_class(registry.card(name))
    assert issubclass(cls, NetworkMethod)
    assert set(registry.card(name).network) < set(cls.network.__init__.__code__.co_varnames)


@pytest.mark.parametrize("name", ["nbcnn", "psn-k"])
def test_a_map_of_one_level_equals_the_level_and_levels_matter(name):
    module = stirred(small(name)).module
    y = torch.rand(2, 1, 12, 12)
    told = module(y, 0.1)
    torch.testing.assert_close(module(y, torch.full((2, 1, 12, 12), 0.1)), told)
    torch.testing.assert_close(module(y, torch.tensor([0.1, 0.2]))[:1], told[:1])
    assert float((module(y, 0.2) - told).abs().max()) > 1e-4


def test_psn_k_leaves_a_picture_without_noise_as_it_is():
    module = stirred(small("psn-k")).module
    y = torch.rand(1, 1, 12, 12)
    torch.testing.assert_close(module(y, 0.0), y, atol=1e-4, rtol=0)


def test_the_learned_sum_of_memnet_is_of_the_pictures_of_its_blocks():
    module = stirred(small("memnet", blocks=3, recursions=2)).module
    y = torch.rand(1, 1, 10, 12)
    module.weights.copy_(torch.tensor([0.0, 1.0, 0.0]))
    torch.testing.assert_close(module(y), module.outputs(y)[1])


def test_a_deepened_dwdn_begins_where_the_shallow_one_was():
    module = stirred(small("dwdn")).module
    y = torch.rand(1, 1, 12, 16)
    module.depth = 1
    shallow = module(y)
    module.depth = 2
    assert float((module(y) - shallow).abs().max()) > 1e-3
    for block in module.stages[1]:  # as a new stage is
        for parameter in block.second.parameters():
            nn.init.zeros_(parameter)
    torch.testing.assert_close(module(y), shallow)


def test_eldrn_with_the_statistics_of_the_picture_sees_the_whole_of_it():
    made = small("eldrn", statistics="batch")
    assert not made.card.tiles
    assert registry.card("eldrn").tiles
    nn.init.normal_(made.module.noise[-1].weight)
    y = torch.rand(1, 1, 8, 120)
    changed = y.clone()
    changed[..., :4] += 0.5
    far = (made.module(y) - made.module(changed))[..., 60:]
    assert float(far.abs().max()) > 1e-6


@pytest.mark.parametrize(("name", "arguments"), [("eldrn", {"statistics": "none"}), ("brdnet", {"norm": "layer"})])
def test_what_nobody_has_is_refused(name, arguments):
    with pytest.raises(UsageError, match="Take one of"):
        small(name, **arguments)
