"""A folder for modules that tests make up, quiet while thousands fail on purpose, and how many were compared."""

from __future__ import annotations

import gc
import logging
import sys
from typing import TYPE_CHECKING

import pytest

from tests.compiler.trials import Trial, Way

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

FIRST = "from fastdag_typed import DAG, Node\ndef f(a):\n    return a\ndag = DAG('d')\ndag.add_node(Node(f))\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """Make a folder that modules are imported from."""
    place = tmp_path_factory.mktemp("made_up")
    sys.path.insert(0, str(place))
    logging.disable(logging.CRITICAL)
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # a module is written anew within a second
    trial = Trial(FIRST, {"a": "1"}, place)
    assert trial.difference([Way()]) == ""  # which imports all that is needed
    trial.end()
    yield place
    gc.unfreeze()
    sys.dont_write_bytecode = writes
    logging.disable(logging.NOTSET)
    sys.path.remove(str(place))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much was compared."""
    cases = comparisons = 0
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "compared":
                cases += value["cases"]
                comparisons += value["comparisons"]
    if cases:
        terminalreporter.write_line(f"compiled as interpreted: {cases} cases, {comparisons} comparisons")
