"""Nothing that a test of a fault starts may outlive it."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Generator[None]:
    threads = set(threading.enumerate())
    yield
    assert not set(threading.enumerate()) - threads


@pytest.fixture(autouse=True, scope="module")
def _no_process_is_left() -> Generator[None]:
    """Look once for all tests of a file, because it takes long; what is forgotten warns, and warnings are errors."""
    children = set(psutil.Process().children(recursive=True))
    yield
    gc.collect()
    assert not set(psutil.Process().children(recursive=True)) - children
