"""Names from a browser: shown, given back, and never a way out of the temporary folder."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nonloc.interfaces.web.names import LONGEST, clean, disposition, result, unique

hostile = st.one_of(st.text(), st.text('./\\:\0\r\n"%;é '), st.from_regex(r"(\.\./)+etc/passwd"))


@given(hostile)
@example("../../etc/passwd.png")
@example("C:\\Users\\me\\x.tif")
@example(".." * 200 + ".jpg")
def test_a_name_is_one_part_without_anything_special(name):
    kept = clean(name)
    assert kept.strip()
    assert kept not in (".", "..")
    assert not re.search(r'[/\\\x00-\x1f<>:"|?*]', kept)
    assert len(kept) <= LONGEST


@given(hostile)
def test_a_download_header_is_one_ascii_line(name):
    header = disposition(clean(name))
    assert header.isascii()
    assert header.isprintable()
    assert re.fullmatch(r"attachment; filename=\"[^\"\\]*\"; filename\*=UTF-8''[\w.~%-]*", header)


@pytest.mark.parametrize(
    ("given_", "kept"),
    [("scan.tif", "scan.tif"), ("dir/photo 1.JPG", "photo 1.JPG"), ("Bäume.png", "Bäume.png"), (".hidden", "hidden")],
)
def test_an_honest_name_stays(given_, kept):
    assert clean(given_) == kept


def test_results_are_called_as_the_command_line_calls_them():
    assert result("scan.tif", "restored", ".tif") == "scan-restored.tif"


def test_the_same_name_twice_gets_a_number():
    taken = set()
    assert [unique(name, taken) for name in ("a.png", "A.png", "a.png")] == ["a.png", "A-2.png", "a-3.png"]
