"""What the tests of the daemon start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.editor.mypy_project import know_libraries

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which mypy knows the libraries and nothing else."""
    return know_libraries(tmp_path_factory.mktemp("libraries"))
