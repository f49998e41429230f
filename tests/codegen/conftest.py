"""Workflows to compile, on the path of modules that can be imported; and the way from a workflow to its module."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fastdag_codegen import Options, compile_target, load, write
from fastdag_typed import DAG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from fastdag_typed import Workflow

DEFAULT = Options()
FLOWS = Path(__file__).parent / "flows"


@pytest.fixture(autouse=True)
def _flows_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FLOWS)


@pytest.fixture
def made() -> Iterator[Callable[[Workflow], str]]:
    """Put a workflow into a module that can be imported; give its target."""
    module = __import__("flat_random")

    def put(workflow: Workflow) -> str:
        module.dag = workflow
        return "flat_random:dag"

    yield put
    module.dag = DAG("random")


@pytest.fixture
def flat(tmp_path: Path) -> Callable[..., ModuleType]:
    """Compile a target to a file and load it."""

    def compiled(target: str, options: Options = DEFAULT) -> ModuleType:
        path = tmp_path / "flat.py"
        write(compile_target(target, options), path)
        return load(path)

    return compiled
