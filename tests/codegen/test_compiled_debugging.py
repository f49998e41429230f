"""With ``-O0`` every node is a call of the user's own function: debuggers, coverage and profilers see it as ever."""

from __future__ import annotations

import cProfile
import os
import pstats
import re
import subprocess
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_codegen import compile_target, load, write
from fastdag_codegen.options import Level, Options
from fastdag_typed import Runner, WorkflowExecutionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, ModuleType

FLOWS = Path(__file__).parent / "flows"
RUNS = [
    ("flat_etl:etl", {}),
    ("flat_async:site", {"url": "here"}),
    ("flat_machine:machine", {"number": 6}),
    ("flat_nested:outer", {"number": 7}),
]
Lines = set[tuple[str, int]]


@pytest.fixture
def uninlined(tmp_path: Path) -> Callable[[str], ModuleType]:
    """Compile a target with a call for each node, and load it."""

    def compiled(target: str) -> ModuleType:
        write(compile_target(target, Options(level=0)), tmp_path / "flat.py")
        return load(tmp_path / "flat.py")

    return compiled


def workflow_of(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def users(filename: str) -> str | None:
    """Give the name of a file of the users' functions; other files are of no interest."""
    path = Path(filename)
    return path.name if path.parent == FLOWS else None


def traced(call: Callable[[], object]) -> Lines:
    """Run with a trace function, as debuggers and coverage have one."""
    seen: Lines = set()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        name = users(frame.f_code.co_filename)
        if name is not None and event == "line":
            seen.add((name, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return seen


def monitored(call: Callable[[], object]) -> Lines:
    """Run with ``sys.monitoring``, as newer debuggers and coverage use it."""
    seen: Lines = set()
    monitoring: Any = getattr(sys, "monitoring")  # noqa: B009 - of Python 3.12

    def line(code: Any, number: int) -> object:
        name = users(code.co_filename)
        if name is not None:
            seen.add((name, number))
        return None if name is not None else monitoring.DISABLE

    tool = next(number for number in (3, 4) if monitoring.get_tool(number) is None)
    monitoring.use_tool_id(tool, "tests")
    try:
        monitoring.register_callback(tool, monitoring.events.LINE, line)
        monitoring.set_events(tool, monitoring.events.LINE)
        call()
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)
        monitoring.restart_events()
    return seen


WATCHES = [
    traced,
    pytest.param(monitored, marks=pytest.mark.skipif(sys.version_info < (3, 12), reason="of Python 3.12")),
]


@pytest.mark.parametrize("watch", WATCHES)
@pytest.mark.parametrize(("target", "inputs"), RUNS)
def test_the_same_lines_are_seen_as_in_the_interpreter(
    uninlined: Any, watch: Callable[[Callable[[], object]], Lines], target: str, inputs: dict[str, Any]
) -> None:
    module, workflow = uninlined(target), workflow_of(target)
    expected = watch(lambda: Runner(workflow).run(inputs))
    found = watch(lambda: Runner(module).run(inputs))
    assert found == expected
    assert len(found) >= len(workflow.nodes) - 2  # branches not taken


def test_a_profile_lists_the_users_functions_each_called_by_the_compiled_one(uninlined: Any) -> None:
    module = uninlined("flat_etl:etl")
    profile = cProfile.Profile()
    profile.runcall(module.run)
    rows: Any = pstats.Stats(profile).stats  # type: ignore[attr-defined]  # what the module prints
    calls = {
        name: (calls, [caller for _, _, caller in callers])
        for (file, _, name), (calls, _, _, _, callers) in rows.items()
        if users(file) is not None and name != "<listcomp>"  # a function of its own until Python 3.11
    }
    assert calls == {name: (1, ["walk"]) for name in workflow_of("flat_etl:etl").nodes}


@pytest.mark.parametrize("level", [0, 1])
def test_a_failure_is_shown_in_the_user_s_function_at_any_level(tmp_path: Path, level: Level) -> None:
    write(compile_target("flat_etl:etl", Options(level=level)), tmp_path / "flat.py")
    shown: list[object] = []
    for run in (load(tmp_path / "flat.py").run, workflow_of("flat_etl:etl").run):
        with pytest.raises(WorkflowExecutionError) as caught:
            run(limit=0)
        trace: Any = getattr(caught.value.__cause__, "__traceback__", None)
        (*_, at), (*_, (frame, _)) = traceback.extract_tb(trace), traceback.walk_tb(trace)
        shown.append((str(caught.value), at.filename, at.lineno, at.name, at.line, dict(frame.f_locals)))
    assert shown[0] == shown[1]


# -- a debugger in a program of its own --------------------------------------------------------------------------------

PROGRAM = """\
from fastdag_typed import DAG

dag = DAG("debugged")


@dag.node
def begin(x: int) -> int:
    low = x + 1{stop}
    return low


@dag.node
def end(value: int) -> int:
    return value * 2


begin >> end
"""


def answers(folder: Path, level: Level, commands: str, *options: str, stop: str = "") -> list[str]:
    """Run a compiled workflow in a debugger; give what that prints."""
    source = PROGRAM.format(stop=f"\n    {stop}" if stop else "")
    (folder / "debugged.py").write_text(source, encoding="utf-8")
    (folder / "main.py").write_text("import flat\n\nprint(flat.run(x=4))\n", encoding="utf-8")
    found: list[str] = []
    compiling = f"""
from fastdag_codegen import compile_target, write
from fastdag_codegen.options import Options
write(compile_target("debugged:dag", Options(level={level})), "flat.py")
"""
    for arguments, given in ((["-c", compiling], ""), ([*options, "main.py"], commands)):
        environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONBREAKPOINT", "PYTHONSAFEPATH"}}
        done = subprocess.run(
            [sys.executable, *arguments],
            input=given,
            cwd=folder,
            env={**environment, "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found = [re.sub(r"^(\(Pdb\) )+", "", line) for line in done.stdout.splitlines()]
    return found


@pytest.mark.parametrize("level", [0, 1])
def test_a_breakpoint_in_a_function_stops_there_at_any_level(tmp_path: Path, level: Level) -> None:
    found = answers(tmp_path, level, "p x, low\nup\np x\nc\n", stop="breakpoint()")
    assert any(line.startswith(f"> {tmp_path / 'debugged.py'}(") and "begin()" in line for line in found)
    assert "(4, 5)" in found
    assert any(line.startswith(f"> {tmp_path / 'flat.py'}(") and line.endswith("walk()") for line in found)
    assert found[-1] == "{'begin': 5, 'end': 10}"


def test_a_debugger_stops_at_lines_of_functions_and_goes_on_there(tmp_path: Path) -> None:
    commands = "b debugged:8\nb debugged:14, value == 5\nc\np x\nn\np low\nc\np value + 100\nw\nc\nq\n"
    found = answers(tmp_path, 0, commands, "-m", "pdb")
    file, flat = tmp_path / "debugged.py", tmp_path / "flat.py"
    first, second, third = f"> {file}(8)begin()", f"> {file}(9)begin()", f"> {file}(14)end()"
    at = [line for line in found if line in {first, second, third, "4", "5", "105"}]
    assert at == [first, "4", second, "5", third, "105", third]
    (walk,) = (line for line in found if line.startswith(f"  {flat}(") and line.endswith("walk()"))
    assert found[found.index(walk) + 1] == "-> end = _end(begin)"
    assert "{'begin': 5, 'end': 10}" in found
