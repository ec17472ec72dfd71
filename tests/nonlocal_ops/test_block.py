"""The non-local block: equal to its definition, invisible at the start, and able to look far."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from nonloc.errors import UsageError
from nonloc.methods.networks.dncnn import DnCNN
from nonloc.nonlocal_ops import block as block_module
from nonloc.nonlocal_ops.block import NonLocalBlock, insert
from nonloc.nonlocal_ops.definition import AFFINITIES, ONE_EMBEDDING, non_local

SIDES = {1: (9,), 2: (6, 7), 3: (3, 4, 5)}


def awake(block):
    """As if it had been trained: what is zero at the start no longer is."""
    for parameter in block.parameters():
        if not parameter.any():
            nn.init.normal_(parameter)
    return block


def by_definition(block, x):
    """Equation (6) with `definition.non_local` inside."""
    theta = block.theta(x)
    phi = None if block.affinity in ONE_EMBEDDING else block.phi(x)
    y, _ = non_local(
        theta,
        phi,
        block.g(x),
        affinity=block.affinity,
        concat=tuple(block.w) if block.affinity == "concat" else None,
        scale=block.scale,
        window=block.window,
        border=block.border,
        key_pool=block.pool,
    )
    return block.W_z(y) + x


@given(
    dimensions=st.sampled_from([1, 2, 3]),
    affinity=st.sampled_from(AFFINITIES),
    window=st.sampled_from([None, 3, 5]),
    border=st.sampled_from(["clamp", "mask"]),
    subsample=st.sampled_from([None, True, False]),
    normalise=st.booleans(),
    few=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_its_definition(dimensions, affinity, window, border, subsample, normalise, few, seed):
    """Values and gradients; `few`: so few logits at once that the queries come in chunks."""
    torch.manual_seed(seed)
    options = {"subsample": subsample, "normalise": normalise, "window": window, "border": border, "scale": 0.5}
    block = awake(NonLocalBlock(4, dimensions, affinity, **options)).double().eval()
    x = torch.randn(2, 4, *SIDES[dimensions], dtype=torch.float64, requires_grad=True)
    with pytest.MonkeyPatch.context() as patch:
        if few:
            patch.setattr(block_module, "LOGITS", 150)
        z, truth = block(x), by_definition(block, x)
        torch.testing.assert_close(z, truth)
        wanted = [x, *block.parameters()]
        way = torch.randn_like(z)
        ours, theirs = (torch.autograd.grad((out * way).sum(), wanted, allow_unused=True) for out in (z, truth))
    for name, one, other in zip(["x", *dict(block.named_parameters())], ours, theirs, strict=True):
        torch.testing.assert_close(one, other, msg=lambda text, name=name: f"gradient of {name}: {text}")


@pytest.mark.parametrize("affinity", AFFINITIES)
def test_training_never_holds_a_logit_for_each_pair(affinity, monkeypatch):
    """4,096 queries with 1,024 keys: 4 million pairs."""
    monkeypatch.setattr(block_module, "LOGITS", 2**18)
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: saved.append(tensor.numel()) or tensor, lambda t: t):
        z = NonLocalBlock(4, affinity=affinity)(torch.randn(1, 4, 64, 64))
    z.sum().backward()
    assert sum(saved) < 400_000


@pytest.mark.parametrize("options", [{}, {"window": 5}, {"window": (3, 5)}], ids=str)
@pytest.mark.parametrize("affinity", AFFINITIES)
def test_trains_in_mixed_precision(affinity, options):
    torch.manual_seed(0)
    block, x = awake(NonLocalBlock(4, affinity=affinity, normalise=False, **options)), torch.rand(2, 4, 9, 10)
    exact = block(x)
    with torch.autocast("cpu", torch.bfloat16):
        z = block(x)
    torch.testing.assert_close(z, exact, atol=0.1, rtol=0.1)
    z.square().mean().backward()
    assert all(parameter.grad.isfinite().all() for parameter in block.parameters())


def test_the_defaults_are_the_papers():
    """Embedded Gaussian, half the channels, keys pooled in space and never in time, one normalisation, after W_z."""
    block = NonLocalBlock(8, dimensions=3)
    assert (block.affinity, block.window, block.scale, block.pool) == ("embedded", None, 1.0, (1, 2, 2))
    assert block.theta.weight.shape == block.phi.weight.shape == block.g.weight.shape == (4, 8, 1, 1, 1)
    assert [type(layer) for layer in block.W_z] == [nn.Conv3d, nn.BatchNorm3d]
    assert not block.W_z[1].weight.any()
    assert block.W_z[0].weight.any()
    assert block.W_z[0].bias is None
    assert NonLocalBlock(8, window=5).pool == (1, 1)


HOSTS = {
    1: lambda: nn.Sequential(nn.Conv1d(2, 6, 3, padding=1), nn.ReLU(inplace=True), nn.Conv1d(6, 2, 3, padding=1)),
    3: lambda: nn.Sequential(nn.Conv3d(2, 6, 3, padding=1), nn.ReLU(inplace=True), nn.Conv3d(6, 2, 3, padding=1)),
}


def bits(tensor):
    return tensor.contiguous().view(torch.int32)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("affinity", AFFINITIES)
def test_a_new_block_changes_no_bit_of_its_host(affinity, normalise, training):
    torch.manual_seed(0)
    for dimensions, make in HOSTS.items():
        host = make().train(training)
        x = torch.randn(2, 2, *SIDES[dimensions])
        before = host(x)
        insert(host, ["0", "1"], lambda d=dimensions: NonLocalBlock(6, d, affinity, normalise=normalise))
        assert torch.equal(bits(host.train(training)(x)), bits(before))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("window", [None, 5])
def test_new_blocks_change_no_bit_of_dncnn(window, layout):
    """Behind layers 2, 8 and 15: what comes out, and, in training, every gradient and statistic of the host."""
    torch.manual_seed(0)
    host = DnCNN(features=8).to(memory_format=layout)
    guest = copy.deepcopy(host)
    insert(guest, ["noise.4", "noise.22", "noise.43"], lambda: NonLocalBlock(8, window=window))
    assert [name for name, layer in guest.noise.named_children() if isinstance(layer, NonLocalBlock)] == [
        "4_nonlocal", "22_nonlocal", "43_nonlocal",
    ]  # fmt: skip
    noisy = torch.rand(2, 1, 20, 22)
    for network in (host, guest):
        network.zero_grad()
    out, same = host(noisy), guest(noisy)
    assert torch.equal(bits(out), bits(same))
    for restored in (out, same):
        restored.square().mean().backward()
    theirs = dict(guest.named_parameters())
    for name, parameter in host.named_parameters():
        assert torch.equal(parameter.grad, theirs[name].grad), name
    for name, buffer in host.named_buffers():
        assert torch.equal(buffer, dict(guest.named_buffers())[name]), name
    with torch.no_grad():
        assert torch.equal(bits(host.eval()(noisy)), bits(guest.eval()(noisy)))


def test_a_host_with_blocks_still_loads_the_weights_of_the_host():
    host = DnCNN(depth=4, features=4)
    guest = insert(DnCNN(depth=4, features=4), ["noise.4"], lambda: NonLocalBlock(4))
    missing, unexpected = guest.load_state_dict(host.state_dict(), strict=False)
    assert unexpected == []
    assert all("4_nonlocal" in name for name in missing)
    assert [type(layer).__name__ for layer in guest.noise][3:7] == ["BatchNorm2d", "ReLU", "NonLocalBlock", "Conv2d"]


@pytest.mark.parametrize("name", ["noise.99", "noise", "nothing.1"])
def test_a_block_goes_only_behind_a_layer_of_a_sequence(name):
    with pytest.raises(UsageError, match="no layer of"):
        insert(DnCNN(depth=3, features=4), [name], lambda: NonLocalBlock(4))


@pytest.mark.parametrize(
    "wrong",
    [
        {"dimensions": 4},
        {"affinity": "cosine"},
        {"window": 4},
        {"window": (3, 3, 3)},
        {"window": 1, "subsample": True},
        {"border": "zero"},
        {"channels": 0},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_when_the_block_is_made(wrong):
    with pytest.raises(UsageError):
        NonLocalBlock(**{"channels": 4, **wrong})


def test_maps_of_other_channels_or_without_a_batch_are_refused():
    for shape in [(4, 5, 5), (1, 3, 5, 5), (1, 4, 5)]:
        with pytest.raises(UsageError, match="made for"):
            NonLocalBlock(4)(torch.zeros(shape))


def look_up(rng, batch=32, length=24):
    """Sequences in which each of 12 keys stands twice, in any order: first with a value, then with a zero.

    Returns them (B, 13 channels, L), the values (B, 1, L) that belong at the second places, and where those are.
    """
    half = length // 2
    order = torch.stack([torch.randperm(length, generator=rng) for _ in range(batch)])
    keys = order % half
    first = torch.zeros(batch, length, dtype=torch.bool)
    for row, seen in zip(keys, first, strict=True):
        for key in range(half):
            seen[(row == key).nonzero()[0]] = True
    value = torch.randn(batch, half, generator=rng).gather(1, keys)
    sequence = torch.cat([functional.one_hot(keys, half).mT.float(), (value * first)[:, None]], 1)
    return sequence, value[:, None], ~first[:, None]


def error_after_training(network, steps=150):
    """Mean squared error on new sequences; the values have variance 1, which is the error of knowing nothing."""
    rng = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(steps):
        sequence, target, asked = look_up(rng)
        loss = (network(sequence) - target)[asked].square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    sequence, target, asked = look_up(rng, batch=128)
    with torch.no_grad():
        return float((network.eval()(sequence) - target)[asked].square().mean())


def test_one_block_learns_to_fetch_what_lies_far_and_a_convolution_does_not():
    torch.manual_seed(0)
    ends = nn.Conv1d(13, 16, 1), nn.Conv1d(16, 1, 1)
    near = nn.Sequential(copy.deepcopy(ends[0]), nn.Conv1d(16, 16, 5, padding=2), nn.ReLU(), copy.deepcopy(ends[1]))
    far = nn.Sequential(ends[0], NonLocalBlock(16, dimensions=1, subsample=False), ends[1])
    here, there = error_after_training(near), error_after_training(far)
    assert here > 0.8
    assert there < 0.1
