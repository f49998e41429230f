"""What native code costs, held against code that was inlined and typed by hand and built with mypyc, too.

It takes a C compiler. See ``bench_engine`` for what the environment can ask for.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from functools import partial
from random import Random
from time import process_time
from typing import TYPE_CHECKING, Any, Final

import pytest

from benchmarks.compare import compared
from benchmarks.natives import by_hand
from fastdag_codegen import Options, compile_target, load, write
from fastdag_codegen.native import build
from fastdag_typed.run.native import extension

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from benchmarks.conftest import Report

NODES: Final = {"chained": 1000, "layers": 1000, "statistics": 3, "text": 3}


@pytest.fixture(scope="session")
def hand(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Build the extension of what was written by hand."""
    folder = tmp_path_factory.mktemp("by_hand")
    (folder / "by_hand.py").write_text(by_hand(), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "mypyc", "by_hand.py"], cwd=folder, check=True, capture_output=True)
    spec = importlib.util.spec_from_file_location("by_hand", extension(folder / "by_hand.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def given(name: str) -> Any:
    """Give what a workflow is run with."""
    random = Random(5)  # noqa: S311 - the same at every run
    if name == "statistics":
        return [random.uniform(-1, 9) for _ in range(200)]
    if name == "text":
        return " ".join("".join(random.choices("abcdefgh", k=random.randint(2, 9))) for _ in range(40))
    return 0


@pytest.mark.parametrize("name", NODES)
def bench_native(report: Report, hand: ModuleType, tmp_path: Path, name: str) -> None:
    """Run native code against the same by hand, and against the module that it was built from."""
    path = tmp_path / f"flat_{name}.py"
    write(compile_target(f"benchmarks.natives:{name}", Options(level=2)), path)
    python = load(path)
    build(path)
    module = load(path)
    assert "NATIVE" in vars(module)
    native, plain, other = (partial(walk, given(name)) for walk in (module.walk, python.walk, getattr(hand, name)))
    assert native() == plain() == other()
    measured = partial(compared, subject=native, nodes=NODES[name], rounds=60, clock=process_time)
    report.figures += [
        measured(f"native {name}, to that by hand", control=other, limit=1.2),
        measured(f"native {name}, to the Python module", control=plain, limit=1.0),
    ]
