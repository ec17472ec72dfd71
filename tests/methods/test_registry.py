"""Cards, names, weights: what is known of methods without importing them."""

import hashlib

import numpy as np
import pytest

import nonloc
from nonloc.errors import CardError, SigmaOutOfRange, UnknownMethod, WeightsError
from nonloc.methods.card import read_card
from nonloc.methods.registry import card, cards, choose_weights, create
from nonloc.methods.weights import locate, read_metadata

CARD = """
name = "probe"
title = "Probe"
task = "denoise"
family = "test"
fidelity = "ours"
fidelity_why = "a test"
class = "nonloc.methods.filters.gaussian:Gaussian"
handles = ["gaussian"]
channels = [1]
sigma = [0, 50]
halo_exact = 3
advice = "Never."
"""
WEIGHTS = """
[[weights]]
file = "{file}"
sha256 = "0"
channels = {channels}
sigma = {sigma}
licence = "{licence}"
data = "none"
"""


def made(tmp_path, text):
    path = tmp_path / "probe.toml"
    path.write_text(text)
    return read_card(path)


def test_every_card_can_be_read_and_says_when_to_use_it():
    assert {"gaussian", "nl-means", "nonloc-s"} <= set(cards())
    for found in cards().values():
        assert len(found.advice) > 40, found.name
        assert found.reference, found.name


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('task = "denoise"', 'task = "tidy"', "task is 'tidy'"),
        ('fidelity = "ours"', 'fidelity = "close"', "fidelity is 'close'"),
        ("halo_exact = 3", "", "no halo_exact"),
        ("halo_exact = 3", "tiles = false", "without a reason"),
        ('title = "Probe"', "", "title"),
        ('title = "Probe"', 'title = "Probe"\ncolour = 3', "colour"),
        ("channels = [1]", "channels = [1", "card probe.toml"),
    ],
)
def test_a_wrong_card_says_which_field(tmp_path, old, new, said):
    with pytest.raises(CardError, match=said):
        made(tmp_path, CARD.replace(old, new))


def test_arguments_are_checked_and_texts_become_numbers(tmp_path):
    text = CARD + '[arguments]\nsize = { default = 3, choices = [3, 5], meaning = "side" }\n'
    text += 'h = { range = [0.0, 2.0], meaning = "strength" }\n'
    found = made(tmp_path, text)
    assert found.settings({}) == {"size": 3, "h": None}
    assert found.settings({"size": "5", "h": "0.5"}) == {"size": 5, "h": 0.5}
    for wrong in ({"size": 4}, {"size": "big"}, {"h": 3}, {"width": 3}):
        with pytest.raises(CardError, match=next(iter(wrong))):
            found.settings(wrong)


def test_weights_are_chosen_by_channels_level_and_licence(tmp_path):
    text = CARD.replace("channels = [1]", "channels = [1, 3]")
    for name, channels, sigma, licence in [
        ("gray15", 1, [15, 15], "open"),
        ("gray25", 1, [25, 25], "research"),
        ("colour", 3, [0, 50], "open"),
        ("another", 3, [0, 50], "research"),
    ]:
        text += WEIGHTS.format(file=name, channels=channels, sigma=sigma, licence=licence)
    found = made(tmp_path, text)
    assert found.licences == ("open", "research")
    assert choose_weights(found, 1, 25).file == "gray25"
    assert choose_weights(found, 3, 31).file == "colour"
    assert choose_weights(found, 3, None).file == "colour"  # of equals the first on the card
    with pytest.raises(SigmaOutOfRange, match="trained for 15, 25"):
        choose_weights(found, 1, 20)
    with pytest.raises(SigmaOutOfRange, match="trained for 15"):
        choose_weights(found, 1, 25, licence="open")
    with pytest.raises(SigmaOutOfRange, match="made for 0 to 50"):
        choose_weights(found, 3, 60)
    with pytest.raises(CardError, match="4 channels"):
        choose_weights(found, 4, 20)


def test_damaged_weights_are_told_and_not_used(tmp_path):
    (tmp_path / "probe.safetensors").write_bytes(b"torn")
    found = made(tmp_path, CARD + WEIGHTS.format(file="probe.safetensors", channels=1, sigma=[0, 50], licence="open"))
    from nonloc.methods.networks.nonloc_s import NonlocS
    from nonloc.methods.weights import load

    with pytest.raises(WeightsError, match="checksum"):
        load(NonlocS, found, found.weights[0])
    (tmp_path / "probe.safetensors").unlink()
    with pytest.raises(WeightsError, match="not there"):
        load(NonlocS, found, found.weights[0])


def test_names_have_a_nearest():
    with pytest.raises(UnknownMethod, match="'nl-means'"):
        card("nlmeans")


def test_a_method_is_made_once():
    assert create("gaussian", channels=1, sigma=20) is create("gaussian", channels=1, sigma=30)


@pytest.mark.parametrize("name", nonloc.methods(runnable=True))
def test_shipped_weights_are_what_the_card_says_and_name_their_data(name):
    found = card(name)
    for weights in found.weights:
        path = locate(found, weights)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == weights.sha256
        assert path.stat().st_size < 6_000_000
        told = read_metadata(path)
        assert told["network"]["channels"] == weights.channels
        assert {entry["pictures"] for entry in told["data"]} == set(told["recipe"]["data"]["pictures"])
        assert all(entry["terms"] for entry in told["data"])
        open_data = all(entry["licence"] == "open" for entry in told["data"])
        assert (weights.licence == "open") == open_data


def test_the_licence_filter_keeps_methods_that_anyone_may_use():
    free = nonloc.methods(licence="open", runnable=True)
    assert "nl-means" in free
    research = nonloc.methods(licence="research")
    assert "nonloc-s" in research
    assert create("nonloc-s", channels=3, sigma=25).weights.licence == "research"
    assert create("nonloc-s", channels=3, sigma=25, licence="open").weights.licence == "open"
    with pytest.raises(WeightsError, match="licence 'open'"):
        create("nonloc-s", channels=1, sigma=25, licence="open")


def test_a_network_can_be_taken_out_and_used_alone():
    import torch

    from nonloc.methods.networks.nonloc_s import NonlocS

    module = NonlocS(channels=1, widths=(8, 8, 8))
    noisy = torch.from_numpy(np.random.default_rng(0).random((2, 1, 16, 24), np.float32))
    torch.testing.assert_close(module(noisy, 0.1), noisy)  # untrained, it gives its input back
    for std in (torch.tensor([0.1, 0.2]), torch.full((2, 1, 16, 24), 0.1)):
        assert module(noisy, std).shape == noisy.shape
