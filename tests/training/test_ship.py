"""Weights on their card: one entry a file, in its place, with the levels they were trained for."""

import dataclasses

import pytest

from nonloc.methods import registry
from nonloc.training.ship import levels, replace_entry

CARD = """name = "a"

[[weights]]
file = "a-color.safetensors"
channels = 3

[[weights]]
file = "a-gray.safetensors"
channels = 1
"""


@pytest.mark.parametrize("file", ["a-color.safetensors", "a-gray.safetensors"])
def test_an_entry_is_replaced_where_it_stands(file):
    entry = f'[[weights]]\nfile = "{file}"\nchannels = 9\n'
    found = replace_entry(CARD, file, entry)
    assert found.count("[[weights]]") == 2
    assert found.index("a-color") < found.index("a-gray")
    assert found.count("channels = 9") == 1
    assert found.replace("channels = 9", f"channels = {3 if 'color' in file else 1}") == CARD


def test_a_new_entry_comes_last():
    entry = '[[weights]]\nfile = "b.safetensors"\n'
    assert replace_entry(CARD, "b.safetensors", entry) == f"{CARD}\n{entry}"


@pytest.mark.parametrize(
    ("degradation", "found"), [("gaussian:25", (25, 25)), ("gaussian:0..75", (0, 75)), ("0.4*clip8", (0, 75))]
)
def test_a_specialist_has_its_own_level_and_others_have_the_cards(degradation, found):
    card = dataclasses.replace(registry.card("nonloc-s"), sigma=(0, 75))
    assert levels({"recipe": {"degradation": degradation}}, card) == found


def test_weights_name_what_they_began_from_and_no_folder_of_a_machine(tmp_path):
    import torch

    from nonloc.methods import weights
    from nonloc.training.start import started

    path = tmp_path / "weights.safetensors"
    digest = weights.save(torch.nn.Linear(2, 2), path, {"recipe": {"name": "sr-fast-x2"}})
    assert started(str(path)) == f"sr-fast-x2, sha256 {digest[:12]}"
    assert started(str(tmp_path / "gone.safetensors")) == "gone.safetensors"
    assert [started(text) for text in ("scratch", "shipped:nonloc-s")] == ["scratch", "shipped:nonloc-s"]


def test_no_shipped_weights_name_a_folder_of_a_machine():
    import re

    from nonloc.methods.weights import PACKAGE, companion

    heads = {}
    for path in (*PACKAGE.glob("*.safetensors"), *companion().glob("*.safetensors")):
        data = path.read_bytes()
        heads[path.name] = data[8 : 8 + int.from_bytes(data[:8], "little")]
    assert len(heads) > 5
    assert not [name for name, head in heads.items() if re.search(rb'start\\": \\"[^"]*[/\\]\w', head)]
