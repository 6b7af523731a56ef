"""Fixtures of the whole suite."""

import numpy as np
import pytest


@pytest.fixture
def rng(request):
    """A generator that gives a test the same numbers in every run, and no two tests the same."""
    return np.random.default_rng(list(f"{request.module.__name__}:{request.node.name}".encode()))
