"""The promises of every method; needs the plug-in to be installed."""

import pytest

from nonloc import testing


@pytest.mark.parametrize("check", testing.CHECKS, ids=lambda check: check.__name__)
def test_keeps_its_promises(check):
    check("sigma-filter")
