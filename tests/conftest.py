"""What holds for all tests."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Generator

# Machines are shared and slow at times: how long an example takes says nothing about whether it is right.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Put the recursion limit back: mypy, where it is run in this process, sets one of its own."""
    limit = sys.getrecursionlimit()
    try:
        return (yield)
    finally:
        sys.setrecursionlimit(limit)
