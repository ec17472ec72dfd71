"""The fingerprint of a method changes with what it computes, and with nothing else."""

from dataclasses import replace

import pytest

from nonloc.benchmark import identity
from nonloc.methods.registry import card

SOURCE = '"""A method."""\n\ndef restore(pixels):\n    """Twice."""\n    return 2 * pixels  # why\n'


@pytest.fixture
def code(tmp_path, monkeypatch):
    """The fingerprint of a method with that source."""
    monkeypatch.syspath_prepend(tmp_path)

    def of(source, **changes):
        (tmp_path / "some_method.py").write_text(source)
        identity._sources.cache_clear()
        return identity.code(replace(card("gaussian"), cls="some_method:Method", **changes))

    return of


def test_words_and_layout_do_not_count(code):
    plain = "def restore(pixels):\n\n    return (2*pixels)\n"
    assert code(SOURCE) == code(plain)
    assert code(SOURCE, advice="Never.") == code(SOURCE)


def test_the_computation_counts(code):
    assert code(SOURCE) != code(SOURCE.replace("2 *", "3 *"))


def test_the_settings_on_the_card_count(code):
    assert code(SOURCE, network={"depth": 17}) != code(SOURCE, network={"depth": 20})


def test_what_a_method_is_built_of_counts_too(code, tmp_path):
    uses = "from nonloc.nonlocal_ops.matching import *\n\ndef restore(pixels):\n    return pixels\n"
    assert code(uses) != code(uses.replace("import *", "import __doc__"))
    assert "nonloc.nonlocal_ops.matching: " in identity._sources("some_method")
