"""Each probe on a case whose answer is known."""

import math

import noise_kinds
import numpy as np
import probes
import pytest
import sequences
import table1_networks
import torch
from hypothesis import given
from hypothesis import strategies as st
from table1_verdicts import verdict
from torch import nn
from torch.nn import functional as F

from nonloc.methods import registry
from nonloc.nonlocal_ops.definition import non_local
from nonloc.training.data import TorchRandom

RNG = np.random.default_rng


def picture(height=48, width=64, seed=0) -> np.ndarray:
    """Smooth, in [0, 1]."""
    y, x = np.mgrid[:height, :width]
    a, b = RNG(seed).uniform(0.05, 0.2, 2)
    return 0.5 + 0.25 * np.sin(a * x) + 0.2 * np.cos(b * y)


class Halving(nn.Module):
    """The error of what it gives is halved by each step."""

    def __init__(self, clean: np.ndarray, steps: int):
        super().__init__()
        self.clean, self.steps = torch.from_numpy(clean)[None, None].float(), steps

    def forward(self, y, steps=None):
        return self.clean + (y - self.clean) / 2 ** (self.steps if steps is None else steps)


def test_a_step_that_halves_the_error_gains_six_decibels():
    clean = np.rint(255 * picture()).astype(np.uint8)
    noisy = clean / 255 + RNG(1).uniform(-0.2, 0.2, clean.shape)
    found = probes.by_step(Halving(clean / 255, 3), [(clean, noisy)], 3)
    assert probes.gains(found) == pytest.approx([20 * math.log10(2)] * 2, abs=0.05)  # 8-bit rounding


def test_uses_count_where_a_kernel_is_laid_and_how_often():
    conv, strided = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 4, 2, stride=2)
    assert probes.uses_per_pixel(conv, 16) == 1
    assert probes.uses_per_pixel(nn.Sequential(conv, conv, conv), 16) == 3  # shared by three steps
    assert probes.uses_per_pixel(strided, 16) == 0.25
    assert probes.uses_per_pixel(nn.Sequential(strided, nn.ConvTranspose2d(4, 1, 2, stride=2)), 16) == 0.25
    assert probes.parameters(nn.Sequential(conv, conv)) == 10


def test_operations_are_counted():
    assert probes.kflop_per_pixel(nn.Conv2d(1, 5, 3, padding=1), 16) == pytest.approx(2 * 9 * 5 / 1e3)
    part = table1_networks.NonLocalPart(8, window=5, embedding=3, values=7)

    def attention(y):
        return part(y.expand(-1, 8, -1, -1), None, keep=False)[0]

    maps = 8 * 4 * (3 + 3 + 7) + 7 * 8 * 4  # 2 x 2 positions are one
    assert probes.kflop_per_pixel(attention, 10) == pytest.approx(2 * (maps + 25 * (3 + 7)) / 4 / 1e3)


@pytest.mark.parametrize(("name", "cost"), [("mlp", 167.5), ("cnn", 167.5), ("rnn", 167.5)])
def test_the_networks_cost_the_same(name, cost):
    given = table1_networks.DESIGNS[name]
    assert probes.kflop_per_pixel(table1_networks.network(**given), 480) == pytest.approx(cost, rel=0.02)


@pytest.mark.parametrize("name", ["cnn-nl", "rnn-nl"])
def test_the_non_local_part_costs_the_two_steps_that_it_replaces(name):
    given = table1_networks.DESIGNS[name]
    found = probes.kflop_per_pixel(table1_networks.network(**given), 4 * given["window"])
    assert found == pytest.approx(167.5, rel=0.02)


def test_both_networks_for_sequences_cost_the_same():
    a, b = (sequences.counted(sequences.network(**given))["kflop"] for given in sequences.DESIGNS.values())
    assert a == pytest.approx(b, rel=0.01)


def test_the_gradient_of_a_box_filter_lies_evenly_in_its_box():
    def box(y):
        return F.avg_pool2d(y, 5, stride=1, padding=2)

    share = probes.gradient(box, picture(21, 21), (10, 10))
    assert share[8:13, 8:13] == pytest.approx(1 / 25)
    assert share.sum() == pytest.approx(1)
    assert share[:8].sum() == share[13:].sum() == 0
    # 25 places: 21 without the corners, which are sqrt(8) away; before them eight at sqrt(5)
    assert probes.radius_of(share, (10, 10), 21 / 25) == pytest.approx(math.sqrt(5))
    assert probes.radius_of(share, (10, 10), 0.9) == pytest.approx(math.sqrt(8))
    assert probes.radius_of(share, (10, 10), 1 / 25) == 0


