"""What type checkers know of compiled workflows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from fastdag_codegen import Options, compilation, write

if TYPE_CHECKING:
    from pathlib import Path

    from fastdag_codegen.options import Choice

PROGRAM = """
    from typing import Any, TypedDict, assert_type
    from fastdag_typed import DAG, FSM, CompiledWorkflow, Results, Runner

    dag = DAG("d")
    @dag.node
    def a(x: int) -> int:
        return x
    @dag.node
    def b(x: int) -> list[str]:
        return []
    a >> b
    compiled = dag.compile(level=2, mode="threads", keep=[b, "a"], instrument=True, late_globals=False)
    assert_type(compiled, CompiledWorkflow[Any])
    assert_type(compiled(x=1), Results)
    assert_type(compiled({"x": 1})[b], list[str])
    async def later() -> list[str]:
        return (await compiled.run_async(x=1))[b]
    Runner(dag, compiled=compiled).run({"x": 1})
    Runner(dag, compiled="flat.py")

    class Inputs(TypedDict):
        x: int
    declared = FSM[Any, Inputs]("d").compile()
    declared({"x": 1})
    declared({"x": "1"})  # arg-type
    declared({"y": 1})  # arg-type
    Runner(dag, compiled=5)  # arg-type
    dag.compile(mode="thread")  # arg-type
    dag.compile(level=3)  # arg-type
    text: int = compiled.text  # assignment
"""


UNCHECKED = """
    from fastdag_typed import DAG, Node

    def one(x: int) -> list[int]:
        return [x]
    def bare(found):
        name = len(found)
        name = str(name)
        return name.nothing
    def silenced(found: list[int]) -> str:
        found = 5  # type: ignore[assignment]
        return found  # type: ignore[return-value]
    dag = DAG("d")
    dag.add_node(Node(one)) >> dag.add_node(Node({}))
"""


@pytest.mark.parametrize("name", ["bare", "silenced"])
def test_mypy_finds_nothing_in_bodies_that_it_does_not_look_at_where_they_are(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    (tmp_path / f"unchecked_{name}.py").write_text(dedent(UNCHECKED).replace("{}", name), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    choices = {choice.node: choice.how for choice in _compiled(f"unchecked_{name}", tmp_path / "flat.py")}
    assert choices == {"one": "inlined", name: "inlined"}
    cache = pytestconfig.cache.mkdir("mypy_of_compiled_types") if pytestconfig.cache else os.devnull
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}"),
            *("--follow-imports=silent", "flat.py"),
        ],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _compiled(module: str, place: Path) -> tuple[Choice, ...]:
    plan = import_module(module).dag.plan()
    made = compilation(plan, target=f"{module}:dag", options=Options(level=2))
    write(made.text, place)
    return made.choices


def test_mypy_knows_what_is_compiled_and_what_it_gives(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    program = tmp_path / "program.py"
    program.write_text(dedent(PROGRAM), encoding="utf-8")
    cache = pytestconfig.cache.mkdir("mypy_of_compiled_types") if pytestconfig.cache else os.devnull
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}", program.name],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    found = re.findall(r"^program\.py:(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    lines = enumerate(program.read_text(encoding="utf-8").splitlines(), 1)
    expected = [(str(number), line.partition("  # ")[2]) for number, line in lines if "  # " in line]
    assert found == expected, done.stdout + done.stderr
