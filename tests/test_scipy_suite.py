"""SciPy's own tests of the functions that cconv.signal and cconv.ndimage take the place of."""

import os

import pytest

from scipy_suite.names import REPLACED
from scipy_suite.runner import obstacle, run


@pytest.mark.parametrize("part", list(REPLACED))
def test_scipys_own_tests_pass(part):
    reason = obstacle(part)
    if reason:
        pytest.skip(reason)
    status, report, output = run(part, whole=os.environ.get("CCONV_SCIPY_SUITE") == "all")
    assert report is not None, output[-4000:]
    assert not report["failed"], output[-4000:]
    assert status == 0, output[-4000:]
    # a test that calls none of our functions says nothing about them
    assert not report["not_called"]
    never = [name for name in REPLACED[part][1] if not report["calls"].get(f"{REPLACED[part][0]}.{name}")]
    assert not never, f"never called: {never}"
    assert report["passed"] > 100
