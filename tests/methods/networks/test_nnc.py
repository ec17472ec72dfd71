"""NNC: the same small network at each pixel, written as convolutions; and what the engine promises of it."""

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
from nonloc.methods.networks.nnc import NNC, NNCMethod
from nonloc.training.recipe import read_recipe


def network(stirred=True, **arguments):
    """A small network; stirred: all numbers other than at the start."""
    torch.manual_seed(0)
    made = NNC(**{"widths": (6, 5, 4), **arguments})
    for parameter in made.parameters() if stirred else ():
        torch.nn.init.uniform_(parameter, -0.1, 0.2)
    return made.eval().requires_grad_(False)


def method(**arguments):
    return NNCMethod(registry.card("nnc"), module=network(**arguments))


def on(made, samples, **fields):
    restored, _ = run(Plan(made, GaussianNoise(25), **fields), Image(samples, scale=1.0))
    return restored.samples


def by_definition(made, y):
    """A regression at each pixel of (C, H, W), on all pixels of its window."""
    r = made.window // 2
    z, x = np.pad(y, [(0, 0), (r, r), (r, r)], mode="reflect"), np.empty_like(y)
    for i in range(y.shape[1]):
        for j in range(y.shape[2]):
            values = z[:, i : i + made.window, j : j + made.window].flatten()
            for k, layer in enumerate(made.noise[::2]):
                values = layer.weight.flatten(1).numpy() @ (np.maximum(values, 0) if k else values) + layer.bias.numpy()
            x[:, i, j] = y[:, i, j] - values
    return x


@given(
    height=st.integers(4, 12),
    width=st.integers(4, 12),
    channels=st.sampled_from([1, 3]),
    window=st.sampled_from([1, 3, 7]),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_its_definition(height, width, channels, window, seed):
    made = network(channels=channels, window=window)
    y = np.random.default_rng(seed).random((channels, height, width)).astype(np.float32)
    np.testing.assert_allclose(made(torch.from_numpy(y)[None])[0].numpy(), by_definition(made, y), atol=1e-5)


def test_has_the_number_of_parameters_of_its_layers():
    card = registry.card("nnc")
    numbers = {c: sum(p.numel() for p in NNC(channels=c, **card.network).parameters()) for c in (1, 3)}
    assert numbers == {1: 52_737, 3: 108_355}


def test_the_untrained_network_gives_its_input_back():
    y = np.random.default_rng(0).random((12, 15), dtype=np.float32)
    np.testing.assert_array_equal(on(method(stirred=False), y), y)


@pytest.mark.parametrize("arguments", [{}, {"window": 5}])
def test_a_pixel_sees_as_far_as_the_card_says(arguments):
    made = method(**arguments)
    y = torch.rand(1, 1, 41, 41, dtype=torch.float64, requires_grad=True)
    made.module.double()(y)[0, 0, 20, 20].backward()
    assert int((torch.nonzero(y.grad[0, 0]) - 20).abs().max()) == made.card.halo_exact
    assert arguments or made.card.halo_exact == registry.card("nnc").halo_exact


@pytest.mark.parametrize("channels", [1, 3])
def test_tiles_leave_no_trace(channels):
    made = method()  # gray: of a colour picture each channel by itself
    samples = np.random.default_rng(0).random((70, 53, channels)[: 1 + channels], dtype=np.float32)
    np.testing.assert_allclose(on(made, samples, tile=16), on(made, samples, tile=None), atol=2e-5)


def test_any_size_comes_back_as_it_was():
    made = method()
    for shape in ((1, 1), (2, 11), (9, 14), (20, 23)):
        restored = on(made, np.random.default_rng(0).random(shape, dtype=np.float32))
        assert restored.shape == shape
        assert np.isfinite(restored).all()


def test_what_cannot_be_is_refused():
    with pytest.raises(UsageError, match="Take 5"):
        NNC(window=4)
    with pytest.raises(UsageError, match="Pad the picture"):
        network()(torch.rand(1, 1, 20, 8))


def test_a_small_one_learns_by_its_recipe():
    assert read_recipe("nnc-25").method == "nnc"
    torch.manual_seed(0)
    made = NNC(widths=(16, 8), window=5)
    optimizer = torch.optim.AdamW(made.parameters(), lr=5e-3)
    clean = torch.rand(6, 1, 1, 1).expand(6, 1, 16, 16)
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
    card = registry.card("nnc")
    row = next(row for row in table2_rows() if row.name == card.table2)
    assert {float(sigma): psnr for sigma, psnr in card.scores[0]["psnr"].items()} == row.article
    assert card.fidelity == "re-creation"
    assert "probably" in card.scores[0]["of"]  # what the table marks, the card tells too
    if not card.weights:
        with pytest.raises(WeightsError, match=r"nonloc train.*import-weights"):
            registry.create("nnc", channels=1, sigma=25)
