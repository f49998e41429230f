"""Cases for the checker: each is a small program, and every line that mypy prints about it."""

from __future__ import annotations

import gc
import os
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator


CASES = count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Check with the plugin, in this process: a new one would take a second for each case."""
    config.option.mypy_same_process = True
    os.environ["PATH"] = os.pathsep.join(
        (str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
    )  # mypy is looked up
    config.option.mypy_ini_file = str(Path(__file__).with_name("mypy.ini"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """Put the table of modules back: running in this process leaves a copy, which breaks imports that come later.

    mypy also takes what it has made from the garbage collector, which in a program of its own is faster.
    """
    modules = sys.modules
    try:
        yield
    finally:
        sys.modules = modules
        gc.unfreeze()
        if next(CASES) % 16 == 0:  # one takes as long as a case
            gc.collect()
