"""Every method through the same checks; a new one is tested on the day its card exists."""

import pytest

import nonloc
from nonloc import testing


@pytest.mark.parametrize("check", testing.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", nonloc.methods(runnable=True))
def test_keeps_its_promises(name, check):
    check(name)
