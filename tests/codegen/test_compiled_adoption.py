"""A workflow with what was compiled from it beside it: taken if it is up to date, else interpreted with a warning."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_codegen import Options, compile_target, load, write
from fastdag_typed import DAG, CompileError, Context, Node, RetryStrategy, Runner, StaleModuleWarning

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fastdag_codegen.options import Mode
    from fastdag_typed import Workflow

FLOW = """
    from fastdag_typed import DAG, Runner, StaleModuleWarning

    print("imported")
    dag = DAG("halves")

    @dag.node
    def half(x: int) -> float:
        return x / 2

    @dag.node
    def inverse(value: float) -> float:
        return 1 / value

    half >> inverse

    if __name__ == "__main__":
        print(Runner(dag, compiled="flat.py").run({"x": 4}).value)
"""


def times(factor: int) -> DAG:
    dag = DAG("random")
    dag.add_node(Node(lambda x: x + 1, "one")) >> dag.add_node(Node(lambda value: value * factor, "two"))
    return dag


@pytest.fixture
def numbers(made: Callable[[Workflow], str], tmp_path: Path) -> tuple[DAG, Path]:
    """Make a workflow and the file that it is compiled to."""
    dag = times(2)
    path = tmp_path / "flat.py"
    write(compile_target(made(dag)), path)
    return dag, path


def test_a_file_or_a_module_runs_in_the_place_of_the_workflow(numbers: tuple[DAG, Path]) -> None:
    dag, path = numbers
    for compiled in (path, str(path), load(path)):
        metrics = Runner(dag, compiled=compiled).run({"x": 1})
        assert (metrics.results, metrics.node_times) == ({"one": 2, "two": 4}, {})
    assert dag["two"] == 4


def test_wiring_that_has_changed_is_interpreted(numbers: tuple[DAG, Path]) -> None:
    dag, path = numbers
    module = load(path)
    dag.add_node(Node(lambda y=5: y, "three"))
    for compiled in (path, module):
        with pytest.warns(StaleModuleWarning, match='"flat" is out of date, because the wiring of .* has') as found:
            runner = Runner(dag, compiled=compiled)
        assert found[0].filename == __file__
        assert runner.run({"x": 1}).results == {"one": 2, "two": 4, "three": 5}


def test_a_module_of_another_workflow_is_not_taken_and_a_file_not_even_loaded(numbers: tuple[DAG, Path]) -> None:
    (dag, path), other = numbers, times(3)
    assert other.plan().hash == dag.plan().hash
    module = load(path)
    for compiled in (path, module):
        with pytest.warns(StaleModuleWarning, match="it was compiled from another workflow, flat_random:dag. The one"):
            assert Runner(other, compiled=compiled).run({"x": 1}).value == 6
    path.write_text(f"{path.read_text(encoding='utf-8')}\nraise AssertionError\n", encoding="utf-8")
    with pytest.warns(StaleModuleWarning):
        assert Runner(other, compiled=path).run({"x": 1}).value == 6


def test_what_is_no_compiled_module_is_refused(numbers: tuple[DAG, Path], tmp_path: Path) -> None:
    dag, path = numbers
    with pytest.raises(CompileError, match=r'There is no file .*falt\.py" \(did you mean ".*flat\.py"\?\)'):
        Runner(dag, compiled=tmp_path / "falt.py")
    (tmp_path / "other.py").write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(CompileError, match="is not a compiled module"):
        Runner(dag, compiled=tmp_path / "other.py")
    with pytest.raises(TypeError, match='module "subprocess" is not compiled from a workflow'):
        Runner(dag, compiled=subprocess)
    with pytest.raises(ValueError, match=r"no place for policies of a runner: give .* itself, flat_random:dag"):
        Runner(dag, compiled=path, policies=[RetryStrategy(2)])


def test_a_workflow_and_a_module_are_not_mixed_up(numbers: tuple[DAG, Path]) -> None:
    dag, path = numbers
    module: Any = load(path)
    for arguments in ((module, module), (5, module), (5, None)):
        with pytest.raises(TypeError, match="a Runner runs a workflow, or a module compiled from one, not "):
            Runner(arguments[0], compiled=arguments[1])  # type: ignore[arg-type]
    del dag.nodes["two"]
    sys.modules["flat_random"].dag = 5  # type: ignore[attr-defined]  # what the target names is gone
    with pytest.raises(TypeError, match="flat_random:dag, from which the module was compiled, is no workflow any more"):
        Runner(module)


def test_the_environment_can_ask_for_the_workflow(numbers: tuple[DAG, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    dag, path = numbers
    monkeypatch.setenv("FASTDAG_INTERPRET", "1")
    path.write_text(f"{path.read_text(encoding='utf-8')}\nraise AssertionError\n", encoding="utf-8")
    assert set(Runner(dag, compiled=path).run({"x": 1}).node_times) == {"one", "two"}


class Frames:
    """Which files are run while a block is."""

    def __enter__(self) -> set[str]:
        self.files: set[str] = set()
        sys.setprofile(lambda frame, event, _: self.files.add(frame.f_code.co_filename) if event == "call" else None)
        return self.files

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)


@pytest.mark.parametrize(
    ("target", "inputs", "mode"),
    [
        ("flat_etl:etl", {"note": "!"}, "sequential"),
        ("flat_etl:etl", {"note": "!"}, "threads"),
        ("flat_async:site", {"url": "here"}, "sequential"),
        ("flat_async:site", {"url": "here"}, "asyncio"),
        ("flat_nested:outer", {"number": 7}, "sequential"),
        ("flat_nested:outer", {"number": 7}, "asyncio"),
        ("flat_machine:machine", {"number": 6}, "sequential"),
    ],
)
def test_the_environment_can_ask_the_functions_of_a_module_for_the_workflow(
    flat: Any, target: str, inputs: dict[str, Any], mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = flat(target, Options(mode=mode))
    monkeypatch.setenv("FASTDAG_INTERPRET", "1")
    module = load(compiled.__file__)
    given = {module.INPUTS[name]: value for name, value in inputs.items()}
    with Frames() as files:
        results = module.run(**given)
        assert compiled.__file__ not in files
    assert results == compiled.run(**given)
    assert inspect.signature(module.run) == inspect.signature(compiled.run)
    if hasattr(module, "run_async"):
        assert asyncio.run(module.run_async(**given)) == results
    with pytest.raises(TypeError, match="nothing"):
        module.run(**given, nothing=1)


def test_a_module_that_is_interpreted_keeps_its_results_its_context_and_its_workers(
    flat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTDAG_INTERPRET", "1")
    assert set(flat("flat_etl:etl", Options(keep=("count",), mode="threads")).run(max_workers=1)) == {"count", "report"}
    context = Context(metadata={"mine": 1})
    flat("flat_nested:outer").run(7, context=context)
    assert context.metadata["mine"] == 1
    assert "tell" in context.results


class Script:
    """A user's script with its compiled module beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write(FLOW)
        self.compile()

    def compile(self, options: str = "") -> None:
        code = f"from fastdag_codegen import *; write(compile_target('halves:dag', Options({options})), 'flat.py')"
        self.python("-c", code)

    def write(self, text: str) -> None:
        (self.folder / "halves.py").write_text(dedent(text), encoding="utf-8")

    def python(self, *arguments: str) -> str:
        command = [sys.executable, "-B", *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, encoding="utf-8", check=False)
        return done.stdout + done.stderr

    def imported(self) -> str:
        code = "from halves import dag, Runner; print(Runner(dag, compiled='flat.py').run({'x': 4}).value)"
        return self.python("-c", code)


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


