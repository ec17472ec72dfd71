"""PSNR against time."""

import pytest
from rows import measured

from nonloc.benchmark import plot
from nonloc.benchmark.plots import front


def test_one_picture_a_level_and_the_same_bytes_again(tmp_path):
    pytest.importorskip("matplotlib")
    first = plot(measured(), tmp_path / "a")
    again = plot(measured(), tmp_path / "b")
    assert [path.name for path in first] == ["bsd68-matlab4-float-15.svg", "bsd68-matlab4-float-25.svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert all(name in first[0].read_text() for name in ("bm3d", "nlrn", "PSNR in dB"))


def test_the_front_holds_what_nothing_beats():
    points = {"slow, best": (9, 31), "good": (1, 30), "as good, slower": (2, 30), "fast": (0.1, 28), "poor": (1, 27)}
    assert front(points) == {"slow, best", "good", "fast"}
    assert front({"a": (1, 30), "b": (1, 30)}) == {"a", "b"}