def test_a_copy_helps_the_network_that_looks_there_by_three_decibels_and_no_local_one():
    clean = picture(40, 120)
    noise = RNG(0).normal(0, 25 / 255, clean.shape)

    def looks_32_to_the_right(y):
        return (y + torch.roll(y, -32, 3)) / 2

    where = {"at": (4, 8), "size": (32, 8), "distances": (8, 16, 32, 64)}
    found = probes.copy_errors(looks_32_to_the_right, clean, noise, **where)
    rectangle, here, there = clean[4:36, 8:16], noise[4:36, 8:16], noise[4:36, 40:48]
    turned, alike = found[2]
    assert alike == pytest.approx(np.mean(((here + there) / 2) ** 2), rel=1e-4)
    assert probes.decibels([alike]) - probes.decibels([np.mean(here**2)]) == pytest.approx(3, abs=0.6)
    other = (rectangle[::-1, ::-1] - rectangle + here + there) / 2
    assert turned == pytest.approx(np.mean(other**2), rel=1e-4)
    assert turned > 1.1 * alike
    for elsewhere in (0, 1, 3):
        assert found[elsewhere][0] == found[elsewhere][1]
    assert len({e for pair in probes.copy_errors(lambda y: y, clean, noise, **where) for e in pair}) == 1


def test_even_attention_has_the_entropy_of_its_keys_and_sharp_attention_none():
    sides = (6, 7)
    even = torch.zeros(42, 42)
    entropy, distance = probes.spread_of_attention(even, sides, 13, 4)
    assert entropy == pytest.approx(math.log(42))
    place = np.stack(np.meshgrid(range(6), range(7), indexing="ij"), -1).reshape(-1, 2)
    away = np.linalg.norm(place[:, None] - place[None], axis=-1)
    assert distance == pytest.approx(4 * away.mean())
    entropy, distance = probes.spread_of_attention(1e4 * torch.eye(42), sides, 13, 4)
    assert (entropy, distance) == pytest.approx((0, 0), abs=1e-9)
    assert probes.spread_of_attention(even, sides, 3, 4)[0] == pytest.approx(math.log(9))


@pytest.mark.parametrize("design", ["cnn", "rnn"])
def test_the_logits_that_are_looked_at_are_those_of_the_network(design):
    torch.manual_seed(0)
    module = table1_networks.network(design, features=8, steps=3, window=5).eval()
    for part in module.far:
        for layer in (part.theta, part.phi, part.project):  # logits that matter
            nn.init.normal_(layer.weight)
    seen = []
    for part in module.far:
        part.project.register_forward_hook(lambda _, given, __: seen.append(given[0]))
        part.g.register_forward_hook(lambda _, __, out: values.append(out))
    values = []
    noisy = picture(24, 32)
    found, sides = probes.logits_by_step(module, noisy)
    assert (len(found), sides) == (3, (6, 8))
    for S, g, z in zip(found, values, seen, strict=True):
        nothing = torch.zeros(1, 1, *sides)
        again, _ = non_local(nothing, nothing, g, window=5, carried=S[None])
        torch.testing.assert_close(again, z, atol=2e-3, rtol=2e-3)  # the network holds them in 16 bits


def test_a_size_probe_scores_the_same_pixels_and_sees_what_a_small_picture_lacks():
    clean = picture(96, 96)
    noisy = clean + RNG(0).normal(0, 0.1, clean.shape)
    same = probes.core_errors(lambda y: y, clean, noisy, (32, 32), 32, (32, 48, 96))
    assert same == pytest.approx([np.mean((noisy - clean)[32:64, 32:64] ** 2)] * 3)

    def brightness_of_the_whole(y):
        return y - y.mean()

    small, large = probes.core_errors(brightness_of_the_whole, clean, clean, (32, 32), 32, (32, 96))
    assert small == pytest.approx(clean[32:64, 32:64].mean() ** 2, rel=1e-5)
    assert large == pytest.approx(clean.mean() ** 2, rel=1e-5)


