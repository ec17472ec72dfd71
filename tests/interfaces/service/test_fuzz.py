"""Whatever is sent, the service answers, and never with a fault of its own."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service_fuzz import asked, damaged, fault, seeds

from nonloc.interfaces.service.limits import Limits


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_no_upload_breaks_it(seed, fuzzed):
    running, good = fuzzed
    rng = random.Random(seed)
    answer = running.http.post(asked(rng, slow=60), content=damaged(rng, good))
    assert fault(answer.status_code, answer.headers.get("content-type", ""), answer.content) == ""
    assert running.service.queue.idle


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(
    content=st.binary(max_size=200), head=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"II*\0", b"BM", b"\xff\xd8\xff"])
)
def test_no_bytes_break_it(content, head, fuzzed):
    answer = fuzzed[0].quick(head + content)
    assert fault(answer.status_code, answer.headers.get("content-type", ""), answer.content) == ""


@pytest.fixture
def fuzzed(start):
    return start(Limits(pixels=1_000_000, grace=0)), seeds()


@pytest.mark.slow
def test_the_service_does_what_its_openapi_says(start):
    schemathesis = pytest.importorskip("schemathesis", reason="needs: pip install schemathesis")
    from service_schema import check

    running = start(Limits(pixels=1_000_000, grace=0))
    assert check(schemathesis, running.address, examples=8) == []