def test_sources_that_have_changed_are_interpreted(script: Script) -> None:
    assert script.imported() == "imported\n0.5\n"
    script.write(FLOW.replace("1 / value", "20 / value"))
    found = script.imported()
    assert found.startswith("imported\n10.0\n")
    assert 'Compiled module "flat" is out of date, because halves.py has changed. Its workflow is interpreted' in found


def test_functions_that_are_gone_are_interpreted_under_their_new_name(script: Script) -> None:
    script.compile("level=0")
    script.write(FLOW.replace("inverse", "reverse"))
    found = script.imported()
    assert found.startswith("imported\n0.5\n")
    assert "because it does not find what it was compiled from (AttributeError: " in found
    assert "Compile it again: fastdag compile halves:dag -o flat.py" in found


def test_a_script_is_not_carried_out_again_to_take_what_was_compiled_from_it_as_a_module(script: Script) -> None:
    found = script.python("halves.py")
    assert found.startswith("imported\n0.5\n")
    assert found.count("imported") == 1
    assert "it was compiled from another workflow, halves:dag. The one to run is interpreted instead" in found


def test_taking_what_is_compiled_does_not_bring_the_compiler(script: Script) -> None:
    code = "import sys; from halves import dag, Runner; Runner(dag, compiled='flat.py').run({'x': 4}); "
    assert script.python("-c", f"{code}print([n for n in ('libcst', 'jinja2') if n in sys.modules])").endswith("[]\n")
