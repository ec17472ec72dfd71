"""What Accept and Prefer ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonloc.image import formats
from nonloc.interfaces.service.media import MEDIA, accepted, preferred
from nonloc.interfaces.service.schema import Repair
from nonloc.verbs.repair import DAMAGES


@pytest.mark.parametrize(
    ("accept", "own", "format"),
    [
        (None, "jpeg", "jpeg"),
        ("", "tiff", "tiff"),
        ("*/*", "tiff", "tiff"),
        ("image/*", "webp", "webp"),
        ("application/octet-stream", "nifti", "nifti"),
        ("image/png", "jpeg", "png"),
        ("image/png;q=0.5, image/jpeg;q=0.5", "jpeg", "jpeg"),
        ("image/png;q=0.5, image/tiff;q=0.8", "jpeg", "tiff"),
        ("image/png, */*;q=0.1", "jpeg", "png"),
        ("image/avif,image/webp,*/*;q=0.8", "png", "webp"),
        ("image/jpeg;q=0, */*", "jpeg", None),
        ("text/html", "png", None),
        ("image/png;q=nan", "png", None),
        ("IMAGE/PNG", "tiff", "png"),
    ],
)
def test_the_format_is_the_own_one_unless_another_is_more_welcome(accept, own, format):
    assert accepted(accept, own) == format


@given(st.text(max_size=60), st.sampled_from(sorted(MEDIA)))
def test_no_accept_breaks_it(accept, own):
    assert accepted(accept, own) in {None, *MEDIA}


@pytest.mark.parametrize(
    ("prefer", "asynchronous", "wait"),
    [
        (None, False, None),
        ("respond-async", True, None),
        ("respond-async, wait=10", True, 10.0),
        ('Wait="3"; x=y', False, 3.0),
        ("wait=-1", False, None),
        ("wait=1e9, handling=lenient", False, None),
    ],
)
def test_prefer_is_read_and_what_is_not_known_passed_over(prefer, asynchronous, wait):
    found = preferred(prefer)
    assert (found.asynchronous, found.wait) == (asynchronous, wait)


def test_every_format_has_a_media_type():
    assert set(MEDIA) == {module.NAME for module in formats.FORMATS}


def test_every_damage_that_needs_no_mask_can_be_asked_for():
    allowed = Repair.model_json_schema()["properties"]["damage"]["anyOf"][0]["enum"]
    assert set(allowed) == set(DAMAGES) - {"holes"}
