"""Protocols as data."""

import pytest

from nonloc.benchmark.protocol import protocol, protocols
from nonloc.datasets import dataset
from nonloc.errors import UsageError


def test_every_protocol_names_a_set_and_says_how_it_is_scored():
    for found in protocols().values():
        assert dataset(found.set).name == found.set
        assert found.channels in ("gray", "colour")
        assert found.noise in {"denoise": ("synthetic", "real"), "upscale": ("none",)}[found.task]
        assert found.real == dataset(found.set).pairs
        assert "8-bit output" in found.metric


def test_the_score_on_real_pairs_leaves_the_tuning_pairs_out():
    assert protocol("polyu40").part == "score"
    assert protocol("polyu40-tune").part == "tune"


def test_an_unknown_protocol_names_the_nearest():
    with pytest.raises(UsageError, match="'kodak24'"):
        protocol("kodak")