@pytest.mark.parametrize("name", list(noise_kinds.KINDS))
def test_each_kind_of_noise_has_the_power_of_sigma_25_for_arrays_and_tensors(name):
    kind = noise_kinds.KINDS[name]
    gray = np.full((400, 400), 0.45)
    error = kind.apply(gray, RNG(0)) - gray
    tensor = torch.from_numpy(gray).float()
    other = (kind.apply(tensor, TorchRandom(torch.Generator().manual_seed(0))) - tensor).numpy()
    for e in (error, other):
        if name == "impulse":
            assert np.mean(e != 0) == pytest.approx(0.1, abs=0.01)
            assert np.unique(np.abs(e).round(2)) == pytest.approx([0, 0.45, 0.55])
        else:
            assert e.std() == pytest.approx(25 / 255, rel=0.06)
    across = np.mean(error[:, 1:] * error[:, :-1]) / error.var()
    assert across == pytest.approx({"correlated": 2 / 3, "striped": 0.64}.get(name, 0), abs=0.06)


def test_memory_is_of_as_many_frames_as_told():
    class MeanOfAll(nn.Module):
        def forward(self, clip):
            return torch.cumsum(clip, 1) / torch.arange(1, clip.shape[1] + 1).view(-1, 1, 1)

    clips = torch.full((3, 30, 24, 24), 0.5)
    noise = torch.randn(clips.shape, generator=torch.Generator().manual_seed(0))
    found = sequences.by_memory(MeanOfAll(), clips, noise)
    for memory, value in found.items():
        assert value - found[1] == pytest.approx(10 * math.log10(memory), abs=0.4)


def test_the_five_frame_network_knows_nothing_older_and_neither_sees_the_future():
    torch.manual_seed(0)
    clip = torch.rand(1, 12, 16, 16)
    for design, remembers in (("five-frame", False), ("recurrent", True)):
        module = sequences.network(design, features=8, blocks=1)
        nn.init.normal_(module.tail.weight)
        with torch.inference_mode():
            whole, changed = module(clip), module(torch.cat([1 - clip[:, :1], clip[:, 1:]], 1))
            assert torch.allclose(module(clip[:, :7]), whole[:, :7], atol=1e-5)
            newest = module(torch.cat([clip[:, :-1], 1 - clip[:, -1:]], 1)) - whole
        assert not torch.allclose(newest[:, -1], (1 - 2 * clip)[:, -1], atol=1e-3)  # more than the skip
        assert (not torch.allclose(whole[:, 5], changed[:, 5], atol=1e-6)) == remembers
        assert not torch.allclose(whole[:, 4], changed[:, 4], atol=1e-6)


@given(st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_clips_stay_in_their_picture_and_move_by_at_most_a_pixel(frames, seed):
    still = torch.arange(90 * 120).reshape(1, 90, 120)  # each pixel tells its place: y * 120 + x
    clip = sequences.clip_of(still, 16, frames, RNG(seed)) * 255
    assert clip.shape == (frames, 16, 16)
    corner = (clip[:, 0, 0] - 121).round().long()  # the middle of the first 3 x 3 pixels
    y, x = corner // 120, corner % 120
    assert (y >= 0).all()
    assert (y <= 90 - 48).all()
    assert (x <= 120 - 48).all()
    moved = torch.stack([y.diff(), x.diff()])
    assert (moved.abs() <= sequences.FASTEST + 1).all()


def test_no_list_of_methods_names_the_networks_of_an_experiment():
    before = registry.cards.__wrapped__()
    table1_networks.enlist()
    assert table1_networks.METHOD not in before
    assert registry.card(table1_networks.METHOD).multiple == 4
    registry.cards.cache_clear()


@pytest.mark.parametrize(
    ("more", "less", "answer"),
    [
        ([2.0, 2.2], [1.0, 1.1], "confirmed"),
        ([1.0, 1.1], [2.0, 2.2], "refuted"),
        ([2.0, 3.0], [1.5, 1.6], "undecided"),  # 0.95 apart, spread 0.7
        ([2.0], [1.0], "undecided"),  # one seed
        ([8.0, 8.0], [1.0, 1.0], "confirmed"),  # counts
        ([1.0, 1.0], [1.0, 1.0], "undecided"),
    ],
)
def test_a_difference_under_twice_the_spread_is_undecided(more, less, answer):
    assert verdict(more, less) == answer
