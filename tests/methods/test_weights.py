"""Where weights lie: small ones in the package, large ones in `nonloc-weights`; what is said where one is missing."""

import pytest

from nonloc.errors import WeightsError
from nonloc.methods import registry, weights
from nonloc.verbs.choose import choose_denoiser


def test_each_file_lies_where_its_size_says_and_is_on_a_card():
    listed = {w.file for card in registry.cards().values() for w in card.weights}
    small, large = (sorted(folder.glob("*.safetensors")) for folder in (weights.PACKAGE, weights.companion()))
    assert small
    assert large
    assert all(path.stat().st_size <= weights.LARGE for path in small)
    assert all(path.stat().st_size > weights.LARGE for path in large)
    estimators = {"camera-level.safetensors"}  # asks for no method
    assert {path.name for path in (*small, *large)} - estimators <= listed


def test_without_the_large_ones_the_default_is_a_method_that_needs_none_and_the_reason_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "companion", lambda: tmp_path)
    choice = choose_denoiser(3, 25)
    assert choice.method == "bm3d"
    assert "the file is not there" in choice.reason
    card = registry.card("nonloc-s")
    with pytest.raises(WeightsError, match="nonloc-weights"):
        weights.locate(card, card.weights[0])
